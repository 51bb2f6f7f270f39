"""The calls of executions: start, describe, list, stop, retry, update, and what a callback answers. Source: the SageMaker API reference."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.ground.store import Document
from fogbank.cloud.pipelines.course import ExecutionState, StepRun, shown
from fogbank.cloud.pipelines.definition import DefinitionError
from fogbank.cloud.pipelines.executions import EXECUTION, Execution, Executions, parsed
from fogbank.cloud.pipelines.expressions import ExpressionError, Values, resolve, text
from fogbank.cloud.pipelines.parameters import ParameterError, given_values
from fogbank.cloud.pipelines.pipelines import TIMES, Pipelines
from fogbank.cloud.pipelines.steps import answered

STEPS = Listing(operation="ListPipelineExecutionSteps", answer="PipelineExecutionSteps", name="StepName", page_size=100)
GIVEN = Listing(
    operation="ListPipelineParametersForExecution",
    answer="PipelineParameters",
    name="Name",
    page_size=200,
    newest_first=False,
    by="Name",
)
CHANGED = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")


class ExecutionCalls:
    """Answers them."""

    def __init__(self, pipelines: Pipelines, executions: Executions) -> None:
        self._pipelines, self._executions = pipelines, executions

    def operations(self) -> Mapping[str, Operation]:
        """The calls."""
        return {
            "StartPipelineExecution": self.start,
            "DescribePipelineExecution": self.describe,
            "DescribePipelineDefinitionForExecution": self.definition,
            "ListPipelineExecutions": self.summaries,
            "ListPipelineExecutionSteps": self.steps,
            "ListPipelineParametersForExecution": self.parameters,
            "StopPipelineExecution": self.stop,
            "RetryPipelineExecution": self.retry,
            "UpdatePipelineExecution": self.update,
            "SendPipelineExecutionStepSuccess": self.succeed,
            "SendPipelineExecutionStepFailure": self.fail,
        }

    def start(self, scope: Scope, params: Params) -> Params:
        """Begin an execution; the same request again is answered as before. Raises ValidationException."""
        pipeline = self._pipelines.named(scope, params["PipelineName"])
        token, said = params["ClientRequestToken"], pipeline.public["PipelineDefinition"]
        with self._executions.lock:
            for each in self._executions.of(scope.region, pipeline.name):
                if each.state.token == token:
                    return {"PipelineExecutionArn": each.public["PipelineExecutionArn"]}
            given = {each["Name"]: each["Value"] for each in params.get("PipelineParameters", [])}
            try:
                definition = parsed(said)
                values = given_values(definition.parameters, given)
                identity = secrets.token_hex(6)
                experiment = _experiment(definition.experiment, values, pipeline.name, identity)
            except (DefinitionError, ParameterError, ExpressionError) as error:
                raise validation(str(error)) from error
            limits = params.get("ParallelismConfiguration") or pipeline.public.get("ParallelismConfiguration")
            now = self._executions.clock.epoch()
            public = {
                "PipelineArn": pipeline.public["PipelineArn"],
                "PipelineExecutionDisplayName": params.get(
                    "PipelineExecutionDisplayName", f"execution-{now * 1000:.0f}"
                ),
                "RoleArn": params.get("RoleArn", pipeline.public["RoleArn"]),
                "CreatedBy": {},
                "LastModifiedBy": {},
                **({"PipelineExperimentConfig": experiment} if experiment else {}),
                **({"ParallelismConfiguration": limits} if limits else {}),
                **{key: params[key] for key in ("PipelineExecutionDescription",) if key in params},
            }
            state = ExecutionState(definition=said, parameters=values, token=token)
            execution = self._executions.start(scope, f"{pipeline.name}/execution/{identity}", public, state)
        self._pipelines.store.update(self._pipelines.kind.path, scope.region, pipeline.name, LastRunTime=now)
        return {"PipelineExecutionArn": execution.public["PipelineExecutionArn"]}

    def describe(self, scope: Scope, params: Params) -> Params:
        """The execution."""
        return self._named(scope, params).public

    def definition(self, scope: Scope, params: Params) -> Params:
        """The definition that it began with."""
        execution = self._named(scope, params)
        return {"PipelineDefinition": execution.state.definition, "CreationTime": execution.public["CreationTime"]}

    def summaries(self, scope: Scope, params: Params) -> Params:
        """One page of a pipeline's executions."""
        asked = {TIMES.get(key, key): value for key, value in params.items()}
        pipeline = self._pipelines.named(scope, asked.pop("PipelineName"))
        executions = self._executions.of(scope.region, pipeline.name)
        return EXECUTION.listing.page([self._executions.summary(each) for each in executions], asked)

    def steps(self, scope: Scope, params: Params) -> Params:
        """One page of the steps that have begun."""
        asked = dict(params)
        if "PipelineExecutionArn" not in asked:
            raise validation("PipelineExecutionArn must be given.")
        execution = self._named(scope, {"PipelineExecutionArn": asked.pop("PipelineExecutionArn")})
        return STEPS.page(shown(parsed(execution.state.definition), execution.state.runs), asked)

    def parameters(self, scope: Scope, params: Params) -> Params:
        """One page of the parameters, each with its value."""
        asked = dict(params)
        execution = self._named(scope, {"PipelineExecutionArn": asked.pop("PipelineExecutionArn")})
        listed = [{"Name": name, "Value": text(value)} for name, value in execution.state.parameters.items()]
        return GIVEN.page(listed, asked)

    def stop(self, scope: Scope, params: Params) -> Params:
        """Stopping, then Stopped, with the jobs of its steps. Raises ConflictException for one that has ended."""
        with self._executions.lock:
            execution = self._named(scope, params)
            asked = _asked("Stop", params)
            if asked in execution.state.asked:
                return {"PipelineExecutionArn": execution.public["PipelineExecutionArn"]}
            status = execution.public["PipelineExecutionStatus"]
            if status not in {"Executing", "Stopping"}:
                raise _conflict(execution, "Only pipelines with 'Executing' status can be stopped.")
            self._executions.stop_job(scope, {EXECUTION.key: execution.name})
            self._note(execution, asked)
        return {"PipelineExecutionArn": execution.public["PipelineExecutionArn"]}

    def retry(self, scope: Scope, params: Params) -> Params:
        """Go on from the steps that failed or were stopped. Raises ConflictException for one that runs or ended well."""
        with self._executions.lock:
            execution = self._named(scope, params)
            asked = _asked("Retry", params)
            if asked in execution.state.asked:
                return {"PipelineExecutionArn": execution.public["PipelineExecutionArn"]}
            if execution.public["PipelineExecutionStatus"] not in {"Failed", "Stopped"}:
                raise _conflict(execution, "Only pipelines with 'Failed' or 'Stopped' status can be retried.")
            members = {key: params[key] for key in ("ParallelismConfiguration",) if key in params}
            self._note(execution, asked)
            self._executions.begin_again(execution, **members)
        return {"PipelineExecutionArn": execution.public["PipelineExecutionArn"]}

    def update(self, scope: Scope, params: Params) -> Params:
        """Change what is said of an execution, and how many of its steps may run at once."""
        execution = self._named(scope, params)
        self._executions.change(scope.region, execution.name, **{key: params[key] for key in CHANGED if key in params})
        return {"PipelineExecutionArn": execution.public["PipelineExecutionArn"]}

    def succeed(self, scope: Scope, params: Params) -> Params:
        """A callback's step ends well. Raises ValidationException where an output is missing."""
        outputs = {each["Name"]: each["Value"] for each in params.get("OutputParameters", [])}

        def done(execution: Execution, name: str, run: StepRun) -> StepRun:
            step = next(each for each in parsed(execution.state.definition).steps if each.name == name)
            if set(step.outputs) != set(outputs):
                raise validation(f"The step {name} has the output parameters {', '.join(step.outputs) or 'none'}.")
            return answered(run, "Callback", outputs, self._executions.clock.epoch())

        return self._answer(scope, params, "Success", done)

    def fail(self, scope: Scope, params: Params) -> Params:
        """A callback's step fails."""
        reason = params.get("FailureReason", "")
        return self._answer(
            scope,
            params,
            "Failure",
            lambda _, __, run: run.failed(self._executions.clock.epoch(), reason or "the callback failed"),
        )

    def _answer(
        self, scope: Scope, params: Params, how: str, change: Callable[[Execution, str, StepRun], StepRun]
    ) -> Params:
        token, asked = params["CallbackToken"], _asked(f"{how}/{params['CallbackToken']}", params)
        for execution in self._executions.all(scope.region):
            for name, run in execution.state.runs.items():
                if run.job == token and "Callback" in run.metadata:
                    with self._executions.lock:
                        self._told(execution, name, run, asked, partial(change, execution, name))
                    return {"PipelineExecutionArn": execution.public["PipelineExecutionArn"]}
        raise not_found(f"No step waits for a callback with the token {token}.")

    def _told(
        self, execution: Execution, name: str, run: StepRun, asked: str, change: Callable[[StepRun], StepRun]
    ) -> None:
        """Take a callback's answer, once. Raises ConflictException where its step does not wait."""
        found = self._executions.find(execution.region, execution.name)
        if found is not None and asked in found.state.asked:
            return
        if not self._executions.tell(execution, name, run, change):
            raise _conflict(execution, f"the step {name} does not wait for a callback any more")
        self._note(execution, asked)

    def _note(self, execution: Execution, asked: str) -> None:
        """Keep what was done: where a request came without a token, it has nothing to be known by."""
        if not asked.endswith("/"):
            self._executions.change(
                execution.region, execution.name, lambda state: replace(state, asked=(*state.asked, asked))
            )

    def _named(self, scope: Scope, params: Params) -> Execution:
        """The execution of an ARN, in which the pipeline's name may be in lower case. Raises ResourceNotFound."""
        arn = params["PipelineExecutionArn"]
        name = arn.partition(":pipeline/")[2]
        found = self._executions.find(scope.region, name) or next(
            (each for each in self._executions.all(scope.region) if each.name.lower() == name.lower()), None
        )
        if found is None or arn.lower() != found.public["PipelineExecutionArn"].lower():
            raise EXECUTION.missing(arn)
        return found


def _experiment(config: Mapping[str, Any], values: Mapping[str, Any], pipeline: str, identity: str) -> Document:
    """The experiment and the trial of an execution. Raises ExpressionError."""

    def nothing(*_: str) -> Any:
        raise ExpressionError("PipelineExperimentConfig has references to steps")

    variables = {"PipelineName": pipeline.lower(), "PipelineExecutionId": identity}
    known = Values(parameters=values, execution=variables, steps={}, file=nothing, read=nothing)
    resolved: Document = resolve(dict(config), known)
    return resolved


def _asked(operation: str, params: Params) -> str:
    """What a request is known by when it comes again."""
    return f"{operation}/{params.get('ClientRequestToken', '')}"


def _conflict(execution: Execution, words: str) -> ApiError:
    status = execution.public["PipelineExecutionStatus"]
    return ApiError(
        "ConflictException",
        f"Pipeline execution {execution.public['PipelineExecutionArn']} has status {status}: {words}",
    )
