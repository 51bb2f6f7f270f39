"""What an operator asks of endpoints in a life that `fogbank iam prove` records: each by the way that it answers.

In: clients of a cloud and the names of its endpoints; out: a plan, made while nothing is recorded, and the calls of it. A multi-model endpoint is
asked for each of its models, a pipeline with a direct way for each container; a request that waits lies where the service's role may read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from fogbank.ground.aws import split_uri
from fogbank.project.access.permissions import listed, statements

Client = Callable[[str], Any]
KIND = "text/csv"
NAME = "iam-rows.csv"
EVERYBODYS = ("models/", "capture/", "monitor/")
"""What a service's role reads of its bucket whatever it serves: nobody brings requests there."""
LIMIT_S, POLL_S = 60, 0.2


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request to an endpoint: `target` names its model or its container; `waits` is the S3 URI where it lies, if it waits."""

    endpoint: str
    target: Mapping[str, str] = field(default_factory=dict)
    waits: str = ""


def plan(client: Client, endpoints: Sequence[str]) -> tuple[list[Ask], list[str]]:
    """The requests, and the endpoints that cannot be asked: whose requests would wait where no role of theirs may read."""
    asks, without = [], []
    for name in endpoints:
        found = list(_asks(client, name))
        asks += found
        without += [] if found else [name]
    return asks, without


def _asks(client: Client, name: str) -> Iterator[Ask]:
    sagemaker = client("sagemaker")
    config_name = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
    models = [variant["ModelName"] for variant in config["ProductionVariants"] if "ModelName" in variant]
    if not models:
        yield Ask(endpoint=name)
        return
    model = sagemaker.describe_model(ModelName=models[0])
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    many = next((item for item in containers if item.get("Mode") == "MultiModel"), None)
    if waiting := config.get("AsyncInferenceConfig"):
        bucket, _ = split_uri(waiting["OutputConfig"]["S3OutputPath"])
        prefix = _readable(client("iam"), model["ExecutionRoleArn"].rpartition("/")[2], bucket)
        if prefix:
            yield Ask(endpoint=name, waits=f"s3://{bucket}/{prefix}{NAME}")
    elif many:
        bucket, prefix = split_uri(many["ModelDataUrl"])
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", [])]
        yield from (Ask(endpoint=name, target={"TargetModel": key}) for key in keys if not key.endswith("/") and key)
    elif (model.get("InferenceExecutionConfig") or {}).get("Mode") == "Direct":
        hosts = [item["ContainerHostname"] for item in containers]
        yield from (Ask(endpoint=name, target={"TargetContainerHostname": host}) for host in hosts)
    else:
        yield Ask(endpoint=name)


def _readable(iam: Any, role: str, bucket: str) -> str:
    """A prefix of the bucket that the role's own policies let it read for requests; empty where there is none, or no such role here."""
    try:
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    except ClientError as error:  # one that was brought may be another account's
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return ""
    for policy in names:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        for prefix in _prefixes(document, bucket):
            if not prefix.startswith(EVERYBODYS):
                return prefix
    return ""


def _prefixes(document: Mapping[str, Any], bucket: str) -> Iterator[str]:
    """Where the statements that name the action and its resources let one read."""
    for statement in statements(document):
        if statement.get("Effect") != "Allow" or "s3:GetObject" not in listed(statement.get("Action", [])):
            continue
        for resource in listed(statement.get("Resource", [])):
            _, found, prefix = resource.partition(f":::{bucket}/")
            if found and prefix.endswith("/*"):
                yield prefix.removesuffix("*")


def ask(client: Client, asks: Sequence[Ask], rows: bytes) -> None:
    """Ask. What a model says of the rows is its own affair: another one's may be others."""
    runtime = client("sagemaker-runtime")
    for each in asks:
        if each.waits:
            _wait(client, each, rows)
            continue
        try:
            runtime.invoke_endpoint(EndpointName=each.endpoint, Body=rows, ContentType=KIND, **each.target)
        except ClientError as error:
            if not each.target or error.response["Error"]["Code"] != "ModelError":
                raise


def _wait(client: Client, each: Ask, rows: bytes) -> None:
    """Bring the rows, ask, and read what was written: the answer, or the failure."""
    s3, (bucket, key) = client("s3"), split_uri(each.waits)
    s3.put_object(Bucket=bucket, Key=key, Body=rows)
    told = client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=each.endpoint, InputLocation=each.waits, ContentType=KIND
    )
    places = [told[member] for member in ("OutputLocation", "FailureLocation") if member in told]
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        for place in places:
            bucket, key = split_uri(place)
            try:
                s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
                    raise
            else:
                return
        time.sleep(POLL_S)
