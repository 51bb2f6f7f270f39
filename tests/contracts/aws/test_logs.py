"""The AWS API wire: CloudWatch Logs of endpoints and jobs, by plain boto3 against a real local cloud.

Sources: SageMaker Developer Guide, "Log groups and streams"; CloudWatch Logs API Reference and User Guide, "Filter pattern syntax".
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served, code_of
from tests.waiting import until_answer

CODE = b"""
import json, sys
def model_fn(folder):
    print("the model is loaded", flush=True)
def predict_fn(rows, model):
    print("ERROR not really: row", rows, flush=True)
    print(json.dumps({"level": "WARN", "rows": len(rows)}), flush=True)
    return [[1]]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud with an endpoint `talker`, which is killed in a test."""
    cloud = CloudProcess(tmp_path_factory.mktemp("logs"))
    cloud.start()
    s3, sagemaker, archive = cloud.client("s3"), cloud.client("sagemaker"), io.BytesIO()
    write_archive(archive, {"code/inference.py": CODE})
    s3.create_bucket(Bucket="talker")
    s3.put_object(Bucket="talker", Key="m.tar.gz", Body=archive.getvalue())
    container = {"Image": "i", "ModelDataUrl": "s3://talker/m.tar.gz"}
    sagemaker.create_model(ModelName="talker", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": "talker", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(EndpointConfigName="talker", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="talker", EndpointConfigName="talker")
    until_answer(
        lambda: sagemaker.describe_endpoint(EndpointName="talker")["EndpointStatus"],
        lambda status: status != "Creating",
        120,
    )
    yield cloud
    cloud.stop()


GROUP = "/aws/sagemaker/Endpoints/talker"


def messages(found: dict[str, Any]) -> list[str]:
    return [event["message"] for event in found["events"]]


def invoke(cloud: CloudProcess, body: bytes = b"1") -> None:
    cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="talker", Body=body, ContentType="text/csv")


def test_an_endpoints_group_has_a_stream_for_each_instance(own: CloudProcess) -> None:
    logs = own.client("logs")
    assert GROUP in [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    streams = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert len(streams) == 2
    for stream in streams:
        assert stream["logStreamName"].startswith("v/i-")
        said = logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)
        assert any("the model is loaded" in message for message in messages(said))
        assert stream["firstEventTimestamp"] <= stream["lastEventTimestamp"]


def test_events_are_filtered_by_pattern_and_time(own: CloudProcess) -> None:
    logs = own.client("logs")
    invoke(own)
    found = until_answer(
        lambda: logs.filter_log_events(logGroupName=GROUP, filterPattern='"ERROR not really"'),
        lambda found: found["events"],
    )
    event = found["events"][-1]
    assert event["logStreamName"].startswith("v/i-")
    warned = logs.filter_log_events(logGroupName=GROUP, filterPattern='{ $.level = "WARN" && $.rows > 0 }')
    assert messages(warned)[-1] == '{"level": "WARN", "rows": 1}'
    own.advance(7200)
    invoke(own)
    later = until_answer(
        lambda: logs.filter_log_events(
            logGroupName=GROUP, filterPattern="ERROR", startTime=event["timestamp"] + 3_600_000
        ),
        lambda found: found["events"],
    )
    assert all(each["timestamp"] > event["timestamp"] + 7_000_000 for each in later["events"])
    earlier = logs.filter_log_events(logGroupName=GROUP, filterPattern="ERROR", endTime=event["timestamp"])
    assert messages(earlier)
    assert not {each["eventId"] for each in earlier["events"]} & {each["eventId"] for each in later["events"]}


def test_pages_have_every_event_once(own: CloudProcess) -> None:
    logs = own.client("logs")
    for _ in range(5):
        invoke(own)
    until_answer(
        lambda: messages(logs.filter_log_events(logGroupName=GROUP, filterPattern="ERROR")), lambda all_: len(all_) >= 5
    )
    whole = logs.filter_log_events(logGroupName=GROUP)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 3})
    paged = [event["eventId"] for page in pages for event in page["events"]]
    assert paged[: len(whole["events"])] == [event["eventId"] for event in whole["events"]]
    assert len(set(paged)) == len(paged)
    name = logs.describe_log_streams(logGroupName=GROUP, limit=1)["logStreams"][0]["logStreamName"]
    asked = {"logGroupName": GROUP, "logStreamName": name}
    head = logs.get_log_events(**asked, startFromHead=True)
    read: list[str] = []
    token: dict[str, str] = {}
    while page := messages(answer := logs.get_log_events(**asked, limit=2, startFromHead=True, **token)):
        read += page
        token = {"nextToken": answer["nextForwardToken"]}
    assert read[: len(head["events"])] == messages(head)
    assert logs.get_log_events(**asked, **token)["nextForwardToken"] == token["nextToken"]
    tail = logs.get_log_events(**asked, limit=2)
    before = logs.get_log_events(**asked, limit=2, nextToken=tail["nextBackwardToken"])
    assert messages(before) + messages(tail) == read[-4:]


def test_events_survive_a_kill_and_go_with_their_group(own: CloudProcess) -> None:
    logs = own.client("logs")
    earlier = logs.filter_log_events(logGroupName=GROUP)["events"]
    own.kill()
    own.start()
    logs, sagemaker = own.client("logs"), own.client("sagemaker")
    again = logs.filter_log_events(logGroupName=GROUP)["events"]
    assert [event["eventId"] for event in again[: len(earlier)]] == [event["eventId"] for event in earlier]
    until_answer(
        lambda: sagemaker.describe_endpoint(EndpointName="talker")["EndpointStatus"],
        lambda status: status == "InService",
        120,
    )
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    own.advance(2 * 86400)
    assert logs.filter_log_events(logGroupName=GROUP)["events"] == []
    logs.delete_log_group(logGroupName=GROUP)
    code, _ = code_of(lambda: logs.describe_log_streams(logGroupName=GROUP))
    assert code == "ResourceNotFoundException"
    for _ in range(4):
        invoke(own)
    found = until_answer(
        lambda: [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
        lambda names: GROUP in names,
    )
    assert found
    assert not any("the model is loaded" in message for message in messages(logs.filter_log_events(logGroupName=GROUP)))


def test_jobs_have_streams_by_their_names(served: Served) -> None:
    logs, job = served.cloud.client("logs"), f"{served.name}-job"
    served.s3.put_object(Bucket=served.name, Key="in/a.csv", Body=served.sample)
    assert served.transform(job, f"s3://{served.name}/in/")["TransformJobStatus"] == "Completed"
    group = "/aws/sagemaker/TransformJobs"
    streams = until_answer(
        lambda: logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job)["logStreams"],
        lambda found: found,
    )
    assert streams[0]["logStreamName"].startswith(f"{job}/i-")
    assert streams[-1]["logStreamName"].endswith("/data-log")
    found = logs.get_log_events(logGroupName=group, logStreamName=streams[-1]["logStreamName"])
    assert "[sagemaker logs]" in messages(found)[0]


def test_what_is_refused(own: CloudProcess) -> None:
    logs = own.client("logs")
    for call, code in (
        (lambda: logs.get_log_events(logGroupName=GROUP, logStreamName="v/nobody"), "ResourceNotFoundException"),
        (lambda: logs.filter_log_events(logGroupName="/aws/sagemaker/Endpoints/nobody"), "ResourceNotFoundException"),
        (lambda: logs.filter_log_events(logGroupName=GROUP, filterPattern="[ip, user]"), "InvalidParameterException"),
        (lambda: logs.filter_log_events(logGroupName=GROUP, nextToken="x"), "InvalidParameterException"),
        (
            lambda: logs.start_query(logGroupName=GROUP, startTime=0, endTime=9, queryString="fields @message"),
            "InvalidParameterException",
        ),
    ):
        assert code_of(call)[0] == code


LINES = {
    "plain": "ERROR code=500 of a plain line",
    "json": '{"level": "ERROR", "n": 5, "tags": ["x", "y"], "ok": true}',
    "other": '{"level": "INFO", "n": 7}',
}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("ERROR", ["plain", "json"]),
        ("?INFO ?500", ["plain", "other"]),
        ("-ERROR", ["other"]),
        ('"code=500"', ["plain"]),
        ("%code=[45]00%", ["plain"]),
        ('{ $.level = "ERROR" }', ["json"]),
        ("{ $.n > 5 }", ["other"]),
        ('{ $.tags[0] = "x" && $.ok IS TRUE }', ["json"]),
        ("{ $.ok NOT EXISTS }", ["other"]),
    ],
)
def test_a_pattern_filters_the_events_of_any_group(
    shared_cloud: CloudProcess, unique: str, pattern: str, found: list[str]
) -> None:
    logs, now = shared_cloud.client("logs"), shared_cloud.admin.call("status")["time"]
    at = int(datetime.fromisoformat(now).timestamp() * 1000)
    logs.create_log_group(logGroupName=unique)
    logs.create_log_stream(logGroupName=unique, logStreamName="s")
    written = [{"timestamp": at + number, "message": line} for number, line in enumerate(LINES.values())]
    logs.put_log_events(logGroupName=unique, logStreamName="s", logEvents=written)
    events = logs.filter_log_events(logGroupName=unique, filterPattern=pattern)["events"]
    assert [event["message"] for event in events] == [LINES[name] for name in found]


@pytest.mark.parametrize("pattern", ["{ $.n = 5", "{ $.n > x }", "[ip, status=4*]"])
def test_a_pattern_that_is_none_or_is_not_there_yet_is_refused(
    shared_cloud: CloudProcess, unique: str, pattern: str
) -> None:
    logs = shared_cloud.client("logs")
    logs.create_log_group(logGroupName=unique)
    refused = code_of(lambda: logs.filter_log_events(logGroupName=unique, filterPattern=pattern))[0]
    assert refused == "InvalidParameterException"
