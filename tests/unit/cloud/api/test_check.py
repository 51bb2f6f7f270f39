"""What AWS says of parameters that do not fit, word by word, for each kind of constraint in botocore's model."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.api.check import check_input, check_output, unknown, without_nulls
from fogbank.cloud.api.control import service_model
from fogbank.cloud.api.errors import ApiError

VARIANT = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
NAME = "satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
FIRST = "productionVariants.1.member"


def config(**variant: Any) -> dict[str, Any]:
    return {"EndpointConfigName": "c", "ProductionVariants": [{**VARIANT, **variant}]}


def error(call: str, params: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        check_input(params, service_model().operation_model(call).input_shape)
    return caught.value


@pytest.mark.parametrize(
    ("call", "params", "value", "path", "constraint"),
    [
        ("DescribeModel", {}, "null", "modelName", "not be null"),
        ("DescribeEndpoint", {"EndpointName": "no_underscores"}, "'no_underscores'", "endpointName", NAME),
        ("ListModels", {"MaxResults": 101}, "'101'", "maxResults", "have value less than or equal to 100"),
        ("ListModels", {"SortOrder": "Up"}, "'Up'", "sortOrder", "satisfy enum value set: [Ascending, Descending]"),
        ("CreateEndpointConfig", config(VariantName=""), "''", f"{FIRST}.variantName", NAME),
        ("CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [{}]}, "null", f"{FIRST}.variantName", "not be null"),
        ("CreateEndpointConfig", config(InitialInstanceCount=0), "'0'", f"{FIRST}.initialInstanceCount", "have value greater than or equal to 1"),
        ("CreateEndpointConfig", config(InitialVariantWeight=-0.5), "'-0.5'", f"{FIRST}.initialVariantWeight", "have value greater than or equal to 0"),
        ("CreateEndpointConfig", config(VolumeSizeInGB=513), "'513'", f"{FIRST}.volumeSizeInGB", "have value less than or equal to 512"),
        ("CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": []}, "'[]'", "productionVariants", "have length greater than or equal to 1"),
    ],
)  # fmt: skip
def test_one_problem(call: str, params: Any, value: str, path: str, constraint: str) -> None:
    caught = error(call, params)

    assert caught.code == "ValidationException"
    assert caught.message == (
        f"1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: Member must {constraint}"
    )


def test_keys_and_values_of_a_map() -> None:
    message = error("CreateModel", {"ModelName": "m", "PrimaryContainer": {"Environment": {"1": "x" * 99999}}}).message

    assert message.startswith("2 validation errors detected: Value '{'1': 'xxx")
    assert (
        "...' at 'primaryContainer.environment' failed to satisfy constraint: Map keys must satisfy constraint: "
        "[Member must satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*]" in message
    )
    assert "Map value must satisfy constraint: [Member must have length less than or equal to " in message


def test_all_problems_are_told_at_once() -> None:
    message = error("DescribeModel", {"ModelName": "-" * 64}).message

    assert message.startswith("2 validation errors detected: Value '-")
    assert "satisfy regular expression pattern" in message
    assert message.endswith("Member must have length less than or equal to 63")


@pytest.mark.parametrize(
    ("call", "params", "message"),
    [
        ("DescribeModel", {"ModelName": 7}, "NUMBER_VALUE can not be converted to a String"),
        ("ListModels", {"MaxResults": "7"}, "STRING_VALUE can not be converted to an Integer"),
        ("ListModels", {"MaxResults": True}, "TRUE_VALUE can not be converted to an Integer"),
        ("ListModels", {"CreationTimeAfter": "yesterday"}, "STRING_VALUE can not be converted to a Timestamp"),
        ("DescribeModel", {"ModelName": ["m"]}, "Start of list found where not expected"),
        ("DescribeModel", {"ModelName": {}}, "Start of structure or map found where not expected."),
        ("DescribeModel", [], "Start of list found where not expected"),
        ("CreateModel", {"PrimaryContainer": {"Environment": {"A": 1}}}, "NUMBER_VALUE can not be converted to a String"),
    ],
)  # fmt: skip
def test_values_of_the_wrong_type(call: str, params: Any, message: str) -> None:
    caught = error(call, params)

    assert (caught.code, caught.message) == ("SerializationException", message)


def test_what_fits_passes_and_null_is_not_there() -> None:
    params = {**config(InitialVariantWeight=1, RoutingConfig=None), "Tags": None}
    clean = without_nulls(params)
    check_input(clean, service_model().operation_model("CreateEndpointConfig").input_shape)

    assert clean == config(InitialVariantWeight=1)


def test_members_that_no_shape_has_are_named_by_their_path() -> None:
    shape = service_model().operation_model("CreateEndpointConfig").input_shape

    assert list(unknown({**config(New=1), "Newer": {}}, shape)) == ["ProductionVariants[0].New", "Newer"]


def test_an_answer_that_does_not_fit_is_our_failure() -> None:
    shape = service_model().operation_model("DescribeEndpoint").output_shape
    with pytest.raises(ApiError) as caught:
        check_output("DescribeEndpoint", {"EndpointName": "e"}, shape)

    assert (caught.value.code, caught.value.status) == ("InternalFailure", 500)
