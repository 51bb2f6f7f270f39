"""A stack with SageMaker's types is refused by name; any other is moto's."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.stacks import refusal


def stack(*types: str, action: str = "CreateStack") -> Request:
    template = {"Resources": {f"R{number}": {"Type": kind} for number, kind in enumerate(types)}}
    body = urlencode({"Action": action, "StackName": "s", "TemplateBody": json.dumps(template)}).encode()
    scope = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/cloudformation/aws4_request"
    return Request(method="POST", path="/", query="", headers={"authorization": scope}, body=body)


def test_sagemakers_types_are_named() -> None:
    answer = refusal(stack("AWS::SageMaker::Model", "AWS::S3::Bucket", "AWS::SageMaker::Endpoint"))

    assert answer is not None
    assert answer.status == 400
    assert b"AWS::SageMaker::Endpoint, AWS::SageMaker::Model" in answer.body
    assert b"<Code>ValidationError</Code>" in answer.body


def test_other_stacks_and_other_calls_are_motos() -> None:
    assert refusal(stack("AWS::S3::Bucket")) is None
    assert refusal(stack("AWS::SageMaker::Model", action="ValidateTemplate")) is None
