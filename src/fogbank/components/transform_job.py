"""TransformJob: a batch that is scored once, as a resource of fogbank's own provider."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from fogbank.components.rollout import where
from fogbank.contracts.tokens import TRANSFORM_JOB


@dataclass(frozen=True, kw_only=True)
class Once:
    """In place of a schedule: one run, and another when one of the `triggers` changes, such as an input's ETag. It runs `after` resources,
    such as the inputs' objects."""

    triggers: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    after: Sequence[pulumi.Resource] = ()


class TransformJob(pulumi.CustomResource):
    """Runs a transform job and waits for its end; one that fails is an error. Jobs are named after `prefix`, with what they are of.

    `request` is a CreateTransformJob request as JSON, whose own name counts for nothing. Needs `sagemaker:CreateTransformJob`,
    `DescribeTransformJob`, `ListTransformJobs`, `StopTransformJob`, `AddTags` and `ListTags`. Outputs: `job`, its name, and `status`.
    """

    job: pulumi.Output[str]
    status: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        prefix: str,
        request: pulumi.Input[str],
        triggers: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        nameless = pulumi.Output.from_input(request).apply(_nameless)
        arguments = {"prefix": prefix, "request": nameless, "triggers": triggers, "job": None, "status": None}
        super().__init__(TRANSFORM_JOB, name, {**arguments, **where()}, opts)


def _nameless(request: str) -> str:
    document = json.loads(request)
    del document["TransformJobName"]
    return json.dumps(document, sort_keys=True)
