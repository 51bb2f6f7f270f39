"""Models: one name is one model, whoever comes at once; their containers as values."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.models import Container, Form, ModelData, Models, containers, has_source
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store

US = Scope("us-east-1")


def source(compression: str, kind: str, uri: str) -> dict[str, Any]:
    return {"ModelDataSource": {"S3DataSource": {"CompressionType": compression, "S3DataType": kind, "S3Uri": uri}}}


def more(*channels: str, uri: str = "s3://b/m/") -> dict[str, Any]:
    """AdditionalModelDataSources."""
    at = source("None", "S3Prefix", uri)["ModelDataSource"]["S3DataSource"]
    return {"AdditionalModelDataSources": [{"ChannelName": channel, "S3DataSource": at} for channel in channels]}


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    with closing(Store(tmp_path / "s.db")) as store:
        clock = Clock(store)
        yield Models(Ground(store, clock, Events(store, clock), Runner()))


def create(models: Models, image: str = "i", **extra: Any) -> str:
    container = {"Image": image}
    arn: str = models.create(US, {"ModelName": "m", "PrimaryContainer": container, **extra})["ModelArn"]
    return arn


def test_of_many_who_create_one_name_at_once_one_wins(models: Models) -> None:
    barrier = threading.Barrier(8)

    def race(number: int) -> str:
        barrier.wait(10)
        try:
            create(models, f"image-{number}")
        except ApiError as error:
            return error.message
        return f"image-{number}"

    with ThreadPoolExecutor(8) as callers:
        outcomes = list(callers.map(race, range(8)))

    [winner] = [outcome for outcome in outcomes if "Cannot create already existing model" not in outcome]
    assert models.describe(US, {"ModelName": "m"})["PrimaryContainer"] == {"Image": winner}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"PrimaryContainer": None}, "Exactly one of PrimaryContainer and Containers"),
        ({"Containers": [{"Image": "a"}]}, "Exactly one of PrimaryContainer and Containers"),
        (
            {"PrimaryContainer": None, "Containers": [{"ContainerHostname": "a"}, {"Image": "b"}]},
            "every one must have one",
        ),
        ({"PrimaryContainer": None, "Containers": [{"ContainerHostname": "a"}] * 2}, "are not unique"),
        ({"InferenceExecutionConfig": {"Mode": "Direct"}}, "Direct needs Containers"),
        (
            {
                "PrimaryContainer": None,
                "Containers": [{"Image": "a"}, {"Image": "b"}],
                "InferenceExecutionConfig": {"Mode": "Direct"},
            },
            "each with a ContainerHostname",
        ),
        ({"PrimaryContainer": {"Image": "a", "Mode": "MultiModel"}}, "needs a ModelDataUrl"),
        ({"PrimaryContainer": {**source("None", "S3Prefix", "s3://b/m")}}, "must end with a forward slash"),
        ({"PrimaryContainer": {**source("Gzip", "S3Prefix", "s3://b/m/")}}, "Gzip is of an S3Object"),
        (
            {"PrimaryContainer": {**source("None", "S3Prefix", "s3://b/m/"), "ModelDataUrl": "s3://b/m"}},
            "or a ModelDataSource, not both",
        ),
        (
            {"PrimaryContainer": {**source("None", "S3Prefix", "s3://b/m/"), "Mode": "MultiModel"}},
            "not supported with containers whose Mode is MultiModel",
        ),
        ({"PrimaryContainer": {"Image": "a", **more("x", "x")}}, "are not unique"),
        ({"PrimaryContainer": {"Image": "a", **more("x", "..")}}, "must be names of folders"),
        ({"PrimaryContainer": {"Image": "a", **more("x", uri="s3://b/m")}}, "must end with a forward slash"),
        (
            {"PrimaryContainer": {"Image": "a", "Mode": "MultiModel", "ModelDataUrl": "s3://b/p/", **more("x")}},
            "AdditionalModelDataSources is not supported with containers whose Mode is MultiModel",
        ),
        (
            {"PrimaryContainer": {"Image": "a", "MultiModelConfig": {"ModelCacheSetting": "Disabled"}}},
            "whose Mode is MultiModel",
        ),
    ],
)
def test_what_could_not_run_is_refused(models: Models, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError, match=message):
        create(models, **params)


def test_containers_are_values_in_the_order_of_a_request() -> None:
    first = {"Image": "a", "ModelDataUrl": "s3://b/m", "Environment": {"A": "1"}}

    assert containers({"PrimaryContainer": first}) == (
        Container(image="a", data=ModelData(uri="s3://b/m"), environment={"A": "1"}),
    )
    forms: tuple[tuple[str, str, Form], ...] = (
        ("Gzip", "S3Object", "archive"),
        ("None", "S3Object", "object"),
        ("None", "S3Prefix", "prefix"),
    )
    for compression, kind, form in forms:
        [held] = containers({"PrimaryContainer": source(compression, kind, "s3://b/m/")})
        assert held.data == ModelData(uri="s3://b/m/", form=form)
    both = containers({"Containers": [first, {"Image": "b"}]})
    assert [(container.image, container.hostname) for container in both] == [("a", "container-1"), ("b", "container-2")]
    named = {"ContainerHostname": "mine"}
    assert [
        containers({key: value})[0].hostname for key, value in (("PrimaryContainer", named), ("Containers", [named]))
    ] == [
        "primary",
        "mine",
    ]
    assert containers({}) == ()


def test_more_data_is_known_by_its_channels() -> None:
    [container] = containers({"PrimaryContainer": {"Image": "i", **more("a", "b")}})
    assert container.more == {name: ModelData(uri="s3://b/m/", form="prefix") for name in ("a", "b")}
    assert has_source({"PrimaryContainer": {"Image": "i", **more("a")}})
    assert not has_source({"PrimaryContainer": {"Image": "i"}})
