"""What a step does: it makes a job, a model or a package by the cloud's own calls, compares, calls a function, waits for a callback, or fails.

In: a step, its arguments with their values; out: how far it is then. A step whose work is there already, by its name, is not made again.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.jobs.experiments import Experiments
from fogbank.cloud.jobs.job import INTERRUPTED
from fogbank.cloud.pipelines import conditions
from fogbank.cloud.pipelines.course import StepRun
from fogbank.cloud.pipelines.definition import Step
from fogbank.cloud.pipelines.expressions import text
from fogbank.cloud.pipelines.shapes import CALLS, StepCall
from fogbank.contracts.transform import Experiment

GROUP = "ModelPackageGroupName"


class StepError(Exception):
    """Why a step failed. `cause` is what a retry policy goes by; `interrupted` where it was the cloud's own end."""

    def __init__(self, reason: str, cause: str = "", *, interrupted: bool = False) -> None:
        super().__init__(reason)
        self.cause, self.interrupted = cause or reason, interrupted


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a step is carried out: the execution's region and ARN, and the experiment that its jobs belong to, if any."""

    region: str
    execution: str
    experiment: Experiment | None


class Steps:
    """Carries steps out. `client` makes a boto3 client of a service in a region; `now` are seconds since 1970."""

    def __init__(self, client: Callable[[str, str], Any], experiments: Experiments, now: Callable[[], float]) -> None:
        self._client, self._experiments, self._now = client, experiments, now

    def begin(self, place: Place, step: Step, run: StepRun, arguments: Mapping[str, Any], target: Any) -> StepRun:
        """Begin a step; some end with that. Raises StepError, ExpressionError."""
        if step.type in CALLS:
            return self._make(place, CALLS[step.type], run, arguments)
        if step.type == "Condition":
            held = conditions.hold(arguments["Conditions"])
            return run.succeeded(self._now(), {"Outcome": held}, {"Condition": {"Outcome": str(held)}})
        if step.type == "Fail":
            message = text(arguments.get("ErrorMessage", ""))
            return replace(run.failed(self._now(), message), metadata={"Fail": {"ErrorMessage": message}})
        if step.type == "Callback":
            metadata = {"Callback": {"CallbackToken": run.job, "SqsQueueUrl": target}}
            return replace(run, status="Executing", metadata=metadata, unsent=True)
        return replace(run, status="Executing", metadata={"Lambda": {"Arn": target}})

    def look(self, place: Place, step: Step, run: StepRun) -> StepRun:
        """How far a step is that was begun. Raises StepError."""
        call = CALLS.get(step.type)
        if call is None or not call.job:  # a function and a callback tell it themselves
            return run
        job = self._described(place, call, run)
        status = job[f"{call.stem}Status"]
        if status == "Completed":
            return run.succeeded(self._now(), {**job, **self._tuned(place, step, run, job)})
        if status == "Failed":
            reason = job.get("FailureReason", "the job failed")
            raise StepError(reason, interrupted=reason.startswith(INTERRUPTED))
        if status == "Stopped":
            raise StepError(f"ClientError: the {call.stem} {run.job} was stopped")
        return run

    def _tuned(self, place: Place, step: Step, run: StepRun, job: Mapping[str, Any]) -> dict[str, Any]:
        """A tuning job's training jobs, the best first, as other steps refer to them."""
        if step.type != "Tuning":
            return {}
        kind = job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"]
        answer = self._client("sagemaker", place.region).list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=run.job,
            SortBy="FinalObjectiveMetricValue",
            SortOrder="Descending" if kind == "Maximize" else "Ascending",
            MaxResults=50,
        )
        return {"TrainingJobSummaries": _document(answer)["TrainingJobSummaries"]}

    def stop(self, place: Place, step: Step, run: StepRun) -> None:
        """Let a step's job leave off, if it has one that runs."""
        call = CALLS.get(step.type)
        if call and call.job:
            with contextlib.suppress(ClientError):  # it has ended, or was never made
                _call(self._client("sagemaker", place.region), f"Stop{call.stem}", **{call.name: run.job})

    def invoke(self, place: Place, step: Step, run: StepRun, arguments: Mapping[str, Any]) -> StepRun:
        """Call a Lambda step's function, and take its answer. Raises StepError."""
        arn = run.metadata["Lambda"]["Arn"]
        try:
            answer = self._client("lambda", place.region).invoke(FunctionName=arn, Payload=json.dumps(arguments))
            said = json.loads(answer["Payload"].read() or b"null")
        except (ClientError, BotoCoreError, ValueError) as error:
            raise _refused("lambda:InvokeFunction", error) from error
        if "FunctionError" in answer:
            raise StepError(f"ClientError: the function {arn} failed: {json.dumps(said)}")
        given = said if isinstance(said, dict) else {}
        if lacking := [name for name in step.outputs if name not in given]:
            raise StepError(f"ClientError: the function {arn} did not answer {', '.join(lacking)}")
        return answered(run, "Lambda", {name: given[name] for name in step.outputs}, self._now())

    def _make(self, place: Place, call: StepCall, run: StepRun, arguments: Mapping[str, Any]) -> StepRun:
        client, given = self._client("sagemaker", place.region), dict(arguments)
        operation = f"Create{call.stem}"
        try:
            if call.stem == "ModelPackage":
                given["ClientToken"] = str(uuid.uuid5(uuid.NAMESPACE_URL, run.job))
                self._group(client, given.get(GROUP))
            else:
                given[call.name] = run.job
            if call.job and place.experiment:
                self._experiments.begin(place.region, place.experiment)
                kind = xform_name(call.stem).replace("_", "-")
                self._experiments.associate(place.region, kind, run.job, place.experiment)
            arn = self._made(client, call, run, given)
        except ApiError as error:  # of an experiment that is not there
            raise StepError(f"ClientError: {error.message}", error.code) from error
        except (ClientError, BotoCoreError) as error:
            raise _refused(f"sagemaker:{operation}", error) from error
        made = replace(run, status="Executing", metadata={call.metadata: {"Arn": arn}})
        if call.job:
            return made
        name = arn if call.stem == "ModelPackage" else run.job
        return made.succeeded(self._now(), _document(_call(client, f"Describe{call.stem}", **{call.name: name})))

    def _made(self, client: Any, call: StepCall, run: StepRun, given: Mapping[str, Any]) -> str:
        """The ARN of what a step makes, now or before the cloud was killed. Raises ClientError."""
        try:
            return str(_call(client, f"Create{call.stem}", **given)[call.arn])
        except ClientError:
            if call.stem != "ModelPackage":
                with contextlib.suppress(ClientError):
                    return str(_call(client, f"Describe{call.stem}", **{call.name: run.job})[call.arn])
            raise

    @staticmethod
    def _group(client: Any, name: str | None) -> None:
        """A group that a package is registered in is made where it is not there, as SageMaker does."""
        if not name:
            return
        try:
            client.describe_model_package_group(ModelPackageGroupName=name)
        except ClientError:
            client.create_model_package_group(ModelPackageGroupName=name)

    def _described(self, place: Place, call: StepCall, run: StepRun) -> dict[str, Any]:
        client = self._client("sagemaker", place.region)
        try:
            return _document(_call(client, f"Describe{call.stem}", **{call.name: run.job}))
        except (ClientError, BotoCoreError) as error:
            raise _refused(f"sagemaker:Describe{call.stem}", error) from error

    def send(self, place: Place, step: Step, run: StepRun, arguments: Mapping[str, Any]) -> None:
        """Tell a callback step's queue the token that its answer needs. Raises StepError."""
        message = {
            "token": run.job, "pipelineExecutionArn": place.execution, "stepName": step.name, "status": "Executing",
            "arguments": arguments,
        }  # fmt: skip
        try:
            queue = run.metadata["Callback"]["SqsQueueUrl"]
            self._client("sqs", place.region).send_message(QueueUrl=queue, MessageBody=json.dumps(message))
        except (ClientError, BotoCoreError) as error:
            raise _refused("sqs:SendMessage", error) from error


def answered(run: StepRun, kind: str, outputs: Mapping[str, Any], now: float) -> StepRun:
    """A function's or a callback's step, ended well with what it answers."""
    listed = [{"Name": name, "Value": text(value)} for name, value in outputs.items()]
    metadata = {kind: {**run.metadata[kind], "OutputParameters": listed}}
    return run.succeeded(now, {"OutputParameters": dict(outputs)}, metadata)


def _refused(action: str, error: Exception) -> StepError:
    """A call that was refused, in SageMaker's words."""
    said = error.response["Error"] if isinstance(error, ClientError) else {"Code": "", "Message": str(error)}
    reason = f"ClientError: Failed to invoke {action}. Error Details: {said['Message']}"
    return StepError(reason, cause=said["Code"] or reason)


def _call(client: Any, operation: str, **members: Any) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(client, xform_name(operation))(**members)
    return answer


def _document(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as JSON, times in ISO 8601."""
    said = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    document: dict[str, Any] = json.loads(json.dumps(said, default=_iso))
    return document


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
