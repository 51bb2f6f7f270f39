"""Executions of pipelines: steps in the order of what they need, beside one another where nothing depends, each with a result that is kept.

In: a definition with the values of its parameters; out: an execution that ends Succeeded, Failed or Stopped. One that was running when the cloud
was stopped or killed goes on: a step that had ended stays so, one whose job the cloud's end has ended is attempted again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import in_use, not_found
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.jobs.job import Course, Ending, Jobs, JobStoppedError
from fogbank.cloud.jobs.objects import ObjectError, Objects
from fogbank.cloud.pipelines.course import ExecutionState, StepRun, active, outcome, ready, signature
from fogbank.cloud.pipelines.definition import Definition, DefinitionError, Step, parse
from fogbank.cloud.pipelines.expressions import ExpressionError, Values, look, resolve
from fogbank.cloud.pipelines.retries import next_attempt
from fogbank.cloud.pipelines.shapes import CALLS
from fogbank.cloud.pipelines.steps import Place, StepError, Steps
from fogbank.contracts.status import PIPELINE_EXECUTION as TRANSITIONS
from fogbank.contracts.transform import Experiment
from fogbank.ground.aws import join_key, split_uri

log = logging.getLogger("fogbank.cloud")
LOOK_S = 0.2
LONGEST_NAME = 63
STEP_TOPIC = "pipeline-step"
"""The topic of steps in the stream of what happens; the name is the execution's."""
EXECUTION = Kind(
    path="pipeline-execution",
    stem="PipelineExecution",
    key="PipelineExecutionArn",
    arn="PipelineExecutionArn",
    missing=lambda arn: not_found(f"Pipeline execution with ARN {arn} does not exist."),
    taken=lambda arn: in_use(f"{arn} exists already."),
    listing=Listing(
        operation="ListPipelineExecutions",
        answer="PipelineExecutionSummaries",
        name="PipelineExecutionArn",
    ),
    status="PipelineExecutionStatus",
    transitions=TRANSITIONS,
    summary={"StartTime": "CreationTime", "PipelineExecutionFailureReason": "FailureReason"},
    deletable=False,
)
COURSE = Course(restart="again", first="Executing", running="Executing")
Execution = Record[ExecutionState]
parsed = lru_cache(maxsize=64)(parse)


