"""Lambda by plain boto3: functions from a zip really run, and fail as Lambda's fail.

Source: the Lambda API reference ("Invoke") and Developer Guide (Python handlers, errors, asynchronous invocation, logs).
"""

from __future__ import annotations

import base64
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.ground.processes import tree
from fogbank.testing import CloudProcess
from tests.waiting import until_answer

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SOURCE = """
import json, logging, os, sys, time
import boto3
log = logging.getLogger(__name__)
COUNT = []
def answer(event, context):
    COUNT.append(1)
    print("seen", event)
    log.warning("warned\\nover two lines")
    return {"event": event, "greeting": os.environ.get("GREETING"), "pid": os.getpid(), "count": len(COUNT),
            "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
            "left": context.get_remaining_time_in_millis(), "id": context.aws_request_id, "stream": context.log_stream_name}
def fail(event, context):
    raise ValueError("no " + event["what"])
def leave(event, context):
    sys.exit(3)
def sleep(event, context):
    print("asleep")
    time.sleep(event.get("s", 60))
    return "awake"
def eat(event, context):
    held = bytearray(400 << 20)
    time.sleep(5)
    return len(held)
def odd(event, context):
    return {"a": {1, 2}}
def put(event, context):
    boto3.client("s3").put_object(Bucket=event["bucket"], Key="by-" + context.function_name, Body=json.dumps(event))
    return boto3.client("sts").get_caller_identity()["Arn"]
def child(event, context):
    import subprocess
    return subprocess.Popen(["sleep", "600"]).pid
def note(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="tries/" + context.aws_request_id + "/" + str(time.time()), Body=json.dumps(event))
    if isinstance(event, dict) and event.get("fail"):
        raise RuntimeError("again")
"""


def zipped(source: str = SOURCE, name: str = "app.py") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, source)
    return out.getvalue()


def create(cloud: CloudProcess, name: str, handler: str, **more: Any) -> str:
    """A function's ARN."""
    iam = cloud.client("iam")
    try:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    except ClientError:
        role = iam.get_role(RoleName=name)["Role"]["Arn"]
    given = {"Runtime": "python3.11", "Code": {"ZipFile": zipped()}, "Role": role, "Timeout": 20, **more}
    arn: str = cloud.client("lambda").create_function(FunctionName=name, Handler=handler, **given)["FunctionArn"]
    return arn


def invoke(cloud: CloudProcess, name: str, event: Any = None, **more: Any) -> tuple[Any, dict[str, Any]]:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **more)
    text = answer["Payload"].read()
    return json.loads(text) if text else None, answer


def lines(cloud: CloudProcess, name: str) -> list[str]:
    found = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [event["message"] for event in found]


def test_a_function_runs_with_its_context_its_environment_and_a_log(shared_cloud: CloudProcess, unique: str) -> None:
    arn = create(shared_cloud, unique, "app.answer", Environment={"Variables": {"GREETING": "hello"}})
    said, answer = invoke(shared_cloud, unique, {"x": 1}, LogType="Tail")
    again, _ = invoke(shared_cloud, unique, {"x": 2})
    log = lines(shared_cloud, unique)

    assert (said["event"], said["greeting"], said["name"], said["version"]) == ({"x": 1}, "hello", unique, "$LATEST")
    assert said["arn"] == arn
    assert 15_000 < said["left"] <= 20_000
    assert said["id"] == answer["ResponseMetadata"]["RequestId"]
    assert (answer["StatusCode"], answer["ExecutedVersion"], "FunctionError" in answer) == (200, "$LATEST", False)
    assert (again["pid"], again["count"]) == (said["pid"], 2)
    assert f"START RequestId: {said['id']} Version: $LATEST" in base64.b64decode(answer["LogResult"]).decode()
    assert "seen {'x': 1}" in log
    assert any(line.startswith("[WARNING]") and line.endswith("warned\nover two lines") for line in log)
    assert any(
        line.startswith(f"REPORT RequestId: {said['id']}\tDuration: ") and "Init Duration" in line for line in log
    )
    streams = shared_cloud.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{unique}")["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == [said["stream"]]


