"""What is scaled, read off SageMaker's answers and changed by its calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.scaling.checks import check_dimension, check_policy
from fogbank.cloud.scaling.dimensions import COUNT, DIMENSIONS, Reading

CONCURRENCY, COPIES = (
    "sagemaker:variant:DesiredProvisionedConcurrency",
    "sagemaker:inference-component:DesiredCopyCount",
)
AT = datetime(2026, 1, 1, tzinfo=UTC)


class SageMaker:
    """An account of one endpoint and one component; `calls` are those that change something."""

    def __init__(self, **variant: Any) -> None:
        self.variant = {"VariantName": "v", **variant}
        self.more: dict[str, Any] = {}
        self.calls: list[dict[str, Any]] = []

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        return {
            "EndpointStatus": "InService",
            "LastModifiedTime": AT,
            "ProductionVariants": [self.variant],
            **self.more,
        }

    def describe_inference_component(self, **_: str) -> dict[str, Any]:
        runtime = {"DesiredCopyCount": 2, "CurrentCopyCount": 1}
        return {"InferenceComponentStatus": "Updating", "LastModifiedTime": AT, "RuntimeConfig": runtime}

    def update_endpoint_weights_and_capacities(self, **params: Any) -> None:
        self.calls.append(params)

    def update_inference_component_runtime_config(self, **params: Any) -> None:
        self.calls.append(params)


def reading(**members: Any) -> Reading:
    return Reading(**{"settled": True, "changed": AT.timestamp(), **members})


def test_a_resource_is_of_one_dimension() -> None:
    assert DIMENSIONS[COUNT].names("endpoint/e/variant/v") == {"endpoint": "e", "variant": "v"}
    assert DIMENSIONS[COPIES].names("inference-component/c") == {"component": "c"}
    assert DIMENSIONS[COPIES].names("endpoint/e/variant/v") is None
    assert DIMENSIONS[CONCURRENCY].names("inference-component/c") is None


def test_instances_are_a_variants_and_a_serverless_one_has_none() -> None:
    scaled, names = DIMENSIONS[COUNT], {"endpoint": "e", "variant": "v"}
    account = SageMaker(DesiredInstanceCount=2, CurrentInstanceCount=1)
    assert scaled.read(account, names) == reading(desired=2, current=1, least=1)
    account.more = {"AsyncInferenceConfig": {"OutputConfig": {}}}
    assert scaled.read(account, names) == reading(desired=2, current=1, least=0)
    assert scaled.read(account, {**names, "variant": "w"}) is None
    assert scaled.read(SageMaker(CurrentServerlessConfig={}), names) is None
    scaled.write(account, names, 3)
    wanted = [{"VariantName": "v", "DesiredInstanceCount": 3}]
    assert account.calls == [{"EndpointName": "e", "DesiredWeightsAndCapacities": wanted}]


def test_provisioned_concurrency_is_scaled_where_there_is_one() -> None:
    scaled, names = DIMENSIONS[CONCURRENCY], {"endpoint": "e", "variant": "v"}
    account = SageMaker(CurrentServerlessConfig={"ProvisionedConcurrency": 1})
    assert scaled.read(account, names) == reading(desired=1, current=1, least=1)
    account.variant["DesiredServerlessConfig"] = {"ProvisionedConcurrency": 4}
    assert scaled.read(account, names) == reading(desired=4, current=1, least=1)
    assert scaled.read(SageMaker(CurrentServerlessConfig={"MaxConcurrency": 5}), names) is None
    assert scaled.read(SageMaker(DesiredInstanceCount=1), names) is None
    scaled.write(account, names, 2)
    wanted = [{"VariantName": "v", "ServerlessUpdateConfig": {"ProvisionedConcurrency": 2}}]
    assert account.calls == [{"EndpointName": "e", "DesiredWeightsAndCapacities": wanted}]


def test_copies_are_a_components_and_may_be_none() -> None:
    scaled, names, account = DIMENSIONS[COPIES], {"component": "c"}, SageMaker()
    assert scaled.read(account, names) == reading(desired=2, current=1, least=0, settled=False)
    scaled.write(account, names, 0)
    assert account.calls == [{"InferenceComponentName": "c", "DesiredRuntimeConfig": {"CopyCount": 0}}]


def test_each_watches_its_own_metric() -> None:
    watched = DIMENSIONS[COPIES].watched("inference-component/c")
    assert (watched["MetricName"], watched["Statistic"]) == ("InvocationsPerCopy", "Sum")
    assert watched["Dimensions"] == [{"Name": "InferenceComponentName", "Value": "c"}]
    assert DIMENSIONS[CONCURRENCY].watched("endpoint/e/variant/v")["Dimensions"] == [
        {"Name": "EndpointName", "Value": "e"},
        {"Name": "VariantName", "Value": "v"},
    ]


@pytest.mark.parametrize("dimension", sorted(DIMENSIONS))
def test_a_predefined_metric_is_of_its_dimension(dimension: str) -> None:
    def policy(kind: str) -> dict[str, Any]:
        metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": kind}, "TargetValue": 1.0}
        return {
            "PolicyType": "TargetTrackingScaling",
            "ScalableDimension": dimension,
            "TargetTrackingScalingPolicyConfiguration": metric,
        }

    check_policy(policy(DIMENSIONS[dimension].predefined))
    for other in DIMENSIONS.values():
        if other.name != dimension:
            with pytest.raises(ApiError, match=f"predefined metric {other.predefined} of this dimension"):
                check_policy(policy(other.predefined))


def test_another_dimension_is_refused() -> None:
    check_dimension({})
    check_dimension({"ScalableDimension": COPIES})
    with pytest.raises(ApiError, match="Unsupported service namespace"):
        check_dimension({"ScalableDimension": "ecs:service:DesiredCount"})