class Executions(Jobs[ExecutionState]):
    """The executions of every pipeline: their names are `pipeline/execution/id`. `steps` carries steps out, `objects` reads property files."""

    def __init__(self, ground: Ground, *, steps: Steps, objects: Objects) -> None:
        super().__init__(EXECUTION, COURSE, ExecutionState, ground)
        self._steps, self._objects = steps, objects

    def arn(self, region: str, name: str) -> str:
        """It lies below the pipeline's, in which names are as they were given."""
        return f"{Scope(region).arn('pipeline', '')}{name}"

    def of(self, region: str, pipeline: str) -> list[Execution]:
        """A pipeline's executions."""
        return [each for each in self.all(region) if each.name.partition("/")[0] == pipeline]

    def work(self, job: Execution, stop: threading.Event) -> Ending:
        """Begin what is ready and look at what runs, until nothing is left."""
        definition = parsed(job.state.definition)
        while True:
            execution = self.find(job.region, job.name)
            if execution is None:
                raise JobStoppedError
            if stop.is_set():
                self._leave(execution, definition)
                raise JobStoppedError
            self._turn(execution, definition)
            runs = self._runs(execution)
            if not active(runs) and not ready(definition, runs):
                status, reason = outcome(definition, runs)
                return Ending(status=status, reason=reason)
            stop.wait(LOOK_S)

    def resume(self) -> None:
        """What was stopping when the cloud was killed has its jobs stopped."""
        for execution in self.all():
            if execution.public["PipelineExecutionStatus"] == "Stopping":
                with contextlib.suppress(DefinitionError):  # one that an earlier version took
                    self._leave(execution, parsed(execution.state.definition))
        super().resume()

    def begin_again(self, execution: Execution, **members: Any) -> None:
        """The steps that failed or were stopped are attempted again; those that ended well stay."""
        self.runner.wait(self.key(execution.region, execution.name))  # it has ended, and its thread soon will have
        with self.lock:
            runs = {
                name: run.again(self._job(execution, self._step(execution, name)))
                if run.status in {"Failed", "Stopped"}
                else run
                for name, run in execution.state.runs.items()
            }
            self.change(
                execution.region, execution.name, lambda state: replace(state, runs=runs),
                PipelineExecutionStatus="Executing", FailureReason=None, **members,
            )  # fmt: skip
        self.events.emit(self.kind.path, execution.region, execution.name, "Executing")
        self._launch(execution.region, execution.name)

    def _end(self, region: str, name: str, ending: Ending, *, closing: bool) -> None:
        """The end of an execution is that of its steps too: after a write that failed nobody looks at those that run."""
        execution = self.find(region, name)
        if execution is not None and ending.status == "Failed":
            with contextlib.suppress(DefinitionError):  # one that an earlier version took
                self._give_up(execution, parsed(execution.state.definition), ending.reason or "")
        super()._end(region, name, ending, closing=closing)

    def tell(self, execution: Execution, name: str, began: StepRun, change: Callable[[StepRun], StepRun]) -> bool:
        """The attempt that `began` is further than it was; False where it does not run any more, be it that another one does."""
        with self.lock:
            run = self._running(execution, name, began)
            if run is None:
                return False
            self._put(execution, self._step(execution, name), run, change(run))
            return True

    def _running(self, execution: Execution, name: str, began: StepRun) -> StepRun | None:
        """How far an attempt is now; None where it does not run any more."""
        run = self._runs(execution).get(name)
        same = run is not None and (run.job, run.attempt) == (began.job, began.attempt)
        return run if same and run is not None and run.status == "Executing" else None

    def _turn(self, execution: Execution, definition: Definition) -> None:
        """One look at every step that runs; then those begin that are ready and for which there is room."""
        by_name = {step.name: step for step in definition.steps}
        for name in active(execution.state.runs):
            run = execution.state.runs[name]
            if run.status == "Executing":
                self._look(execution, by_name[name], run)
            elif run.due <= self.clock.epoch():
                self._begin_step(execution, by_name[name], run)
        runs = self._runs(execution)
        limits = execution.public.get("ParallelismConfiguration") or {}
        most = limits.get("MaxParallelExecutionSteps", len(definition.steps))
        for step in ready(definition, runs)[: max(0, most - len(active(runs)))]:
            run = StepRun(job=self._job(execution, step), started=self.clock.epoch())
            self._put(execution, step, None, run)  # its name is known before it is made: it is made once
            self._begin_step(execution, step, run)

    def _begin_step(self, execution: Execution, step: Step, run: StepRun) -> None:
        def begun() -> StepRun:
            arguments, target = self._said(execution, step, run)
            signed = replace(run, signature=signature(step, arguments, target))
            cached = self._cached(execution, step, signed)
            return cached or self._steps.begin(self._place(execution), step, signed, arguments, target)

        then = self._tried(execution, step, run, begun)
        self._put(execution, step, run, then)
        if then.unsent:  # its token is known before anybody can answer with it
            self._send(execution, step, then)

    def _look(self, execution: Execution, step: Step, run: StepRun) -> None:
        if step.type == "Lambda":
            key = (*self.key(execution.region, execution.name), step.name, run.job)
            self.runner.submit(key, lambda _: self._invoke(execution, step, run))
            return
        if run.unsent:  # the cloud was killed before it was sent, or right after
            self._send(execution, step, run)
            return
        then = self._tried(execution, step, run, lambda: self._steps.look(self._place(execution), step, run))
        if then is not run:
            self._put(execution, step, run, then)

    def _send(self, execution: Execution, step: Step, run: StepRun) -> None:
        def sent() -> StepRun:
            arguments, _ = self._said(execution, step, run)
            self._steps.send(self._place(execution), step, run, arguments)
            return replace(run, unsent=False)

        then = self._tried(execution, step, run, sent)
        self.tell(execution, step.name, run, lambda _: then)

    def _invoke(self, execution: Execution, step: Step, run: StepRun) -> None:
        """Call the function of an attempt that nobody has ended since it was looked at: it is called once."""
        if self._running(execution, step.name, run) is None:
            return

        def invoked() -> StepRun:
            arguments, _ = self._said(execution, step, run)
            return self._steps.invoke(self._place(execution), step, run, arguments)

        then = self._tried(execution, step, run, invoked)
        self.tell(execution, step.name, run, lambda _: then)

    def _tried(self, execution: Execution, step: Step, run: StepRun, work: Callable[[], StepRun]) -> StepRun:
        """How far a step is after some work; whatever goes wrong is this step's failure, and the others go on to be looked at."""
        try:
            return work()
        except StepError as error:
            return self._after(execution, step, run, error)
        except (ExpressionError, ObjectError, ValueError) as error:
            return run.failed(self.clock.epoch(), f"ClientError: {error}")
        except Exception as error:
            log.exception("the step %s of %s", step.name, execution.name)
            return run.failed(self.clock.epoch(), f"InternalServerError: {error!r}")

    def _after(self, execution: Execution, step: Step, run: StepRun, error: StepError) -> StepRun:
        """What comes after a failure: another attempt, or the step's end."""
        now = self.clock.epoch()
        if error.interrupted:
            return run.again(self._job(execution, step))
        due = next_attempt(step.retries, error.cause, run.retried, run.started, now)
        if due is not None:
            return run.again(self._job(execution, step), due, retried=1)
        return run.failed(now, str(error))

    def _leave(self, execution: Execution, definition: Definition) -> None:
        """Stop the steps' jobs, where it is the execution that is stopped and not the cloud."""
        if execution.public["PipelineExecutionStatus"] != "Stopping":
            return
        by_name = {step.name: step for step in definition.steps}
        for name in active(execution.state.runs):
            run, step = execution.state.runs[name], by_name[name]
            self._steps.stop(self._place(execution), step, run)
            with self.lock:
                if name in active(self._runs(execution)):  # it may have been told its end
                    self._put(execution, step, run, replace(run, status="Stopped", ended=self.clock.epoch()))

    def _give_up(self, execution: Execution, definition: Definition, reason: str) -> None:
        """Let what runs leave off: it has failed, whatever becomes of it."""
        for step in (step for step in definition.steps if step.name in active(execution.state.runs)):
            run = execution.state.runs[step.name]
            with contextlib.suppress(StepError):  # it may not have begun
                self._steps.stop(self._place(execution), step, run)
            self._put(execution, step, run, run.failed(self.clock.epoch(), reason))

    def _said(self, execution: Execution, step: Step, run: StepRun) -> tuple[dict[str, Any], Any]:
        """A step's arguments, without the name of what it makes, and its target. Raises ExpressionError, ObjectError."""
        values = self._values(execution, step, run)
        arguments: dict[str, Any] = resolve(dict(step.arguments), values)
        if step.type in CALLS:
            arguments.pop(CALLS[step.type].name, None)
        return arguments, resolve(step.target, values)

    def _values(self, execution: Execution, step: Step, run: StepRun) -> Values:
        public, state = execution.public, execution.state
        ended = {name: each.properties for name, each in self._runs(execution).items() if each.status == "Succeeded"}
        variables = {
            "PipelineName": execution.name.partition("/")[0].lower(),
            "PipelineArn": public["PipelineArn"],
            "PipelineExecutionId": execution.name.rpartition("/")[2],
            "PipelineExecutionArn": public["PipelineExecutionArn"],
            "StartDateTime": _iso(public["CreationTime"]),
            "CurrentDateTime": _iso(self.clock.epoch()),
            **({"TrainingJobName": run.job} if step.type == "Training" else {}),
            **({"ProcessingJobName": run.job} if step.type == "Processing" else {}),
        }

        def file(name: str, called: str) -> Any:
            made = next(each for each in parsed(state.definition).steps if each.name == name)
            if called not in made.files or name not in ended:
                raise ExpressionError(f"the step {name} has no property file {called}")
            output, path = made.files[called]
            folder = look(ended[name], f"ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri")
            return self._read(f"{folder.rstrip('/')}/{path}")

        return Values(parameters=state.parameters, execution=variables, steps=ended, file=file, read=self._read)

    def _read(self, uri: str) -> Any:
        """The JSON of an object. Raises ExpressionError, ObjectError."""
        bucket, key = split_uri(uri)
        try:
            return json.loads(self._objects.get(bucket, join_key(key)))
        except ValueError as error:
            raise ExpressionError(f"{uri} is not JSON: {error}") from error

    def _cached(self, execution: Execution, step: Step, run: StepRun) -> StepRun | None:
        """The step as it ended in the youngest execution that has done the same not too long ago."""
        if step.expires_s is None:
            return None
        now = self.clock.epoch()
        found: list[tuple[float, str, StepRun]] = []
        for other in self.of(execution.region, execution.name.partition("/")[0]):
            earlier = other.state.runs.get(step.name)
            if earlier is None or earlier.status != "Succeeded" or earlier.source or earlier.signature != run.signature:
                continue
            if earlier.ended is not None and earlier.ended >= now - step.expires_s:
                found.append((earlier.ended, other.public["PipelineExecutionArn"], earlier))
        if not found:
            return None
        _, arn, earlier = max(found, key=lambda each: each[:2])
        return replace(run.succeeded(now, earlier.properties, earlier.metadata), job=earlier.job, source=arn)

    def _place(self, execution: Execution) -> Place:
        config = execution.public.get("PipelineExperimentConfig")
        experiment = (
            Experiment(experiment=config.get("ExperimentName"), trial=config.get("TrialName")) if config else None
        )
        return Place(region=execution.region, execution=execution.public["PipelineExecutionArn"], experiment=experiment)

    def _runs(self, execution: Execution) -> Mapping[str, StepRun]:
        found = self.find(execution.region, execution.name)
        return found.state.runs if found else {}

    @staticmethod
    def _step(execution: Execution, name: str) -> Step:
        return next(step for step in parsed(execution.state.definition).steps if step.name == name)

    @staticmethod
    def _job(execution: Execution, step: Step) -> str:
        """A new name of what a step makes; a callback's is its token."""
        if step.type == "Callback":
            return secrets.token_hex(5)
        call = CALLS.get(step.type)
        custom = step.arguments.get(call.name) if call else None
        longest = call.longest if call else LONGEST_NAME
        own = f"{execution.name.rpartition('/')[2]}-{re.sub(r'[^a-zA-Z0-9-]', '-', step.name)}"
        start = custom if isinstance(custom, str) else own if longest < LONGEST_NAME else f"pipelines-{own}"
        return f"{start[: longest - 11].rstrip('-')}-{secrets.token_hex(5)}"

    def _put(self, execution: Execution, step: Step, before: StepRun | None, run: StepRun) -> None:
        """Keep how far a step is, and tell it."""
        changed = self.change(execution.region, execution.name, lambda state: state.having(step.name, run))
        if changed is not None and (before is None or before.status != run.status):
            detail: Document = {
                "stepName": step.name, "stepType": step.type, "currentStepStatus": run.status, "stepStartTime": _iso(run.started),
                "metadata": {key[:1].lower() + key[1:]: _lowered(value) for key, value in run.metadata.items()},
                **({"previousStepStatus": before.status} if before else {}),
                **({"stepEndTime": _iso(run.ended)} if run.ended else {}),
                **({"failureReason": run.reason} if run.reason else {}),
                **({"cacheHitResult": {"sourcePipelineExecutionArn": run.source}} if run.source else {}),
            }  # fmt: skip
            self.events.emit(STEP_TOPIC, execution.region, execution.name, run.status, step=detail)


def _lowered(members: Mapping[str, Any]) -> dict[str, Any]:
    return {key[:1].lower() + key[1:]: value for key, value in members.items()}


def _iso(moment: float | None) -> str:
    return datetime.fromtimestamp(moment or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
