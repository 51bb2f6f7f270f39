"""Messages, days and destinations that AWS refuses and moto takes."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.refused import refusal

NOTIFIES = "<NotificationConfiguration><QueueConfiguration><{kind}>{arn}</{kind}></QueueConfiguration></NotificationConfiguration>"


def request(service: str, body: str, path: str = "/", query: str = "", method: str = "POST", **headers: str) -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, path=path, query=query, headers={"authorization": scope, **named}, body=body.encode())


def publish(**members: str) -> Request:
    return request("sns", urlencode({"Action": "Publish", "TopicArn": "t", **members}))


def keep(days: str) -> Request:
    return request(
        "logs", f'{{"logGroupName": "g", "retentionInDays": {days}}}', x_amz_target="Logs_20140328.PutRetentionPolicy"
    )


def notify(arn: str, query: str = "notification", path: str = "/b", kind: str = "Queue", **headers: str) -> Request:
    return request("s3", NOTIFIES.format(arn=arn, kind=kind), path, query, "PUT", **headers)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (publish(Message=""), b"<Code>InvalidParameter</Code>"),
        (publish(), b"<Code>InvalidParameter</Code>"),
        (keep("2"), b"InvalidParameterException"),
        (keep("0"), b"InvalidParameterException"),
        (notify("arn:aws:sqs:us-east-1:123456789012:none"), b"<Code>InvalidArgument</Code>"),
        (notify("arn:aws:foo:us-east-1:123456789012:none"), b"<Code>InvalidArgument</Code>"),
        (notify("arn:aws:sns:us-east-1:210987654321:theirs"), b"<Code>InvalidArgument</Code>"),
        (notify("arn:aws:sqs:us-east-1:210987654321:theirs", kind="Topic"), b"<Code>InvalidArgument</Code>"),
        (notify("arn:aws:sqs:us-east-1:210987654321:theirs", kind="CloudFunction"), b"<Code>InvalidArgument</Code>"),
    ],
)
def test_it_is_refused_as_aws_does(asked: Request, code: bytes) -> None:
    answer = refusal(asked)

    assert answer is not None
    assert answer.status == 400
    assert code in answer.body


@pytest.mark.parametrize(
    "asked",
    [
        publish(Message=" "),
        request("sns", urlencode({"Action": "CreateTopic", "Name": "t"})),
        keep("1"),
        keep("3653"),
        keep("{"),
        request("logs", "{}", x_amz_target="Logs_20140328.CreateLogGroup"),
        notify("arn:aws:sqs:us-east-1:210987654321:theirs"),
        notify("arn:aws:sns:us-east-1:210987654321:theirs", kind="Topic"),
        notify("arn:aws:sqs:us-east-1:123456789012:none", x_amz_skip_destination_validation="true"),
        notify("arn:aws:sqs:us-east-1:123456789012:none", query=""),
        notify("arn:aws:sqs:us-east-1:123456789012:none", path="/b/key"),
        notify("arn:aws:sqs:us-east-1:123456789012:none", path="/"),
    ],
)
def test_all_else_is_motos(asked: Request) -> None:
    assert refusal(asked) is None
