"""JobDefinition: what a monitor of model quality, of bias or of explainability does, as a resource of fogbank's own provider.

pulumi-aws has data quality's definition alone. Source of the request: the SageMaker API reference, Create...JobDefinition.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from fogbank.components.rollout import where
from fogbank.contracts.analysis import Asks
from fogbank.contracts.monitoring import PROCESSING
from fogbank.contracts.tokens import JOB_DEFINITION

VOLUME_GB, LIMIT_S = 20, 3300


class JobDefinition(pulumi.CustomResource):
    """A definition of a `kind` (Model Monitor's MonitoringType), which never changes: another one is made beside it, under a name of its
    own. `request` is the Create...JobDefinition request without the name, as JSON. Outputs: `name`."""

    name: pulumi.Output[str]

    def __init__(
        self, name: str, *, kind: str, request: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        arguments = {"kind": kind, "request": request, "name": None, **where()}
        super().__init__(JOB_DEFINITION, name, arguments, opts)


def definition_request(
    *,
    endpoint: str = "",
    capture: str,
    local_path: str,
    image: str,
    role: str,
    results: str,
    asks: Asks,
    constraints: str = "",
    config: str = "",
    instance_type: str,
    tags: Sequence[Mapping[str, str]] | None = None,
) -> str:
    """The request as JSON. URIs are S3's. Without an `endpoint` it is of batch transform jobs that capture below `capture`."""
    kind = asks.type
    truth: dict[str, Any] = {"GroundTruthS3Input": {"S3Uri": asks.truth}} if asks.labelled else {}
    output = {"S3Uri": results, "LocalPath": f"{PROCESSING}/output", "S3UploadMode": "EndOfJob"}
    cluster = {"InstanceCount": 1, "InstanceType": instance_type, "VolumeSizeInGB": VOLUME_GB}
    document: dict[str, Any] = {
        f"{kind}AppSpecification": _given(ImageUri=image, ProblemType=asks.problem, ConfigUri=config or None),
        f"{kind}JobInput": {**_looked_at(endpoint, capture, local_path, asks), **truth},
        f"{kind}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
        "JobResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": LIMIT_S},
        "RoleArn": role,
        **({f"{kind}BaselineConfig": {"ConstraintsResource": {"S3Uri": constraints}}} if constraints else {}),
        **({"Tags": list(tags)} if tags else {}),
    }
    return json.dumps(document, sort_keys=True)


def _looked_at(endpoint: str, capture: str, local_path: str, asks: Asks) -> dict[str, Any]:
    """EndpointInput, or BatchTransformInput of CSV without a header."""
    offset = f"-PT{asks.earlier_s // 3600}H" if asks.earlier_s else None
    whose: dict[str, Any] = (
        {"EndpointName": endpoint}
        if endpoint
        else {"DataCapturedDestinationS3Uri": capture, "DatasetFormat": {"Csv": {"Header": False}}}
    )
    found = _given(
        **whose,
        LocalPath=local_path,
        InferenceAttribute=asks.inference,
        ProbabilityAttribute=asks.probability,
        ProbabilityThresholdAttribute=asks.threshold,
        StartTimeOffset=offset,
        EndTimeOffset=offset,
    )
    return {"EndpointInput" if endpoint else "BatchTransformInput": found}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
