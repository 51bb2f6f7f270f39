"""SageMaker's state changes, told to EventBridge: each status that an endpoint, a job, a version of a model, an execution of a pipeline or a step
of one has had is an event on the default bus.

In: the cloud's own stream of what happened; out: events with AWS's fields, in order, to whoever has a rule for them. How far that is lies
in the store, so a cloud that was killed goes on where it was. Source: SageMaker Developer Guide, "Events that Amazon SageMaker AI sends to
Amazon EventBridge".
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fogbank.cloud.api.resource import Ground, Resource
from fogbank.cloud.ground.events import Event
from fogbank.cloud.ground.store import Document
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
TOLD = "told-state-changes"
"""The setting that has the number of the last event that was told."""
LOOK_S = 1.0
GONE = frozenset({"Created", "Deleted", "Updated"})
"""Changes that are no status."""
TIMES = frozenset({"CreationTime", "LastModifiedTime"})
PARTS = {"rollout": "endpoint", "pipeline-step": "pipeline-execution"}
"""Topics of what is a part of another kind of thing."""
PREVIOUS = {"Succeeded": "Executing", "Failed": "Executing", "Stopping": "Executing", "Stopped": "Stopping"}
ENDS = frozenset({"Succeeded", "Failed", "Stopped"})
WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is told of one kind of thing: the event's type, the member that names it, its status, and how its detail is made."""

    type: str
    arn: str
    status: str
    detail: Callable[[Document], Document]
    of: str | None = None
    """The member that is the ARN of what it belongs to, which is told before its own."""


def endpoint_detail(document: Document) -> Document:
    """An endpoint's: statuses in capitals, times in milliseconds."""
    variants = [
        {key: variant[key] for key in ("DesiredWeight", "DesiredInstanceCount") if key in variant}
        for variant in document.get("ProductionVariants", [])
    ]
    return {
        **_named(document, ("EndpointName", "EndpointArn", "EndpointConfigName", "FailureReason")),
        "ProductionVariants": variants,
        "EndpointStatus": WORD.sub("_", document["EndpointStatus"]).upper(),
        **{key: document[key] * 1000 for key in ("CreationTime", "LastModifiedTime")},
        "Tags": _tags(document),
    }


def deployment_detail(document: Document) -> Document:
    """An endpoint's while a deployment is under way: what each variant has now, and what is to come."""
    keys = (
        "VariantName", "CurrentWeight", "DesiredWeight", "CurrentInstanceCount", "DesiredInstanceCount", "VariantStatus",
    )  # fmt: skip
    variants = [_named(variant, keys) for variant in document.get("ProductionVariants", [])]
    pending = document.get("PendingDeploymentSummary")
    return {
        **endpoint_detail(document),
        "ProductionVariants": variants,
        **({"PendingDeploymentSummary": pending} if pending else {}),
    }


def job_detail(document: Document) -> Document:
    """A job's: what Describe says, times in ISO 8601."""
    times = {key: _iso(value) for key, value in document.items() if key.endswith("Time") and key != "LastModifiedTime"}
    rest = {
        key: value for key, value in document.items() if key not in {"LastModifiedTime", "Tags"} and value is not None
    }
    return {**rest, **times, "Tags": _tags(document)}


def package_detail(document: Document) -> Document:
    """A version's of a group: what Describe says, times in ISO 8601 by the second."""
    return {
        key: datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if key in TIMES else value
        for key, value in document.items()
        if value is not None and key not in {"CreatedBy", "LastModifiedBy", "Tags", "ModelPackageName"}
    }


def execution_detail(document: Document) -> Document:
    """An execution's of a pipeline, in the members' small letters: what it is now and was before, and its times."""
    status = document["PipelineExecutionStatus"]
    previous = PREVIOUS.get(status)
    names = ("PipelineExecutionDisplayName", "PipelineExecutionDescription", "PipelineArn", "PipelineExecutionArn")
    return {
        **{name[:1].lower() + name[1:]: value for name, value in _named(document, names).items()},
        "currentPipelineExecutionStatus": status,
        **({"previousPipelineExecutionStatus": previous} if previous else {}),
        "executionStartTime": _second(document["CreationTime"]),
        **({"executionEndTime": _second(document["LastModifiedTime"])} if status in ENDS else {}),
    }


def step_detail(document: Document) -> Document:
    """A step's of an execution: what it was when it was told."""
    arns = {name[:1].lower() + name[1:]: document[name] for name in ("PipelineArn", "PipelineExecutionArn")}
    return {**document["step"], **arns}