def test_what_a_handler_raises_is_lambdas_error(shared_cloud: CloudProcess, unique: str) -> None:
    create(shared_cloud, unique, "app.fail")
    error, answer = invoke(shared_cloud, unique, {"what": "luck"})

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (error["errorMessage"], error["errorType"]) == ("no luck", "ValueError")
    assert error["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert [("in fail" in line, "raise ValueError" in line) for line in error["stackTrace"]] == [(True, True)]
    assert any(line.startswith("[ERROR] ValueError: no luck\nTraceback") for line in lines(shared_cloud, unique))


@pytest.mark.parametrize(
    ("handler", "more", "kind", "message"),
    [
        ("nope.f", {}, "Runtime.ImportModuleError", "Unable to import module 'nope': No module named 'nope'"),
        ("app.nope", {}, "Runtime.HandlerNotFound", "Handler 'nope' missing on module 'app'"),
        ("app", {}, "Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack"),
        (
            "app.f",
            {"Code": {"ZipFile": zipped("def f(:")}},
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app'",
        ),
        ("app.f", {"Code": {"ZipFile": zipped("raise OSError('at once')")}}, "OSError", "at once"),
        ("app.leave", {}, "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        (
            "app.odd",
            {},
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set is not JSON serializable",
        ),
        ("app.sleep", {"Timeout": 1}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("app.eat", {"MemorySize": 128}, "Runtime.ExitError", "Runtime exited with error: signal: killed"),
    ],
)
def test_what_lambda_ends_is_named_as_lambda_names_it(
    shared_cloud: CloudProcess, unique: str, handler: str, more: dict[str, Any], kind: str, message: str
) -> None:
    create(shared_cloud, unique, handler, **more)
    error, answer = invoke(shared_cloud, unique)

    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == kind
    assert message in error["errorMessage"]
    assert any(line.startswith("REPORT") for line in lines(shared_cloud, unique))


def test_invoke_refuses_as_lambda_refuses(shared_cloud: CloudProcess, unique: str) -> None:
    client = shared_cloud.client("lambda")
    create(shared_cloud, unique, "app.answer")
    create(shared_cloud, f"{unique}-node", "index.handler", Runtime="nodejs20.x")
    refused = []
    for call in (
        {"FunctionName": f"{unique}-none"},
        {"FunctionName": unique, "Payload": b"{not json"},
        {"FunctionName": unique, "Qualifier": "9"},
        {"FunctionName": f"{unique}-node"},
        {"FunctionName": unique, "Payload": json.dumps("x" * 6_300_000)},
    ):
        with pytest.raises(ClientError) as error:
            client.invoke(**call)
        refused.append(error.value.response["Error"]["Code"])
    client.put_function_concurrency(FunctionName=unique, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=unique)
    with pytest.raises(ClientError, match="DeadLetterConfig"):
        create(
            shared_cloud, f"{unique}-dead", "app.answer", DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:1:q"}
        )

    assert refused == [
        "ResourceNotFoundException", "InvalidRequestContentException", "ResourceNotFoundException", "NotImplemented",
        "RequestTooLargeException",
    ]  # fmt: skip
    assert client.invoke(FunctionName=unique, InvocationType="DryRun")["StatusCode"] == 204


def test_more_variables_than_lambda_takes_are_refused_when_they_are_declared(
    shared_cloud: CloudProcess, unique: str
) -> None:
    create(shared_cloud, unique, "app.answer", Environment={"Variables": {"A": "x" * 4088}})
    client = shared_cloud.client("lambda")
    for call in (
        lambda given: create(shared_cloud, f"{unique}-more", "app.answer", Environment=given),
        lambda given: client.update_function_configuration(FunctionName=unique, Environment=given),
    ):
        with pytest.raises(ClientError, match=r"InvalidParameterValueException.*exceeded the 4KB limit"):
            call({"Variables": {"A": "x" * 4089}})


def test_code_from_s3_asks_the_cloud_with_its_role(shared_cloud: CloudProcess, s3: Any, unique: str) -> None:
    s3.put_object(Bucket=unique, Key="code.zip", Body=zipped())
    create(shared_cloud, unique, "app.put", Code={"S3Bucket": unique, "S3Key": "code.zip"})
    who, _ = invoke(shared_cloud, unique, {"bucket": unique})

    assert s3.get_object(Bucket=unique, Key=f"by-{unique}")["Body"].read() == json.dumps({"bucket": unique}).encode()
    assert f":assumed-role/{unique}/" in who


def test_versions_and_aliases_run_what_they_name_and_layers_are_there(shared_cloud: CloudProcess, unique: str) -> None:
    client = shared_cloud.client("lambda")
    layer = client.publish_layer_version(
        LayerName=unique, Content={"ZipFile": zipped("WORD = 'from the layer'", "python/extra.py")}
    )["LayerVersionArn"]
    code = "import extra\ndef f(e, c):\n    return [%d, c.function_version, extra.WORD]\n"
    create(shared_cloud, unique, "app.f", Code={"ZipFile": zipped(code % 1)}, Layers=[layer])
    first = client.publish_version(FunctionName=unique)["Version"]
    client.create_alias(FunctionName=unique, Name="live", FunctionVersion=first)
    client.update_function_code(FunctionName=unique, ZipFile=zipped(code % 2))

    assert invoke(shared_cloud, unique)[0] == [2, "$LATEST", "from the layer"]
    assert invoke(shared_cloud, unique, Qualifier="live")[0] == [1, first, "from the layer"]
    assert invoke(shared_cloud, f"{unique}:{first}")[0] == [1, first, "from the layer"]


def test_events_are_tried_again_on_the_clouds_clock_and_end_at_the_destination(local_cloud: CloudProcess) -> None:
    s3, sqs = local_cloud.client("s3"), local_cloud.client("sqs")
    s3.create_bucket(Bucket="bkt")
    queue = sqs.create_queue(QueueName="failed")["QueueUrl"]
    create(local_cloud, "f", "app.note", Environment={"Variables": {"BUCKET": "bkt"}})
    local_cloud.client("lambda").put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:failed"}}
    )
    answer = local_cloud.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload='{"fail": 1}')
    request = answer["ResponseMetadata"]["RequestId"]

    def tries() -> int:
        return int(s3.list_objects_v2(Bucket="bkt", Prefix=f"tries/{request}")["KeyCount"])

    assert answer["StatusCode"] == 202
    until_answer(tries, lambda n: n == 1)
    local_cloud.advance(61)
    assert tries() == 2
    local_cloud.advance(600)
    assert tries() == 3
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert (record["requestContext"]["approximateInvokeCount"], record["requestPayload"]) == (3, {"fail": 1})
    assert record["responsePayload"]["errorMessage"] == "again"


