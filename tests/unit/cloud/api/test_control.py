"""The control plane: one call through all its checks, and the forms of its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.api.control import ControlPlane, Params, Scope
from fogbank.cloud.api.errors import ApiError, in_use
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Request

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model/m"
US = Scope("us-east-1")


class Plane:
    """A control plane with one operation, which remembers what it was called with."""

    def __init__(self, store: Store) -> None:
        self.events = Events(store, Clock(store))
        self.calls: list[Params] = []
        self.there = {"subnet-0aaaaaaaaaaaaaaaa"}
        self.control = ControlPlane({"CreateModel": self._create}, missing=self._missing, events=self.events)

    def _create(self, scope: Scope, params: Params) -> Params:
        self.calls.append(params)
        if params["ModelName"] == "taken":
            raise in_use("taken")
        return {"ModelArn": ARN, "Ours": 1}

    def _missing(self, kind: str, value: str, region: str) -> str | None:
        return None if value in self.there else f"{kind} {value} is not in {region}"

    def ask(self, body: bytes) -> tuple[int, Any, str]:
        headers = {"x-amz-target": "SageMaker.CreateModel"}
        answer = self.control.handle(Request(method="POST", path="/", query="", headers=headers, body=body))
        return answer.status, json.loads(answer.body), answer.headers.get("x-amzn-ErrorType", "")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with closing(Store(tmp_path / "s.db")) as store:
        yield Plane(store)


def test_a_call_and_its_answer(plane: Plane) -> None:
    assert plane.ask(b'{"ModelName": "m", "Tags": null}') == (200, {"ModelArn": ARN}, "")
    assert plane.calls == [{"ModelName": "m"}]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", "SerializationException", "the body is not JSON"),
        (b'{"ModelName": 1}', "SerializationException", "NUMBER_VALUE"),
        (b"{}", "ValidationException", "Value null at 'modelName'"),
        (b'{"ModelName": "m", "Brandnew": {}}', "ValidationException", "does not have Brandnew yet; it is refused, not ignored"),
        (b'{"ModelName": "taken"}', "ResourceInUse", "taken"),
    ],
)  # fmt: skip
def test_errors_in_the_forms_that_clients_read(plane: Plane, body: bytes, code: str, message: str) -> None:
    status, document, kind = plane.ask(body)

    assert (status, document["__type"], kind) == (400, code, code)
    assert message in document["message"]


def test_what_a_request_names_must_be_there(plane: Plane) -> None:
    vpc = {"Subnets": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"], "SecurityGroupIds": ["sg-0cccccccccccccccc"]}  # fmt: skip
    with pytest.raises(ApiError) as caught:
        plane.control.call("CreateModel", US, {"ModelName": "m", "VpcConfig": vpc})

    assert caught.value.code == "ValidationException"
    assert caught.value.message == (
        "subnet subnet-0bbbbbbbbbbbbbbbb is not in us-east-1; security-group sg-0cccccccccccccccc is not in us-east-1."
    )
    assert plane.calls == []


def test_what_has_no_effect_is_an_event(plane: Plane) -> None:
    plane.control.call("CreateModel", US, {"ModelName": "plain"})
    container = {"Image": "i", "ImageConfig": {"RepositoryAccessMode": "Platform"}}
    plane.control.call("CreateModel", US, {"ModelName": "m", "PrimaryContainer": container})

    [event] = plane.events.since(0)
    assert (event.topic, event.region, event.name, event.change) == ("call", "us-east-1", "CreateModel", "Inert")
    assert event.detail == {"members": ["PrimaryContainer.ImageConfig"], "names": {"ModelName": "m"}}
