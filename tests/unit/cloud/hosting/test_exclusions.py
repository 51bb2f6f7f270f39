"""What a configuration cannot have together."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.hosting.exclusions import check_config, check_guardrails

ASYNC = {"OutputConfig": {"S3OutputPath": "s3://b/o"}}
SERVERLESS = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
VARIANT = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
PIPELINE = {"m": {"Containers": [{"Image": "a"}, {"Image": "b"}]}}
DIRECT = {"m": {**PIPELINE["m"], "InferenceExecutionConfig": {"Mode": "Direct"}}}
SOURCE = {"S3DataSource": {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
LOOSE = {"m": {"PrimaryContainer": {"Image": "a", "ModelDataSource": SOURCE}}}
MANY = {"m": {"PrimaryContainer": {"Image": "a", "Mode": "MultiModel"}}}


@pytest.mark.parametrize(
    ("params", "models", "said"),
    [
        ({"ProductionVariants": [{"VariantName": "v", "InstanceType": "t"}]}, {}, 'Variant "v" must have an InstanceType and an InitialInstanceCount'),
        ({"ProductionVariants": [SERVERLESS]}, PIPELINE, "An inference pipeline is not supported when specifying a ServerlessConfig."),
        ({"ProductionVariants": [SERVERLESS]}, MANY, "A multi-model container is not supported when specifying a ServerlessConfig."),
        ({"ProductionVariants": [SERVERLESS]}, LOOSE, "ModelDataSource of the model is not supported when specifying a ServerlessConfig."),
        ({"ProductionVariants": [SERVERLESS]}, {"m": {"VpcConfig": {"Subnets": ["s"]}}}, "VpcConfig of the model is not supported"),
        ({"ProductionVariants": [{**SERVERLESS, "AcceleratorType": "ml.eia1.medium"}]}, {}, "AcceleratorType is not supported"),
        ({"ProductionVariants": [VARIANT], "AsyncInferenceConfig": ASYNC, "ExplainerConfig": {"x": 1}}, {}, "specifying an AsyncInferenceConfig."),
        ({"ProductionVariants": [VARIANT, VARIANT], "AsyncInferenceConfig": ASYNC}, {}, "More than one production variant is not supported"),
        ({"ProductionVariants": [VARIANT], "AsyncInferenceConfig": ASYNC}, MANY, "A container that InvokeEndpointAsync has no member to name"),
        ({"ProductionVariants": [VARIANT], "AsyncInferenceConfig": ASYNC}, DIRECT, "A container that InvokeEndpointAsync has no member to name"),
        ({"ProductionVariants": [VARIANT], "AsyncInferenceConfig": {"OutputConfig": {}}}, {}, "must have an S3OutputPath"),
        ({"ProductionVariants": [VARIANT], "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "https://h/k"}}}, {}, "S3OutputPath must be an S3 URI"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(params: dict[str, Any], models: dict[str, Any], said: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_config(params, models)

    assert (caught.value.code, said in caught.value.message) == ("ValidationException", True), caught.value.message


@pytest.mark.parametrize(
    ("config", "live", "wanted", "said"),
    [
        ({"RollingUpdatePolicy": {"x": 1}}, ["a", "b"], ["b", "a"], "RollingUpdatePolicy is not supported for endpoints with 2"),
        ({"BlueGreenUpdatePolicy": {"x": 1}}, ["a"], ["b"], "not from [a] to [b]"),
        ({"AutoRollbackConfiguration": {"x": 1}}, ["a"], ["a", "b"], "not from [a] to [a, b]"),
        ({"BlueGreenUpdatePolicy": {"x": 1}}, ["a", "b"], ["b", "a"], ""),
        ({"RollingUpdatePolicy": {"x": 1}}, ["a"], ["a"], ""),
        ({}, ["a"], ["b", "c"], ""),
    ],
)  # fmt: skip
def test_a_guarded_move_is_between_the_same_variants_and_several_do_not_roll(
    config: dict[str, Any], live: list[str], wanted: list[str], said: str
) -> None:
    if not said:
        check_guardrails(config, live, wanted)
        return
    with pytest.raises(ApiError) as caught:
        check_guardrails(config, live, wanted)
    assert (caught.value.code, said in caught.value.message) == ("ValidationException", True), caught.value.message


def test_what_goes_together_goes() -> None:
    check_config({"ProductionVariants": [SERVERLESS]}, {"m": {"PrimaryContainer": {"Image": "a"}}})
    check_config({"ProductionVariants": [VARIANT], "AsyncInferenceConfig": ASYNC}, PIPELINE)