def test_topics_and_schedules_reach_functions(local_cloud: CloudProcess) -> None:
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="bkt")
    arn = create(local_cloud, "f", "app.note", Environment={"Variables": {"BUCKET": "bkt"}})
    sns = local_cloud.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn, ReturnSubscriptionArn=True)
    published = sns.publish(
        TopicArn=topic, Message="m", Subject="s", MessageAttributes={"a": {"DataType": "String", "StringValue": "1"}}
    )
    keys = until_answer(lambda: s3.list_objects_v2(Bucket="bkt").get("Contents", []), lambda found: len(found) == 1)
    [record] = json.loads(s3.get_object(Bucket="bkt", Key=keys[0]["Key"])["Body"].read())["Records"]
    target = {
        "Arn": arn,
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
    }
    local_cloud.client("scheduler").create_schedule(
        Name="n", ScheduleExpression="rate(1 hours)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    local_cloud.advance(10)
    [fired] = local_cloud.advance(3600)

    assert record["EventSubscriptionArn"] == subscription["SubscriptionArn"]
    assert (record["Sns"]["MessageId"], record["Sns"]["TopicArn"]) == (published["MessageId"], topic)
    assert (record["Sns"]["Message"], record["Sns"]["Subject"]) == ("m", "s")
    assert record["Sns"]["MessageAttributes"] == {"a": {"Type": "String", "Value": "1"}}
    assert fired["result"] == "function f: answered"
    assert s3.list_objects_v2(Bucket="bkt")["KeyCount"] == 3


def test_a_buckets_notifications_reach_functions(shared_cloud: CloudProcess, s3: Any, unique: str) -> None:
    out = f"{unique}-out"
    s3.create_bucket(Bucket=out)
    arn = create(shared_cloud, unique, "app.note", Environment={"Variables": {"BUCKET": out}})
    rule = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=unique, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
    )
    s3.put_object(Bucket=unique, Key="new.csv", Body=b"1,2")
    [key] = until_answer(lambda: s3.list_objects_v2(Bucket=out).get("Contents", []), lambda found: len(found) == 1)
    [record] = json.loads(s3.get_object(Bucket=out, Key=key["Key"])["Body"].read())["Records"]

    assert (record["eventName"], record["s3"]["object"]["key"]) == ("ObjectCreated:Put", "new.csv")


