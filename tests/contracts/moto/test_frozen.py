"""moto's memory, written and brought back: what clients were told is what they find, key material too."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fogbank.cloud.moto.frozen import FrozenError, freeze, thaw

ACCOUNT = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}


def client(service: str) -> Any:
    return boto3.client(service, **ACCOUNT)


@mock_aws
def test_memory_comes_back_as_it_was(memory: Callable[[], None]) -> None:
    kms, sqs = client("kms"), client("sqs")
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    secret = kms.encrypt(KeyId=kms.create_key()["KeyMetadata"]["KeyId"], Plaintext=b"secret")["CiphertextBlob"]
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:q")
    client("ssm").put_parameter(Name="p", Value="v", Type="String")
    client("ecr").create_repository(repositoryName="images")
    client("acm").request_certificate(DomainName="a.example.com")
    client("s3").create_bucket(Bucket="bucket")
    client("s3").put_object(Bucket="bucket", Key="k", Body=b"body")
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")

    def picture() -> list[Any]:
        return [
            kms.get_public_key(KeyId=key)["PublicKey"],
            sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"],
            client("ssm").get_parameter(Name="p")["Parameter"],
            client("ecr").describe_repositories()["repositories"],
            client("acm").list_certificates()["CertificateSummaryList"],
            client("s3").get_object(Bucket="bucket", Key="k")["Body"].read(),
            client("s3").list_objects_v2(Bucket="bucket")["Contents"],
            client("iam").get_role(RoleName="r")["Role"],
        ]

    before = picture()
    data = freeze()
    memory()
    assert sqs.list_queues().get("QueueUrls") is None
    memory()
    thaw(data)

    assert picture() == before
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"secret"
    client("sns").publish(TopicArn=topic, Message="on it goes")
    assert "on it goes" in sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"]
    client("ssm").put_parameter(Name="p2", Value="v", Type="String")
    assert len(freeze()) > len(data)


@mock_aws
def test_functions_come_back_by_name_and_by_arn(memory: Callable[[], None]) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "def handler(event, context): ...")
    arn = client("lambda").create_function(
        FunctionName="f", Runtime="python3.11", Role=role, Handler="code.handler", Code={"ZipFile": code.getvalue()}
    )["FunctionArn"]
    before = client("lambda").get_function(FunctionName=arn)["Configuration"]
    data = freeze()
    memory()
    thaw(data)

    assert client("lambda").get_function(FunctionName=arn)["Configuration"] == before
    assert client("lambda").get_function(FunctionName="f")["Configuration"] == before


@mock_aws
def test_what_cannot_be_written_is_named_and_bytes_that_are_none_too(memory: Callable[[], None]) -> None:
    from moto.sqs.models import sqs_backends

    client("sqs").create_queue(QueueName="q")
    vars(sqs_backends["123456789012"]["us-east-1"])["stream"] = (number for number in range(3))

    with pytest.raises(FrozenError, match="generator"):
        freeze()
    with pytest.raises(FrozenError):
        thaw(b"nothing")
