"""EventBridge Scheduler by plain boto3: what AWS refuses is refused, what it takes fires, on the cloud's clock.

Source: the EventBridge Scheduler API reference and User Guide.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.test_lambda import TRUST
from tests.waiting import until

ACCOUNT, REGION = "123456789012", "us-east-1"
SDK = "arn:aws:scheduler:::aws-sdk:"
TARGET = {
    "Arn": f"{SDK}sqs:sendMessage",
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
    "Input": '{"QueueUrl": "none", "MessageBody": "b"}',
}
JOB = {
    "TransformJobName": "j",
    "ModelName": "none",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/out"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}
OFF = {"Mode": "OFF"}
Fired = list[tuple[str, datetime]]


def create(cloud: CloudProcess, name: str, expression: str, **more: Any) -> None:
    given = {"Target": TARGET, "FlexibleTimeWindow": OFF, **more}
    cloud.client("scheduler").create_schedule(Name=name, ScheduleExpression=expression, **given)


def fired(cloud: CloudProcess, hours: float) -> Fired:
    return [
        (item["name"].removeprefix("EventBridge schedule "), datetime.fromisoformat(item["at"]))
        for item in cloud.advance(hours * 3600)
    ]


def now(cloud: CloudProcess) -> datetime:
    return datetime.fromisoformat(cloud.admin.call("status")["time"])


@pytest.mark.parametrize(
    ("expression", "more"),
    [
        ("cron(0 2 * * *)", {}),
        ("cron(0 2 * * * *)", {}),
        ("cron(0 2 ? * ? *)", {}),
        ("rate(0 days)", {}),
        ("rate(1 week)", {}),
        ("every day", {}),
        ("cron(100 9 * * ? 2027)", {}),
        ("cron(0 9 ? * 0 *)", {}),
        ("at(2026-12-01T00:00:00Z)", {}),
        ("at(2026-13-45T00:00:00)", {}),
        ("cron(0 2 * * ? *)", {"ScheduleExpressionTimezone": "Mars/Olympus"}),
        ("cron(0 2 * * ? *)", {"ScheduleExpressionTimezone": "../etc/passwd"}),
        ("rate(1 days)", {"Target": {**TARGET, "Input": "{not json"}}),
        ("rate(1 days)", {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}),
        ("rate(1 days)", {"Target": {**TARGET, "Arn": "arn:nowhere"}}),
        ("rate(1 days)", {"Target": {**TARGET, "Arn": f"{SDK}nosuch:doThing"}}),
        ("rate(1 days)", {"Target": {**TARGET, "Arn": f"{SDK}sqs:doThing"}}),
        ("rate(1 days)", {"Target": {**TARGET, "Input": '{"QueueUrl": "none"}'}}),
        ("rate(1 days)", {"Target": {**TARGET, "RetryPolicy": {"MaximumRetryAttempts": 186}}}),
        ("rate(1 days)", {"Target": {**TARGET, "DeadLetterConfig": {"Arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t"}}}),
        ("rate(1 days)", {"KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/none"}),
        ("rate(1 days)", {"EndDate": "2020-01-01T00:00:00Z"}),
        ("rate(1 days)", {"StartDate": "2020-01-01T00:00:00Z"}),
    ],
)
def test_what_aws_refuses_is_refused_at_create_and_at_update(
    shared_cloud: CloudProcess, unique: str, expression: str, more: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as created:
        create(shared_cloud, unique, expression, **more)
    create(shared_cloud, unique, "rate(300 days)")
    with pytest.raises(ClientError) as updated:
        shared_cloud.client("scheduler").update_schedule(
            **{"Name": unique, "ScheduleExpression": expression, "Target": TARGET, "FlexibleTimeWindow": OFF, **more}
        )

    assert created.value.response["Error"]["Code"] == updated.value.response["Error"]["Code"] == "ValidationException"
    assert shared_cloud.client("scheduler").get_schedule(Name=unique)["ScheduleExpression"] == "rate(300 days)"
    shared_cloud.client("scheduler").delete_schedule(Name=unique)


def test_an_update_without_state_is_enabled_and_keeps_firing(local_cloud: CloudProcess) -> None:
    scheduler = local_cloud.client("scheduler")
    create(local_cloud, "a", "cron(0 2 * * ? *)", State="DISABLED", ActionAfterCompletion="DELETE")
    assert fired(local_cloud, 25) == []
    scheduler.update_schedule(
        Name="a",
        ScheduleExpression="cron(0 5 * * ? *)",
        FlexibleTimeWindow=OFF,
        Target=TARGET,
        ActionAfterCompletion="DELETE",
    )
    described = scheduler.get_schedule(Name="a")

    assert (described["State"], described["ActionAfterCompletion"]) == ("ENABLED", "DELETE")
    assert [(name, at.hour) for name, at in fired(local_cloud, 24)] == [("a", 5)]


def test_dates_are_the_clouds_and_a_rate_counts_from_them(local_cloud: CloudProcess) -> None:
    local_cloud.advance(20 * 86400)
    before = now(local_cloud)
    create(local_cloud, "r", "rate(6 hours)")
    created = local_cloud.client("scheduler").get_schedule(Name="r")["CreationDate"]
    moments = [at for _, at in fired(local_cloud, 13)]

    assert timedelta(0) <= created - before < timedelta(minutes=5)
    assert len(moments) == 3  # at once, and every six hours
    assert abs(moments[0] - created) < timedelta(seconds=2)
    assert [later - earlier for earlier, later in itertools.pairwise(moments)] == [timedelta(hours=6)] * 2


def test_a_schedule_fires_between_its_dates_and_goes_when_it_is_over(local_cloud: CloudProcess) -> None:
    begin = now(local_cloud).replace(microsecond=0) + timedelta(hours=1)
    scheduler = local_cloud.client("scheduler")
    create(
        local_cloud,
        "window",
        "rate(2 hours)",
        StartDate=begin + timedelta(hours=4),
        EndDate=begin + timedelta(hours=9),
        ActionAfterCompletion="DELETE",
    )
    create(local_cloud, "once", f"at({begin + timedelta(hours=1):%Y-%m-%dT%H:%M:%S})", ActionAfterCompletion="DELETE")
    create(local_cloud, "stays", f"at({begin + timedelta(hours=2):%Y-%m-%dT%H:%M:%S})")

    moments = fired(local_cloud, 20)

    assert [(name, (at - begin) / timedelta(hours=1)) for name, at in moments] == [
        ("once", 1), ("stays", 2), ("window", 4), ("window", 6), ("window", 8),
    ]  # fmt: skip
    assert [item["Name"] for item in scheduler.list_schedules()["Schedules"]] == ["stays"]
    assert fired(local_cloud, 20) == []


def test_every_schedule_of_every_group_fires(local_cloud: CloudProcess) -> None:
    local_cloud.client("scheduler").create_schedule_group(Name="others")
    for number in range(60):
        create(local_cloud, f"many-{number:02}", "cron(0 0 * * ? *)", GroupName="others" if number % 2 else "default")

    assert sorted(name for name, _ in fired(local_cloud, 24)) == [f"many-{number:02}" for number in range(60)]


def test_what_the_local_cloud_lacks_is_refused_by_name_at_create(shared_cloud: CloudProcess, unique: str) -> None:
    for arn, text, lacks in (
        (f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c", "{}", "the templated target ecs"),
        (f"{SDK}chime:createAccount", '{"Name": "n"}', "chime:CreateAccount"),
    ):
        with pytest.raises(ClientError, match=f"does not have {lacks}") as caught:
            create(shared_cloud, unique, "rate(1 days)", Target={**TARGET, "Arn": arn, "Input": text})
        assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_the_same_request_once_more_is_the_same_schedule(shared_cloud: CloudProcess, unique: str) -> None:
    for _ in range(2):
        create(shared_cloud, unique, "rate(300 days)", ClientToken="t")
    with pytest.raises(ClientError) as caught:
        create(shared_cloud, unique, "rate(300 days)", ClientToken="u")

    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert "_token" not in shared_cloud.client("scheduler").get_schedule(Name=unique)
    shared_cloud.client("scheduler").delete_schedule(Name=unique)


def test_one_that_fails_when_its_moment_comes_stops_no_other_and_is_not_fired_again(local_cloud: CloudProcess) -> None:
    job = {**TARGET, "Arn": f"{SDK}sagemaker:createTransformJob", "Input": json.dumps(JOB)}
    queue = local_cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    fine = {**TARGET, "Input": json.dumps({"QueueUrl": queue, "MessageBody": "b"})}
    create(local_cloud, "refused", "rate(1 days)", Target=job)
    create(local_cloud, "fine", "rate(1 days)", Target=fine)

    first = local_cloud.advance(3600)
    second = local_cloud.advance(3600)

    results = {item["name"].rpartition(" ")[2]: item["result"] for item in first}
    assert results.keys() == {"fine", "refused"}
    assert second == []
    assert results["refused"].startswith("ValidationException")
    assert results["fine"] == "sqs SendMessage called"


def test_targets_really_fire_and_what_cannot_be_delivered_is_a_dead_letter(local_cloud: CloudProcess) -> None:
    urls = {name: local_cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("q", "dead")}
    arns = {name: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in urls}
    topic = local_cloud.client("sns").create_topic(Name="t")["TopicArn"]
    local_cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["q"])
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    own = {"EventBridgeParameters": {"Source": "mine", "DetailType": "d"}}
    at, role = f"at({now(local_cloud) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S})", TARGET["RoleArn"]
    letter = {"DeadLetterConfig": {"Arn": arns["dead"]}, "RetryPolicy": {"MaximumRetryAttempts": 2}}
    create(local_cloud, "a", at, Target={"Arn": arns["q"], "RoleArn": role, "Input": "queued"})
    create(local_cloud, "b", at, Target={"Arn": topic, "RoleArn": role, "Input": "published"})
    create(local_cloud, "c", at, Target={"Arn": bus, "RoleArn": role, "Input": '{"is": "event"}', **own})
    create(
        local_cloud, "d", at, Target={**TARGET, "Input": json.dumps({"QueueUrl": urls["q"], "MessageBody": "called"})}
    )
    create(local_cloud, "e", at, Target={**TARGET, **letter})

    results = [item["result"] for item in local_cloud.advance(2 * 3600)]
    texts = [message["Body"] for message in messages(local_cloud, urls["q"])]
    (dead,) = messages(local_cloud, urls["dead"])

    assert results[:4] == [
        f"{call} called" for call in ("sqs SendMessage", "sns Publish", "events PutEvents", "sqs SendMessage")
    ]
    assert len(texts) == 3
    assert {"queued", "called"} <= set(texts)
    assert any('"Message": "published"' in text for text in texts)
    assert dead["Body"] == TARGET["Input"]
    assert "NonExistentQueue" in dead["MessageAttributes"]["ERROR_CODE"]["StringValue"]


def messages(cloud: CloudProcess, queue: str) -> list[Any]:
    """What lies in a queue."""
    sqs = cloud.client("sqs")
    return list(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"])


def test_one_that_an_earlier_one_deletes_is_not_called(local_cloud: CloudProcess) -> None:
    text = json.dumps({"Name": "victim"})
    create(
        local_cloud, "first", "rate(7 days)", Target={**TARGET, "Arn": f"{SDK}scheduler:deleteSchedule", "Input": text}
    )
    create(local_cloud, "victim", "cron(30 * * * ? *)")

    results = [item["result"] for item in local_cloud.advance(3 * 3600)]

    assert results == [
        "scheduler DeleteSchedule called",
        *["not called: the schedule was changed or deleted meanwhile"] * 3,
    ]


def test_a_restart_keeps_dates_and_windows(local_cloud: CloudProcess) -> None:
    create(
        local_cloud,
        "kept",
        "rate(5 days)",
        EndDate=now(local_cloud) + timedelta(days=9),
        ActionAfterCompletion="DELETE",
    )
    before = local_cloud.client("scheduler").get_schedule(Name="kept")
    local_cloud.kill()
    local_cloud.start()
    after = local_cloud.client("scheduler").get_schedule(Name="kept")

    for described in (before, after):
        described.pop("ResponseMetadata")
    assert before == after


def zipped(code: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("f.py", code)
    return out.getvalue()


MODEL = {"ModelName": "scheduled", "PrimaryContainer": {"Image": "i"}, "ExecutionRoleArn": TARGET["RoleArn"]}
FIRE: dict[str, Any] = {
    "eventbridge:putEvents": {"Entries": [{"Source": "mine", "DetailType": "d", "Detail": "{}"}]},
    "lambda:invoke": {"FunctionName": "f", "InvocationType": "Event", "Payload": "{}"},
    "sagemaker:createModel": MODEL,
    "sagemaker:deleteModel": {"ModelName": "gone"},
    "sfn:createStateMachine": {"Name": "m", "Definition": '{"StartAt": "p", "States": {"p": {"Type": "Pass", "End": true}}}', "RoleArn": TARGET["RoleArn"]},
    "sns:publish": {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t", "Message": "published"},
    "sqs:sendMessage": {"QueueUrl": "q", "MessageBody": "sent"},
}  # fmt: skip
"""Universal targets by what their schedules call, in the order in which they are fired."""
REFUSED: dict[str, Any] = {
    "sagemaker:createCompilationJob": {
        "CompilationJobName": "c",
        "RoleArn": TARGET["RoleArn"],
        "OutputConfig": {"S3OutputLocation": "s3://b/c"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    },
    "sfn:startExecution": {"StateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"},
    "sfn:startSyncExecution": {"StateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"},
    "pipes:startPipe": {"Name": "p"},
}
"""Those that nothing here would carry out."""


def test_universal_targets_of_every_listed_service_fire(local_cloud: CloudProcess) -> None:
    sqs, sns = local_cloud.client("sqs"), local_cloud.client("sns")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:q")
    local_cloud.client("sagemaker").create_model(**{**MODEL, "ModelName": "gone"})
    role = local_cloud.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
        "Arn"
    ]
    says = f"import boto3\ndef h(event, context):\n    boto3.client('sqs').send_message(QueueUrl={queue!r}, MessageBody='invoked')\n"
    local_cloud.client("lambda").create_function(
        FunctionName="f", Runtime="python3.11", Handler="f.h", Role=role, Code={"ZipFile": zipped(says)},
        Timeout=60,
    )  # fmt: skip
    at = f"at({now(local_cloud) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S})"
    for name, text in FIRE.items():
        given = json.dumps({**text, "QueueUrl": queue} if "QueueUrl" in text else text)
        create(local_cloud, name.replace(":", "-"), at, Target={**TARGET, "Arn": SDK + name, "Input": given})

    results = [item["result"] for item in local_cloud.advance(2 * 3600)]
    seen: set[str] = set()

    def told() -> bool:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        seen.update(message["Body"] for message in found)
        return {"sent", "invoked"} <= seen

    assert results == [
        "events PutEvents called", "function f: answered", "sagemaker CreateModel called", "sagemaker DeleteModel called",
        "stepfunctions CreateStateMachine called", "sns Publish called", "sqs SendMessage called",
    ]  # fmt: skip
    assert [model["ModelName"] for model in local_cloud.client("sagemaker").list_models()["Models"]] == ["scheduled"]
    until(told, 60)


@pytest.mark.parametrize("name", REFUSED)
def test_universal_targets_that_nobody_would_carry_out_are_refused_at_create(
    shared_cloud: CloudProcess, unique: str, name: str
) -> None:
    with pytest.raises(ClientError) as caught:
        create(
            shared_cloud, unique, "rate(1 days)",
            Target={**TARGET, "Arn": SDK + name, "Input": json.dumps(REFUSED[name])},
        )  # fmt: skip

    service, _, action = name.partition(":")
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    said = {"sfn": "stepfunctions"}.get(service, service)
    assert f"does not have {said}:{action[:1].upper()}{action[1:]}" in caught.value.response["Error"]["Message"]
