from __future__ import annotations

from typing import Any

import pytest

from fogbank.contracts import tokens
from fogbank.provider.shapes import UNKNOWN
from tests.unit.provider.asking import refused

ROLE = "arn:aws:iam::123456789012:role/r"
VARIANT = {"variantName": "v", "modelName": "m", "instanceType": "ml.m5.large", "initialInstanceCount": 1}
CONFIG: dict[str, Any] = {"name": "c", "kmsKeyArn": "k", "productionVariants": [VARIANT]}


def test_unknown_values_are_not_looked_into() -> None:
    assert refused(tokens.MODEL, {"primaryContainer": UNKNOWN, "executionRoleArn": UNKNOWN, "tags": {"a": "b"}}) == {}


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (
            tokens.ENDPOINT_CONFIGURATION,
            {"productionVariants": [{"modelName": "m", "instanceType": "ml.m5.large", "initialInstanceCount": 1}]},
        ),
        (
            tokens.DATA_QUALITY_JOB_DEFINITION,
            {
                "roleArn": ROLE,
                "dataQualityAppSpecification": {"imageUri": "local/fogbank-monitor"},
                "dataQualityJobInput": {"endpointInput": {"endpointName": "churn-live"}},
                "dataQualityJobOutputConfig": {"monitoringOutputs": {"s3Output": {"s3Uri": "s3://b/o"}}},
                "jobResources": {
                    "clusterConfig": {"instanceCount": 1, "instanceType": "ml.m5.large", "volumeSizeInGb": 20}
                },
                "stoppingCondition": {},
            },
        ),
        (
            tokens.MODEL,
            {
                "executionRoleArn": ROLE,
                "primaryContainer": {
                    "modelDataSource": {
                        "s3DataSources": [{"compressionType": "None", "s3DataType": "S3Prefix", "s3Uri": "s3://b/"}]
                    }
                },
            },
        ),
        (
            tokens.ENDPOINT_CONFIGURATION,
            {"productionVariants": [{**VARIANT, "routingConfigs": [{"routingStrategy": "RANDOM"}]}]},
        ),
    ],
)
def test_what_pulumi_aws_documents_as_optional_or_names_in_the_plural_is_taken(
    token: str, inputs: dict[str, Any]
) -> None:
    assert refused(token, inputs) == {}


def test_what_is_required_inside_of_an_object_is_named_by_its_place() -> None:
    assert refused(tokens.MONITORING_SCHEDULE, {"monitoringScheduleConfig": {}}) == {
        "monitoringScheduleConfig.monitoringType": "is required"
    }
    assert (
        refused(tokens.MODEL, {"executionRoleArn": ROLE, "vpcConfig": "a"})["vpcConfig"] == "must be an object, not 'a'"
    )


def test_a_list_of_two_where_the_call_has_one_is_refused() -> None:
    routed = {**VARIANT, "routingConfigs": [{"routingStrategy": "RANDOM"}, {"routingStrategy": "RANDOM"}]}

    assert refused(tokens.ENDPOINT_CONFIGURATION, {"productionVariants": [routed]}) == {
        "productionVariants[0].routingConfigs": "takes one item: the API call has one"
    }