def test_a_queues_messages_are_done_when_the_function_has_answered(shared_cloud: CloudProcess, unique: str) -> None:
    source = """
def f(event, context):
    print("got", [record["body"] for record in event["Records"]])
    bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    if any(record["body"] == "worse" for record in event["Records"]):
        raise ValueError("worse")
    return {"batchItemFailures": [{"itemIdentifier": item} for item in bad]}
"""
    sqs = shared_cloud.client("sqs")
    dead = sqs.create_queue(QueueName=f"{unique}-dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:123456789012:{unique}-dead", "maxReceiveCount": 2}
    url = sqs.create_queue(
        QueueName=unique, Attributes={"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)}
    )["QueueUrl"]
    create(shared_cloud, unique, "app.f", Code={"ZipFile": zipped(source)})
    shared_cloud.client("lambda").create_event_source_mapping(
        FunctionName=unique, EventSourceArn=f"arn:aws:sqs:us-east-1:123456789012:{unique}", BatchSize=2,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    for body in ("good", "bad", "worse"):
        sqs.send_message(QueueUrl=url, MessageBody=body)

    def left() -> list[int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = [sqs.get_queue_attributes(QueueUrl=each, AttributeNames=names)["Attributes"] for each in (url, dead)]
        return [sum(int(value) for value in count.values()) for count in counts]

    until_answer(left, lambda counts: counts == [0, 2])
    buried = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    with pytest.raises(ClientError, match="FilterCriteria"):
        shared_cloud.client("lambda").create_event_source_mapping(
            FunctionName=unique, EventSourceArn=f"arn:aws:sqs:us-east-1:123456789012:{unique}",
            FilterCriteria={"Filters": [{"Pattern": "{}"}]},
        )  # fmt: skip

    assert sorted(message["Body"] for message in buried) == ["bad", "worse"]


def test_a_killed_cloud_leaves_no_process_and_answers_the_events_that_it_had_taken(local_cloud: CloudProcess) -> None:
    local_cloud.client("s3").create_bucket(Bucket="bkt")
    create(local_cloud, "c", "app.child")
    create(local_cloud, "s", "app.sleep")
    create(local_cloud, "n", "app.note", Environment={"Variables": {"BUCKET": "bkt"}})
    invoke(local_cloud, "c")
    started = [pid for pid in tree(local_cloud.address.pid) if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(started) == 1
    client = local_cloud.client("lambda")
    client.put_function_concurrency(FunctionName="n", ReservedConcurrentExecutions=0)
    client.invoke(FunctionName="n", InvocationType="Event", Payload='{"kept": true}')
    local_cloud.kill()
    until_answer(lambda: _runs(started[0]), lambda runs: not runs)
    local_cloud.start()
    local_cloud.client("lambda").delete_function_concurrency(FunctionName="n")
    local_cloud.advance(600)

    assert local_cloud.client("s3").list_objects_v2(Bucket="bkt")["KeyCount"] == 1
    assert invoke(local_cloud, "s", {"s": 0})[0] == "awake"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("big", "w") as member:
        for _ in range(251):
            member.write(bytes(1 << 20))
    return out.getvalue()


def test_what_lambda_refuses_of_a_function_is_refused_when_it_is_made(shared_cloud: CloudProcess, unique: str) -> None:
    client = shared_cloud.client("lambda")
    for more in (
        {"Code": {"ZipFile": b"no zip"}},
        {"Code": {"ZipFile": bomb()}},
        {"Environment": {"Variables": {"AWS_REGION": "eu-west-1"}}},
        {"Environment": {"Variables": {"A": "x" * 4096}}},
        {"Timeout": 901},
    ):
        with pytest.raises(ClientError, match="InvalidParameterValueException"):
            create(shared_cloud, unique, "app.answer", **more)
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            client.get_function(FunctionName=unique)
    create(shared_cloud, unique, "app.answer")
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        client.update_function_code(FunctionName=unique, ZipFile=b"no zip")
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        client.update_function_configuration(FunctionName=unique, Environment={"Variables": {"LAMBDA_TASK_ROOT": "/"}})
    assert not invoke(shared_cloud, unique, {"x": 1})[0].get("FunctionError")
