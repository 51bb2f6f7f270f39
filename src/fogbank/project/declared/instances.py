"""The instances that declared resources would run, and whether these can run the image. Pure.

Sources: the SageMaker API reference (enums of InstanceType in botocore's model: no transform or processing job has a Graviton type);
Service Quotas' names of SageMaker's quotas, such as `ml.m5.large for endpoint usage`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.contracts import tokens
from fogbank.contracts.analysis import CREATE_PROCESSING_JOB
from fogbank.contracts.scheduler import starts
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.findings import Finding

GRAVITON = re.compile(r"ml\.[a-z]+\d+g[a-z]*\.")
"""Families of Graviton: `ml.c7g.`, `ml.m6gd.`; `ml.g5.` is one of GPUs."""
ENDPOINT, TRANSFORM, PROCESSING = "endpoint usage", "transform job usage", "processing job usage"


@dataclass(frozen=True, kw_only=True)
class Use:
    """Instances of a type, for what Service Quotas counts them; `resource` is the first that asks for them."""

    type: str
    purpose: str
    resource: str

    @property
    def quota(self) -> str:
        """The quota's name."""
        return f"{self.type} for {self.purpose}"


def uses(resources: Sequence[Declared]) -> Mapping[Use, int]:
    """What the resources would run at once: endpoints all, jobs one at a time each."""
    found: Counter[Use] = Counter()
    for resource in resources:
        for kind, purpose, count in _of(resource):
            found[Use(type=kind, purpose=purpose, resource=resource.name)] += count
    return found


def by_quota(found: Mapping[Use, int]) -> Mapping[str, int]:
    """How many instances of each quota."""
    counts: Counter[str] = Counter()
    for use, count in found.items():
        counts[use.quota] += count
    return counts


def mismatches(found: Mapping[Use, int], platform: str) -> Iterator[Finding]:
    """Instances that cannot run an image of this platform."""
    arm = platform == "linux/arm64"
    for use in found:
        graviton = bool(GRAVITON.match(use.type))
        if graviton and use.purpose != ENDPOINT:
            yield Finding(
                code="instance-no-graviton",
                cause=f"{use.resource}: SageMaker has no {use.type} for {use.purpose.removesuffix(' usage')}s",
                fix="choose a type without Graviton, such as ml.m5.large",
            )
        elif graviton != arm:
            yield Finding(
                code="instance-platform",
                cause=f"{use.resource}: {use.type} does not run an image for {platform}",
                fix="set `platform` in [tool.fogbank] and of `Image`, or the instance type: Graviton (ml.m7g.large) is linux/arm64, and "
                "transform and processing jobs have none",
            )


def _of(resource: Declared) -> Iterator[tuple[str, str, int]]:
    inputs = resource.inputs
    if resource.type == tokens.ENDPOINT_CONFIGURATION:
        for variant in inputs.get("productionVariants") or []:
            yield from _counted(variant, ENDPOINT, "instanceType", "initialInstanceCount")
    elif resource.type == tokens.DATA_QUALITY_JOB_DEFINITION:
        cluster = (inputs.get("jobResources") or {}).get("clusterConfig")
        yield from _counted(cluster, PROCESSING, "instanceType", "instanceCount")
    elif resource.type == tokens.JOB_DEFINITION:
        yield from _cluster(_document(inputs.get("request")).get("JobResources"))
    elif resource.type == tokens.TRANSFORM_JOB:
        yield from _transform(_document(inputs.get("request")))
    elif resource.type == tokens.FUNCTION:
        variables = (inputs.get("environment") or {}).get("variables") or {}
        yield from _transform(_document(variables.get("REQUEST")))
    elif resource.type == tokens.SCHEDULE:
        yield from _started(inputs.get("target") or {})


def _started(target: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    request, arn = _document(target.get("input")), str(target.get("arn"))
    if starts(arn, CREATE_TRANSFORM_JOB):
        yield from _transform(request)
    elif starts(arn, CREATE_PROCESSING_JOB):
        yield from _cluster(request.get("ProcessingResources"))


def _transform(request: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Those of a CreateTransformJob request; none where it is none."""
    yield from _counted(request.get("TransformResources"), TRANSFORM)


def _cluster(resources: Any) -> Iterator[tuple[str, str, int]]:
    """Those of a processing job's resources, or of a monitor's."""
    if isinstance(resources, Mapping):
        yield from _counted(resources.get("ClusterConfig"), PROCESSING)


def _counted(
    said: Any, purpose: str, kind: str = "InstanceType", count: str = "InstanceCount"
) -> Iterator[tuple[str, str, int]]:
    """The type and how many, one unless told otherwise; none where no type is known."""
    if isinstance(said, Mapping) and kind in said:
        yield said[kind], purpose, int(said.get(count) or 1)


def _document(text: Any) -> Mapping[str, Any]:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
