"""Pipes and executions are refused by name; state machines, stopping and deleting are moto's."""

from __future__ import annotations

import pytest

from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.lacking import refusal


def request(service: str, method: str, path: str = "/", operation: str = "") -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request"
    headers = {"authorization": scope, **({"x-amz-target": f"AWSStepFunctions.{operation}"} if operation else {})}
    return Request(method=method, path=path, query="", headers=headers, body=b"{}")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request("pipes", "POST", "/v1/pipes/p"), b"EventBridge pipes"),
        (request("pipes", "PUT", "/v1/pipes/p"), b"EventBridge pipes"),
        (request("pipes", "POST", "/v1/pipes/p/start"), b"EventBridge pipes"),
        (request("states", "POST", operation="StartExecution"), b"does not run them"),
        (request("states", "POST", operation="StartSyncExecution"), b"does not run them"),
    ],
)
def test_what_nobody_would_carry_out_is_named(asked: Request, words: bytes) -> None:
    answer = refusal(asked)

    assert answer is not None
    assert answer.status == 501
    assert words in answer.body


@pytest.mark.parametrize(
    "asked",
    [
        request("pipes", "GET", "/v1/pipes"),
        request("pipes", "DELETE", "/v1/pipes/p"),
        request("pipes", "POST", "/tags/arn"),
        request("states", "POST", operation="CreateStateMachine"),
        request("sqs", "POST", operation="StartExecution"),
    ],
)
def test_what_moto_really_keeps_is_its_own(asked: Request) -> None:
    assert refusal(asked) is None
