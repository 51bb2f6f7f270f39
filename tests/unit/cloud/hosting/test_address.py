"""What a request may name of a variant, and the words for what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.hosting.address import TARGET_MODEL, Address
from fogbank.cloud.hosting.pipeline import TARGET_CONTAINER

SINGLE = {"PrimaryContainer": {"Image": "i"}}
MANY = {"PrimaryContainer": {"Image": "i", "Mode": "MultiModel"}}
PIPELINE: dict[str, Any] = {
    "Containers": [{"ContainerHostname": "a"}, {"ContainerHostname": "b", "Mode": "MultiModel"}]
}
DIRECT = {**PIPELINE, "InferenceExecutionConfig": {"Mode": "Direct"}}
MODEL, HOST_A, HOST_B = {TARGET_MODEL: "m.tar.gz"}, {TARGET_CONTAINER: "a"}, {TARGET_CONTAINER: "b"}


@pytest.mark.parametrize(
    ("model", "headers"),
    [(SINGLE, {}), (MANY, MODEL), (PIPELINE, MODEL), (DIRECT, HOST_A), (DIRECT, {**HOST_B, **MODEL})],
)
def test_what_is_there_may_be_named(model: dict[str, Any], headers: dict[str, str]) -> None:
    Address.of(model).check(headers, "e")


@pytest.mark.parametrize(
    ("model", "headers", "words"),
    [
        (SINGLE, MODEL, "Endpoint e is not a multi-model endpoint and does not support target model header."),
        (SINGLE, HOST_A, "is not a direct invocation endpoint"),
        (MANY, {}, "is missing a target model header."),
        (PIPELINE, {}, "is missing a target model header."),
        (DIRECT, {}, "TargetContainerHostname is required"),
        (DIRECT, {TARGET_CONTAINER: "z"}, "no container with the host name z"),
        (DIRECT, {**HOST_A, **MODEL}, "is not a multi-model endpoint"),
        (DIRECT, HOST_B, "is missing a target model header."),
    ],
)
def test_what_is_not_there_is_told(model: dict[str, Any], headers: dict[str, str], words: str) -> None:
    with pytest.raises(ApiError, match=words) as caught:
        Address.of(model).check(headers, "e")
    assert (caught.value.code, caught.value.status) == ("ValidationError", 400)
