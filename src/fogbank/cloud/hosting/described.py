"""What DescribeEndpoint answers besides the record itself, pure: variants with what runs now, a deployment that is under way.

In: an endpoint's record and how many instances run; out: members of DescribeEndpointOutput. The texts of a variant's status are
those of the Developer Guide's "Monitor an endpoint's deployment".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.cloud.api.control import Params
from fogbank.cloud.api.models import containers
from fogbank.cloud.api.resource import Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.deployment import Deployment, EndpointState
from fogbank.cloud.hosting.rollout import WHOLE, Rollout
from fogbank.cloud.hosting.stages import Running
from fogbank.cloud.observe.capture import Capture


def described(record: Record[EndpointState], running: Running) -> Params:
    """The endpoint with its live variants."""
    state, status = record.state, record.public["EndpointStatus"]
    answer: Params = dict(record.public)
    if state.live is not None:
        target = state.live if state.rollout is None or state.rollout.replaces else state.pending or state.live
        answer["AsyncInferenceConfig"] = state.live.config.get("AsyncInferenceConfig")
        for member, items in (
            ("ProductionVariants", state.live.variants),
            ("ShadowProductionVariants", state.live.shadows),
        ):
            answer[member] = [
                {
                    **_variant(item, state.live, target, running.live),
                    **_status(_live_status(state, status, target, item["VariantName"], running.live), state, record),
                }
                for item in items
            ] or None
        if "DataCaptureConfig" in state.live.config:
            answer["DataCaptureConfig"] = _capture(state.live.config["DataCaptureConfig"], state.live.capture)
    if state.rollout is not None and state.rollout.replaces and state.pending is not None:
        answer["PendingDeploymentSummary"] = _pending(record, state.pending, state.rollout, running.pending)
    return answer


def _pending(
    record: Record[EndpointState], pending: Deployment, rollout: Rollout, running: Mapping[str, int]
) -> Document:
    return {
        "EndpointConfigName": pending.name,
        "StartTime": rollout.started,
        **{
            member: [
                {
                    **_variant(item, pending, pending, running),
                    "InstanceType": item.get("InstanceType"),
                    **_status(_pending_status(rollout, pending, item["VariantName"]), record.state, record),
                }
                for item in items
            ]
            or None
            for member, items in (
                ("ProductionVariants", pending.variants),
                ("ShadowProductionVariants", pending.shadows),
            )
        },
    }


def _variant(item: Document, live: Deployment, target: Deployment, running: Mapping[str, int]) -> Document:
    name = item["VariantName"]
    return {
        "VariantName": name,
        "DeployedImages": _images(live.models.get(item.get("ModelName", ""), {}), live.taken),
        "CurrentWeight": target.weights[name],  # weights change at once
        "DesiredWeight": target.weights[name],
        **_capacity_of(name, live, target, running),
        "RoutingConfig": item.get("RoutingConfig"),
        "ManagedInstanceScaling": item.get("ManagedInstanceScaling"),
    }


def _capacity_of(name: str, live: Deployment, target: Deployment, running: Mapping[str, int]) -> Document:
    """Instances, or, of a serverless variant, which has none that anybody sees, its limits."""
    if name not in live.serverless:
        return {"CurrentInstanceCount": running.get(name, 0), "DesiredInstanceCount": target.counts[name]}
    now, then = live.serverless[name], target.serverless[name]
    return {
        "CurrentInstanceCount": 0,
        "CurrentServerlessConfig": now,
        **({"DesiredServerlessConfig": then} if then != now else {}),
    }


def _images(model: Document, taken: float) -> list[Document]:
    """An image that is named by its digest is resolved as it is; a tag is resolved by nobody here."""
    images = []
    for container in containers(model):
        if container.image:
            resolved = (
                {"ResolvedImage": container.image, "ResolutionTime": taken} if "@sha256:" in container.image else {}
            )
            images.append({"SpecifiedImage": container.image, **resolved})
    return images


def _status(told: tuple[str, str] | None, state: EndpointState, record: Record[EndpointState]) -> Document:
    if told is None:
        return {}
    since = state.rollout.since if state.rollout else record.public["LastModifiedTime"]
    return {"VariantStatus": [{"Status": told[0], "StatusMessage": told[1], "StartTime": since}]}


def _live_status(
    state: EndpointState, status: str, target: Deployment, name: str, running: Mapping[str, int]
) -> tuple[str, str] | None:
    if name in target.serverless:
        return None
    now, then = running.get(name, 0), target.counts[name]
    if status == "Deleting":
        return "Deleting", f"Terminating {now} instance(s)."
    if state.rollout is not None and not state.rollout.replaces and now != then:
        return "Updating", f"Scaling {'out' if then > now else 'in'} desired instance count to {then}."
    return None


def _pending_status(rollout: Rollout, pending: Deployment, name: str) -> tuple[str, str] | None:
    if name in pending.serverless:
        return None
    step, count = rollout.step, pending.counts[name]
    if rollout.reason is not None:
        return "Deleting", f"Terminating {count} instance(s)."
    if step.action in {"start", "grow"}:
        wanted = pending.part(step.percent).counts[name]
        return "Creating", f"Launching {wanted} instance(s)."
    if step.action == "bake":
        capacity = _capacity(rollout.percent, count)
        return "Baking", f"Baking for {step.seconds:g} seconds ({step.why}) with traffic enabled on {capacity}."
    if step.action == "shift":
        return "ActivatingTraffic", f"Activating traffic on {_capacity(step.percent, count)}."
    return None


def _capacity(percent: float, count: int) -> str:
    if percent >= WHOLE:
        return f"full capacity of {count} instance(s)"
    return f"canary capacity of {max(1, round(count * percent / WHOLE))} instance(s)"


def _capture(config: Document, capture: Capture | None) -> dict[str, Any]:
    return {
        "EnableCapture": capture is not None,
        "CaptureStatus": "Started" if capture else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
