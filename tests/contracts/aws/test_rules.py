"""EventBridge's rules by plain boto3: by pattern and by schedule, to every target that the cloud reaches.

Source: the EventBridge API reference (PutRule, PutTargets, PutEvents) and User Guide (patterns, schedules, input transformation, dead letters).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.test_lambda import create, lines
from tests.waiting import until_answer

REGION, ACCOUNT = "us-east-1", "123456789012"


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def queue(cloud: CloudProcess, name: str) -> str:
    url: str = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url


def received(cloud: CloudProcess, url: str, wait_s: int = 5) -> list[str]:
    answer = cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=wait_s, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def put(cloud: CloudProcess, name: str, pattern: dict[str, Any], *targets: dict[str, Any], **more: Any) -> None:
    events = cloud.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern), **more)
    ids = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    assert events.put_targets(Rule=name, Targets=ids, **more)["FailedEntryCount"] == 0


def send(cloud: CloudProcess, source: str, detail: dict[str, Any], **more: Any) -> str:
    entry = {"Source": source, "DetailType": "order", "Detail": json.dumps(detail), **more}
    [told] = cloud.client("events").put_events(Entries=[entry])["Entries"]
    return str(told["EventId"])


def test_one_event_reaches_queues_topics_functions_and_logs(shared_cloud: CloudProcess, unique: str) -> None:
    url = queue(shared_cloud, unique)
    by_topic = queue(shared_cloud, f"{unique}-t")
    topic = shared_cloud.client("sns").create_topic(Name=unique)["TopicArn"]
    shared_cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", f"{unique}-t"))
    function = create(shared_cloud, unique, "app.answer")
    shared_cloud.client("logs").create_log_group(logGroupName=f"/aws/events/{unique}")
    put(
        shared_cloud,
        unique,
        {"source": [unique], "detail": {"state": [{"anything-but": "draft"}], "n": [{"numeric": [">", 1]}]}},
        {"Arn": arn("sqs", unique)},
        {"Arn": topic, "InputPath": "$.detail.n"},
        {
            "Arn": function,
            "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"number": <n>}'},
        },
        {"Arn": arn("logs", f"log-group:/aws/events/{unique}")},
    )
    send(shared_cloud, unique, {"state": "draft", "n": 5})
    send(shared_cloud, unique, {"state": "sent", "n": 1})
    event_id = send(
        shared_cloud, unique, {"state": "sent", "n": 5}, Resources=["r"], Time=datetime(2027, 1, 2, 3, tzinfo=UTC)
    )
    [event] = [json.loads(body) for body in received(shared_cloud, url)]
    [notice] = [json.loads(body) for body in received(shared_cloud, by_topic)]
    logged = shared_cloud.client("logs").filter_log_events(logGroupName=f"/aws/events/{unique}")["events"]
    seen = until_answer(lambda: [line for line in _lines(shared_cloud, unique) if line.startswith("seen")], bool)

    assert event == {
        "version": "0", "id": event_id, "detail-type": "order", "source": unique, "account": ACCOUNT, "time": "2027-01-02T03:00:00Z",
        "region": REGION, "resources": ["r"], "detail": {"state": "sent", "n": 5},
    }  # fmt: skip
    assert (notice["TopicArn"], notice["Message"]) == (topic, "5")
    assert seen == ["seen {'number': 5}"]
    assert [json.loads(item["message"])["id"] for item in logged] == [event_id]


def _lines(cloud: CloudProcess, name: str) -> list[str]:
    try:
        return lines(cloud, name)
    except ClientError:
        return []


def test_disabled_rules_are_still_and_buses_forward_once(shared_cloud: CloudProcess, unique: str) -> None:
    events = shared_cloud.client("events")
    url, still = queue(shared_cloud, unique), queue(shared_cloud, f"{unique}-still")
    other = events.create_event_bus(Name=unique)["EventBusArn"]
    put(shared_cloud, unique, {"source": [unique]}, {"Arn": other})
    put(shared_cloud, f"{unique}-still", {"source": [unique]}, {"Arn": arn("sqs", f"{unique}-still")})
    events.disable_rule(Name=f"{unique}-still")
    put(
        shared_cloud,
        "forwarded",
        {"source": [unique]},
        {"Arn": arn("sqs", unique)},
        {"Arn": other},
        EventBusName=unique,
    )
    event_id = send(shared_cloud, unique, {"n": 1})

    assert [json.loads(body)["id"] for body in received(shared_cloud, url)] == [event_id]
    assert received(shared_cloud, still, 0) == received(shared_cloud, url, 0) == []


def test_what_cannot_be_delivered_is_a_dead_letter_and_the_other_targets_have_it(
    shared_cloud: CloudProcess, unique: str
) -> None:
    url, dead = queue(shared_cloud, unique), queue(shared_cloud, f"{unique}-dead")
    letters = {"DeadLetterConfig": {"Arn": arn("sqs", f"{unique}-dead")}}
    put(
        shared_cloud,
        unique,
        {"source": [unique]},
        {"Arn": arn("lambda", "function:none"), **letters},
        {"Arn": arn("sqs", "no-such-queue"), **letters},
        {"Arn": arn("sqs", unique)},
    )
    send(shared_cloud, unique, {})
    answer = shared_cloud.client("sqs").receive_message(
        QueueUrl=dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=5
    )
    facts = [{name: value["StringValue"] for name, value in m["MessageAttributes"].items()} for m in answer["Messages"]]

    assert len(received(shared_cloud, url)) == 1
    assert sorted(fact["TARGET_ARN"] for fact in facts) == [arn("lambda", "function:none"), arn("sqs", "no-such-queue")]
    assert {fact["RULE_ARN"] for fact in facts} == {arn("events", f"rule/{unique}")}
    assert {fact["ERROR_CODE"] for fact in facts} >= {"ResourceNotFoundException"}


def test_archives_keep_what_is_put(shared_cloud: CloudProcess, unique: str) -> None:
    events = shared_cloud.client("events")
    events.create_archive(
        ArchiveName=unique,
        EventSourceArn=arn("events", "event-bus/default"),
        EventPattern=json.dumps({"source": [unique]}),
    )
    send(shared_cloud, unique, {"a": 1})

    assert events.describe_archive(ArchiveName=unique)["EventCount"] == 1


def test_what_the_cloud_does_not_reach_is_refused_by_name(shared_cloud: CloudProcess, unique: str) -> None:
    events = shared_cloud.client("events")
    events.put_rule(Name=unique, EventPattern=json.dumps({"source": [unique]}))
    refused = {}
    for target in (arn("sagemaker", "pipeline/p"), arn("states", "stateMachine:s"), arn("ecs", "cluster/c")):
        with pytest.raises(ClientError) as error:
            events.put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": target}])
        refused[target.split(":")[2]] = error.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match="ScheduleExpression is not valid"):
        events.put_rule(Name=unique, ScheduleExpression="cron(0 25 * * ? *)")

    assert all(f"targets of {service}" in message for service, message in refused.items())
    assert events.list_targets_by_rule(Rule=unique)["Targets"] == []


def test_rules_by_schedule_fire_on_the_clouds_clock_and_are_reported(local_cloud: CloudProcess) -> None:
    events = local_cloud.client("events")
    url = queue(local_cloud, "q")
    function = create(local_cloud, "f", "app.answer")
    for name, expression in (("hourly", "rate(1 hour)"), ("nightly", "cron(0 2 * * ? *)"), ("off", "rate(5 minutes)")):
        events.put_rule(Name=name, ScheduleExpression=expression, State="DISABLED" if name == "off" else "ENABLED")
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn("sqs", "q")}])
    events.put_targets(Rule="nightly", Targets=[{"Id": "2", "Arn": function, "Input": '{"night": true}'}])
    fired = local_cloud.advance(86_400)
    again = local_cloud.advance(1800)
    names = [item["name"].removeprefix("EventBridge rule ") for item in fired]
    [night] = [item for item in fired if item["name"].endswith("nightly")]

    assert names.count("hourly") == 24
    assert [item for item in again if item["name"].endswith("hourly")] == []
    assert night["result"] == "sqs SendMessage called; function f: answered"
    assert night["at"].endswith("02:00:00+00:00")
    event = json.loads(received(local_cloud, url)[0])
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"] == [arn("events", "rule/hourly")] or event["resources"] == [arn("events", "rule/nightly")]
    assert "seen {'night': True}" in lines(local_cloud, "f")
    tags = [{"Key": "team", "Value": "t"}]
    events.tag_resource(ResourceARN=arn("events", "rule/hourly"), Tags=tags)
    tagged = local_cloud.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["events:rule"])
    assert tagged["ResourceTagMappingList"] == [{"ResourceARN": arn("events", "rule/hourly"), "Tags": tags}]
    status, code = local_cloud.admin.call("status"), local_cloud.folder / "functions" / "code"
    assert status["rules"] == {"hourly": "ENABLED", "nightly": "ENABLED", "off": "DISABLED"}
    assert (status["functions"], len(list(code.iterdir()))) == ({"f": "Active"}, 1)
    local_cloud.admin.call("reset")
    status = local_cloud.admin.call("status")
    assert (status["rules"], status["functions"], code.exists()) == ({}, {}, False)


def test_a_restart_sends_no_event_again_and_keeps_the_anchor(local_cloud: CloudProcess) -> None:
    events = local_cloud.client("events")
    url = queue(local_cloud, "q")
    put(local_cloud, "p", {"source": ["s"]}, {"Arn": arn("sqs", "q")})
    events.put_rule(Name="six", ScheduleExpression="rate(6 hours)")
    send(local_cloud, "s", {"n": 1})
    local_cloud.advance(4 * 3600)
    local_cloud.kill()
    local_cloud.start()
    bodies = received(local_cloud, url)
    local_cloud.client("sqs").purge_queue(QueueUrl=url)  # what was received is there again when its timeout has passed
    fired = local_cloud.advance(3 * 3600)

    assert [json.loads(body)["detail"] for body in bodies] == [{"n": 1}]
    assert received(local_cloud, url, 0) == []
    assert [item["result"] for item in fired] == ["no targets"]


def test_a_flexible_window_is_drawn_within_it_and_the_same_each_time(local_cloud: CloudProcess) -> None:
    queue(local_cloud, "q")
    target = {
        "Arn": arn("sqs", "q"),
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
        "Input": "<aws.scheduler.scheduled-time>",
    }
    local_cloud.client("scheduler").create_schedule(
        Name="f", ScheduleExpression="cron(0 * * * ? *)", Target=target,
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
    )  # fmt: skip
    local_cloud.advance(60)
    fired = [datetime.fromisoformat(item["at"]) for item in local_cloud.advance(10 * 3600)]
    minutes = [at.minute + at.second / 60 for at in fired]

    assert 9 <= len(fired) <= 11
    assert all(0 <= minute < 15 for minute in minutes)
    assert len(set(minutes)) > 5


def test_a_bus_with_a_rule_to_a_topic_takes_a_schedules_events(local_cloud: CloudProcess) -> None:
    topic = local_cloud.client("sns").create_topic(Name="t")["TopicArn"]
    url = queue(local_cloud, "q")
    local_cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "q"))
    put(local_cloud, "r", {"source": ["mine"]}, {"Arn": topic})
    target = {
        "Arn": arn("events", "event-bus/default"), "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "Input": '{"k": 1}',
        "EventBridgeParameters": {"Source": "mine", "DetailType": "d"},
    }  # fmt: skip
    local_cloud.client("scheduler").create_schedule(
        Name="s", ScheduleExpression="rate(1 hours)", Target=target, FlexibleTimeWindow={"Mode": "OFF"}
    )
    local_cloud.advance(3500)
    [message] = received(local_cloud, url)

    assert json.loads(json.loads(message)["Message"])["detail"] == {"k": 1}


@pytest.mark.parametrize(
    "expression", ["rate(1 minutes)", "rate(1 hours)", "rate(5 minute)", "rate(2 day)", "rate(0 minutes)"]
)
def test_a_rates_number_and_unit_go_together(shared_cloud: CloudProcess, unique: str, expression: str) -> None:
    events = shared_cloud.client("events")
    with pytest.raises(ClientError, match="ValidationException"):
        events.put_rule(Name=unique, ScheduleExpression=expression)
    events.put_rule(Name=unique, ScheduleExpression="rate(1 minute)", State="DISABLED")


@pytest.mark.parametrize(
    "inputs", [{"Input": "{"}, {"Input": "plain"}, {"Input": "{}", "InputPath": "$.detail"}]
)  # fmt: skip
def test_a_target_has_one_input_which_is_json(shared_cloud: CloudProcess, unique: str, inputs: dict[str, str]) -> None:
    events = shared_cloud.client("events")
    events.put_rule(Name=unique, EventPattern=json.dumps({"source": [unique]}))
    with pytest.raises(ClientError, match="ValidationException"):
        events.put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": arn("sqs", unique), **inputs}])
    assert events.list_targets_by_rule(Rule=unique)["Targets"] == []


def test_aws_own_sources_and_details_that_are_no_objects_are_refused_entry_by_entry(
    shared_cloud: CloudProcess, unique: str
) -> None:
    url = queue(shared_cloud, unique)
    put(shared_cloud, unique, {"source": [unique, "aws.sagemaker"]}, {"Arn": arn("sqs", unique)})
    entries = [
        {"Source": "aws.sagemaker", "DetailType": "d", "Detail": "{}"},
        {"Source": unique, "DetailType": "d", "Detail": '{"n": 1}'},
        *({"Source": unique, "DetailType": "d", "Detail": detail} for detail in ("[1]", '"text"', "1", "null", "{")),
    ]
    answer = shared_cloud.client("events").put_events(Entries=entries)
    [foreign, taken, *malformed] = answer["Entries"]

    assert answer["FailedEntryCount"] == 6
    assert foreign == {
        "ErrorCode": "NotAuthorizedForSourceException",
        "ErrorMessage": "Not authorized for the source.",
    }
    assert list(taken) == ["EventId"]
    assert malformed == [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}] * 5
    [event] = received(shared_cloud, url)
    assert (json.loads(event)["id"], json.loads(event)["detail"]) == (taken["EventId"], {"n": 1})
    alone = shared_cloud.client("events").put_events(Entries=entries[:1])
    assert (alone["FailedEntryCount"], len(alone["Entries"])) == (1, 1)
    assert received(shared_cloud, url, 0) in ([], [event])
