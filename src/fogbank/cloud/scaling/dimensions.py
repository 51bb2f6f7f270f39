"""What Application Auto Scaling scales of SageMaker, one class a ScalableDimension: instances, provisioned concurrency, copies.

In: a resource's id and a client of SageMaker; out: how many there are, and another number by the call that anybody would make. Source:
Application Auto Scaling API Reference, "RegisterScalableTarget"; SageMaker Developer Guide, "Automatic scaling", "Automatically scale
Provisioned Concurrency" and "Scale inference components".
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fogbank.cloud.ground.store import Document

NAMESPACE = "AWS/SageMaker"
MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How many are wanted and how many there are, the fewest that there may be, whether nothing is under way, and when it changed last."""

    desired: int
    current: int
    least: int
    settled: bool
    changed: float


class Scaled(ABC):
    """One dimension. `noun` is what an activity calls the number, `kind` what a refusal calls the resource."""

    name: ClassVar[str]
    noun: ClassVar[str]
    kind: ClassVar[str]
    predefined: ClassVar[str]
    """The predefined metric of its target tracking."""
    metric: ClassVar[str]
    statistic: ClassVar[str]
    resource: ClassVar[re.Pattern[str]]

    def names(self, resource: str) -> Mapping[str, str] | None:
        """What a resource's id names; None where it is not of this dimension."""
        match = self.resource.fullmatch(resource)
        return match.groupdict() if match else None

    @abstractmethod
    def read(self, sagemaker: Any, names: Mapping[str, str]) -> Reading | None:
        """What there is; None where there is no such thing. Raises ClientError."""

    @abstractmethod
    def write(self, sagemaker: Any, names: Mapping[str, str], count: int) -> None:
        """Have so many. Raises ClientError."""

    @abstractmethod
    def dimensions(self, names: Mapping[str, str]) -> list[dict[str, str]]:
        """CloudWatch's dimensions of its metric."""

    def watched(self, resource: str) -> Document:
        """What an alarm of the predefined metric watches."""
        return {
            "Namespace": NAMESPACE,
            "MetricName": self.metric,
            "Dimensions": self.dimensions(self.names(resource) or {}),
            "Statistic": self.statistic,
            "Period": MINUTE,
        }


class OfVariant(Scaled):
    """What is a variant's."""

    kind = "endpoint variant"
    resource = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")

    def read(self, sagemaker: Any, names: Mapping[str, str]) -> Reading | None:
        """As DescribeEndpoint says it."""
        endpoint = sagemaker.describe_endpoint(EndpointName=names["endpoint"])
        variants = endpoint.get("ProductionVariants", [])
        found = next((each for each in variants if each["VariantName"] == names["variant"]), None)
        return self.of(found, endpoint) if found else None

    def write(self, sagemaker: Any, names: Mapping[str, str], count: int) -> None:
        """By UpdateEndpointWeightsAndCapacities."""
        wanted = {"VariantName": names["variant"], **self.change(count)}
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=names["endpoint"], DesiredWeightsAndCapacities=[wanted]
        )

    def dimensions(self, names: Mapping[str, str]) -> list[dict[str, str]]:
        """The endpoint's name and the variant's."""
        return [
            {"Name": "EndpointName", "Value": names.get("endpoint", "")},
            {"Name": "VariantName", "Value": names.get("variant", "")},
        ]

    @abstractmethod
    def of(self, variant: Document, endpoint: Document) -> Reading | None:
        """Of a variant and its endpoint."""

    @abstractmethod
    def change(self, count: int) -> Document:
        """Members of a DesiredWeightAndCapacity."""


class Instances(OfVariant):
    """The instances of a variant."""

    name = "sagemaker:variant:DesiredInstanceCount"
    noun = "instance count"
    predefined, metric, statistic = "SageMakerVariantInvocationsPerInstance", "InvocationsPerInstance", "Sum"

    def of(self, variant: Document, endpoint: Document) -> Reading | None:
        """A serverless variant has no instances; an asynchronous one may have none."""
        if "DesiredInstanceCount" not in variant:
            return None
        return Reading(
            desired=variant["DesiredInstanceCount"],
            current=variant["CurrentInstanceCount"],
            least=0 if endpoint.get("AsyncInferenceConfig") else 1,
            **_of_endpoint(endpoint),
        )

    def change(self, count: int) -> Document:
        """An instance count."""
        return {"DesiredInstanceCount": count}


class Concurrency(OfVariant):
    """The provisioned concurrency of a serverless variant that has one."""

    name = "sagemaker:variant:DesiredProvisionedConcurrency"
    noun = "provisioned concurrency"
    predefined = "SageMakerVariantProvisionedConcurrencyUtilization"
    metric, statistic = "ServerlessProvisionedConcurrencyUtilization", "Maximum"

    def of(self, variant: Document, endpoint: Document) -> Reading | None:
        """One that has none is not scaled: there is always one at least."""
        now: Document = variant.get("CurrentServerlessConfig") or {}
        if "ProvisionedConcurrency" not in now:
            return None
        then: Document = variant.get("DesiredServerlessConfig") or now
        return Reading(
            desired=then["ProvisionedConcurrency"],
            current=now["ProvisionedConcurrency"],
            least=1,
            **_of_endpoint(endpoint),
        )

    def change(self, count: int) -> Document:
        """A provisioned concurrency."""
        return {"ServerlessUpdateConfig": {"ProvisionedConcurrency": count}}


class Copies(Scaled):
    """The copies of an inference component, of which there may be none."""

    name = "sagemaker:inference-component:DesiredCopyCount"
    noun, kind = "copy count", "inference component"
    predefined, metric, statistic = "SageMakerInferenceComponentInvocationsPerCopy", "InvocationsPerCopy", "Sum"
    resource = re.compile(r"inference-component/(?P<component>[^/]+)")

    def read(self, sagemaker: Any, names: Mapping[str, str]) -> Reading | None:
        """As DescribeInferenceComponent says it."""
        found = sagemaker.describe_inference_component(InferenceComponentName=names["component"])
        runtime = found["RuntimeConfig"]
        return Reading(
            desired=runtime["DesiredCopyCount"],
            current=runtime["CurrentCopyCount"],
            least=0,
            settled=found["InferenceComponentStatus"] not in {"Creating", "Updating", "Deleting"},
            changed=found["LastModifiedTime"].timestamp(),
        )

    def write(self, sagemaker: Any, names: Mapping[str, str], count: int) -> None:
        """By UpdateInferenceComponentRuntimeConfig."""
        sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=names["component"], DesiredRuntimeConfig={"CopyCount": count}
        )

    def dimensions(self, names: Mapping[str, str]) -> list[dict[str, str]]:
        """The component's name."""
        return [{"Name": "InferenceComponentName", "Value": names.get("component", "")}]


def _of_endpoint(endpoint: Document) -> Document:
    return {
        "settled": endpoint["EndpointStatus"] == "InService",
        "changed": endpoint["LastModifiedTime"].timestamp(),
    }


COUNT = Instances.name
DIMENSIONS: Mapping[str, Scaled] = {each.name: each for each in (Instances(), Concurrency(), Copies())}
