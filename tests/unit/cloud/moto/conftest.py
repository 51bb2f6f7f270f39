"""A moto of the test's own: its memory is empty before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.core.base_backend import BackendDict

from fogbank.cloud.ground.wire import Request

Ask = Callable[..., Request]
TARGETS = {"sqs": "AmazonSQS", "kms": "TrentService", "ssm": "AmazonSSM"}


@pytest.fixture
def memory() -> Iterator[Callable[[], None]]:
    """Empties moto's memory, as the end of a process does."""
    BackendDict.reset()
    yield BackendDict.reset
    BackendDict.reset()


@pytest.fixture
def ask() -> Ask:
    """A request of one of AWS's JSON services, as boto3 sends it."""

    def request(service: str, operation: str, **members: Any) -> Request:
        scope = (
            f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
        )
        headers = {
            "host": "127.0.0.1:1",
            "authorization": scope,
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"{TARGETS[service]}.{operation}",
        }
        return Request(method="POST", path="/", query="", headers=headers, body=json.dumps(members).encode())

    return request
