"""The CreateTransformJob request as a value: it has every member of the API's shape, and loses none."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.components.batch import transform_request
from fogbank.contracts.transform import TransformRequest, TransformResources


def filled(shape: Any) -> Any:
    """A value of a shape with all its members."""
    if shape.type_name == "structure":
        return {name: filled(inner) for name, inner in shape.members.items()}
    if shape.type_name == "list":
        return [filled(shape.member)]
    return {"map": {"k": "v"}, "string": "s", "integer": 1, "boolean": False}[shape.type_name]


def test_every_member_of_the_shape_comes_back() -> None:
    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    document = filled(model.operation_model("CreateTransformJob").input_shape)

    assert TransformRequest.decode(document).encode() == document
    described = {**document, "TransformJobStatus": "InProgress", "CreationTime": 1.0}
    assert TransformRequest.described(described).encode() == document


REQUEST = (
    '{"TransformJobName": "j", "ModelName": "m", "BatchStrategy": "MultiRecord", "MaxPayloadInMB": 6, "TransformInput": '
    '{"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}}, "ContentType": "text/csv", "SplitType": "Line"}, '
    '"TransformOutput": {"S3OutputPath": "s3://b/out", "Accept": "text/csv", "AssembleWith": "None"}, '
    '"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 2}}'
)


def test_a_stack_that_is_deployed_sees_no_change() -> None:
    resources = TransformResources(instance_type="ml.m5.large", instance_count=2)

    text = transform_request(
        job="j", model="m", source="s3://b/in/", target="s3://b/out", resources=resources, payload_mb=6
    )

    assert text == REQUEST


def test_the_same_request_over_other_objects() -> None:
    other = TransformRequest.from_json(REQUEST).over(job="k", source="s3://b/once/", target="s3://b/there")

    assert other.to_json() == REQUEST.replace('"j"', '"k"').replace("b/in/", "b/once/").replace("b/out", "b/there")


@pytest.mark.parametrize("text", ["{not json", "[]", "{}", REQUEST.replace("ModelName", "Model")])
def test_what_is_no_request_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        TransformRequest.from_json(text)