KINDS: Mapping[str, Kind] = {
    "endpoint": Kind(
        type="SageMaker Endpoint State Change", arn="EndpointArn", status="EndpointStatus", detail=endpoint_detail
    ),
    "rollout": Kind(
        type="SageMaker Endpoint Deployment State Change", arn="EndpointArn", status="", detail=deployment_detail
    ),
    "transform-job": Kind(
        type="SageMaker Transform Job State Change",
        arn="TransformJobArn",
        status="TransformJobStatus",
        detail=job_detail,
    ),
    "training-job": Kind(
        type="SageMaker Training Job State Change", arn="TrainingJobArn", status="TrainingJobStatus", detail=job_detail
    ),
    "model-package": Kind(
        type="SageMaker Model Package State Change",
        arn="ModelPackageArn",
        status="ModelApprovalStatus",
        detail=package_detail,
    ),
    "processing-job": Kind(
        type="SageMaker Processing Job State Change",
        arn="ProcessingJobArn",
        status="ProcessingJobStatus",
        detail=job_detail,
    ),
    "hyper-parameter-tuning-job": Kind(
        type="SageMaker HyperParameter Tuning Job State Change",
        arn="HyperParameterTuningJobArn",
        status="HyperParameterTuningJobStatus",
        detail=job_detail,
    ),
    "pipeline-execution": Kind(
        type="SageMaker Model Building Pipeline Execution Status Change",
        arn="PipelineExecutionArn",
        status="PipelineExecutionStatus",
        detail=execution_detail,
        of="PipelineArn",
    ),
    "pipeline-step": Kind(
        type="SageMaker Model Building Pipeline Execution Step Status Change",
        arn="PipelineExecutionArn",
        status="",
        detail=step_detail,
        of="PipelineArn",
    ),
}
"""By the topic of the cloud's own stream."""


def state_change(event: Event, document: Document) -> dict[str, Any]:
    """What EventBridge gets, of an event of the stream and the thing that it is about."""
    kind = KINDS[event.topic]
    then = {**document, kind.status: event.change} if kind.status else document
    if "reason" in event.detail:
        then["FailureReason"] = event.detail["reason"]
    if "step" in event.detail:
        then = {**then, "step": event.detail["step"]}
    return {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{event.seq}/{event.at}/{document[kind.arn]}")),
        "detail-type": kind.type,
        "source": "aws.sagemaker",
        "account": LOCAL_ACCOUNT,
        "time": datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": event.region,
        "resources": [document[member] for member in (kind.of, kind.arn) if member],
        "detail": kind.detail(then),
    }


class StateEvents:
    """Follows the stream. `kinds` describe what is told of, `put` puts an event on a region's default bus; every `look_s` seconds it looks
    whether it is to stop."""

    def __init__(
        self,
        ground: Ground,
        kinds: Sequence[Resource[Any]],
        put: Callable[[str, Mapping[str, Any]], None],
        look_s: float = LOOK_S,
    ) -> None:
        self._look_s = look_s
        self._store, self._events, self._put = ground.store, ground.events, put
        self._kinds = {kind.kind.path: kind for kind in kinds}

    def follow(self, stop: threading.Event) -> None:
        """Tell what happens, until `stop` is set."""
        told = int(self._store.setting(TOLD, "-1"))
        if told < 0:  # what happened before anybody told of it is not told now
            earlier = self._events.since(0, 1 << 30)
            told = earlier[-1].seq if earlier else 0
            self._store.set_setting(TOLD, str(told))
        while not stop.is_set():
            for event in self._events.wait(told, self._look_s):
                if stop.is_set():
                    return
                self._tell(event)
                told = event.seq
                self._store.set_setting(TOLD, str(told))

    def _tell(self, event: Event) -> None:
        if event.topic not in KINDS or event.change in GONE:
            return
        try:
            kind = self._kinds[PARTS.get(event.topic, event.topic)]
            record = kind.find(event.region, event.name)
            if record is not None:
                self._put(event.region, state_change(event, kind.described(record)))
        except Exception:  # one event that cannot be told keeps no other back
            log.exception("the state change of %s %s was not told", event.topic, event.name)


def _named(document: Document, keys: tuple[str, ...]) -> Document:
    return {key: document[key] for key in keys if document.get(key) is not None}


def _tags(document: Document) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in document.get("Tags") or []}


def _second(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso(second: Any) -> Any:
    if not isinstance(second, int | float):
        return second
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
