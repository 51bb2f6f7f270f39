"""IAM enforced: what a role's policies do not let it do fails here as there, by plain boto3 against a cloud of --enforce-iam.

Source: the IAM User Guide ("Policy evaluation logic"), the SageMaker Developer Guide ("SageMaker AI Roles").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.contracts.aws.test_lambda import zipped
from tests.contracts.aws.test_scaling import Scaled
from tests.waiting import until_answer

ACCOUNT = "123456789012"
SOURCE = """
import boto3
def read(event, context):
    return boto3.client("s3").get_object(Bucket="bkt", Key="k")["Body"].read().decode()
def model(event, context):
    return boto3.client("sagemaker").create_model(ModelName=event["name"], ExecutionRoleArn=event["role"],
        PrimaryContainer={"Image": "i"})["ModelArn"]
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud that enforces IAM, with a bucket that has one object."""
    cloud = CloudProcess(tmp_path_factory.mktemp("strict"), enforce_iam=True)
    cloud.start()
    try:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="bkt")
        s3.put_object(Bucket="bkt", Key="k", Body=b"read")
        yield cloud
    finally:
        cloud.stop()


def role(cloud: CloudProcess, name: str, service: str, *statements: tuple[str, str]) -> str:
    """A role that a service may assume, with a policy of (action, resource) of its own."""
    trust = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ]
    }
    arn: str = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        allow(cloud, name, *statements)
    return arn


def allow(cloud: CloudProcess, name: str, *statements: tuple[str, str], effect: str = "Allow") -> None:
    said = [{"Effect": effect, "Action": action, "Resource": resource} for action, resource in statements]
    document = json.dumps({"Version": "2012-10-17", "Statement": said})
    cloud.client("iam").put_role_policy(RoleName=name, PolicyName=f"own-{effect}", PolicyDocument=document)


def function(cloud: CloudProcess, name: str, handler: str, role_arn: str) -> None:
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler=handler,
        Role=role_arn,
        Timeout=30,
        Code={"ZipFile": zipped(SOURCE)},
    )


def called(cloud: CloudProcess, name: str, event: Any = None) -> tuple[Any, bool]:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
    return json.loads(answer["Payload"].read()), "FunctionError" in answer


def test_a_function_reads_what_its_role_may_read(strict: CloudProcess, unique: str) -> None:
    function(strict, unique, "app.read", role(strict, unique, "lambda"))
    before, failed = called(strict, unique)
    allow(strict, unique, ("s3:GetObject", "arn:aws:s3:::bkt/*"))
    after, _ = called(strict, unique)
    allow(strict, unique, ("s3:*", "arn:aws:s3:::bkt/k"), effect="Deny")
    denied, _ = called(strict, unique)

    assert failed
    assert "(AccessDenied)" in before["errorMessage"]
    assert f":assumed-role/{unique}/" in before["errorMessage"]
    assert "no identity-based policy allows the s3:GetObject action" in before["errorMessage"]
    assert after == "read"
    assert "explicit deny in an identity-based policy" in denied["errorMessage"]


def test_a_buckets_own_policy_lets_a_role_in(strict: CloudProcess, unique: str) -> None:
    arn = role(strict, unique, "lambda")
    function(strict, unique, "app.read", arn)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": arn},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bkt/*",
    }
    strict.client("s3").put_bucket_policy(Bucket="bkt", Policy=json.dumps({"Statement": [statement]}))
    let_in, _ = called(strict, unique)
    strict.client("s3").delete_bucket_policy(Bucket="bkt")

    assert let_in == "read"
    assert called(strict, unique)[1]


def test_a_role_is_passed_by_who_may_pass_it(strict: CloudProcess, unique: str) -> None:
    passed = role(strict, f"{unique}-model", "sagemaker")
    function(strict, unique, "app.model", role(strict, unique, "lambda", ("sagemaker:CreateModel", "*")))
    event = {"name": unique, "role": passed}
    before, failed = called(strict, unique, event)
    allow(strict, unique, ("sagemaker:CreateModel", "*"), ("iam:PassRole", passed))
    after, _ = called(strict, unique, event)

    assert failed
    assert f"not authorized to perform: iam:PassRole on resource: {passed}" in before["errorMessage"]
    assert after.endswith(f":model/{unique.lower()}")


def test_a_role_that_the_service_may_not_assume_is_refused_at_once(strict: CloudProcess, unique: str) -> None:
    theirs = role(strict, unique, "ec2")
    container = {"Image": "i"}
    with pytest.raises(ClientError, match="Could not assume role"):
        strict.client("sagemaker").create_model(ModelName=unique, ExecutionRoleArn=theirs, PrimaryContainer=container)
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        strict.client("scheduler").create_schedule(
            Name=unique, ScheduleExpression="rate(1 hours)", FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "RoleArn": theirs},
        )  # fmt: skip
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        function(strict, unique, "app.read", theirs)


def test_a_service_assumes_a_role_for_its_own_account(strict: CloudProcess, unique: str) -> None:
    iam, sagemaker = strict.client("iam"), strict.client("sagemaker")
    made = {}
    for account in (ACCOUNT, "999999999999"):
        condition = {"StringEquals": {"aws:SourceAccount": account}}
        statement = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Statement": [{**statement, "Condition": condition}]})
        made[account] = iam.create_role(RoleName=f"{unique}-{account}", AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    sagemaker.create_model(ModelName=unique, ExecutionRoleArn=made.pop(ACCOUNT), PrimaryContainer={"Image": "i"})
    [another] = made.values()
    with pytest.raises(ClientError, match="Could not assume role"):
        sagemaker.create_model(ModelName=f"{unique}-b", ExecutionRoleArn=another, PrimaryContainer={"Image": "i"})


def test_a_model_is_fetched_and_scored_over_by_its_role(
    strict: CloudProcess, unique: str, fogbank_project: ProjectConfig
) -> None:
    s3, sagemaker = strict.client("s3"), strict.client("sagemaker")
    s3.put_object(Bucket="bkt", Key="m.tar.gz", Body=load_manifest(fogbank_project.package).artifact_path.read_bytes())
    s3.put_object(Bucket="bkt", Key="in/a.csv", Body=(fogbank_project.trained / "sample.csv").read_bytes())
    container = {
        "Image": "i",
        "ModelDataUrl": "s3://bkt/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    arn = role(strict, unique, "sagemaker", ("s3:ListBucket", "arn:aws:s3:::bkt"))
    sagemaker.create_model(ModelName=unique, ExecutionRoleArn=arn, PrimaryContainer=container)

    def transformed(name: str) -> dict[str, Any]:
        sagemaker.create_transform_job(
            TransformJobName=name, ModelName=unique,
            TransformInput={
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bkt/in/"}}, "ContentType": "text/csv",
                "SplitType": "Line",
            },
            TransformOutput={"S3OutputPath": "s3://bkt/out"}, TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )  # fmt: skip
        return until_answer(
            lambda: sagemaker.describe_transform_job(TransformJobName=name),
            lambda job: job["TransformJobStatus"] != "InProgress",
        )

    nothing = transformed(f"{unique}-0")
    read = ("s3:GetObject", "arn:aws:s3:::bkt/*")
    allow(strict, unique, ("s3:ListBucket", "arn:aws:s3:::bkt"), read)
    unwritten = transformed(f"{unique}-1")
    allow(strict, unique, ("s3:ListBucket", "arn:aws:s3:::bkt"), read, ("s3:PutObject", "arn:aws:s3:::bkt/out/*"))
    whole = transformed(f"{unique}-2")

    assert nothing["TransformJobStatus"] == "Failed"
    assert "s3:GetObject" in nothing["FailureReason"] or "Forbidden" in nothing["FailureReason"]
    assert unwritten["TransformJobStatus"] == "Failed"
    assert "s3:PutObject" in unwritten["FailureReason"]
    assert whole["TransformJobStatus"] == "Completed", whole


def test_a_schedule_does_what_its_role_may_do_and_a_rule_what_its_target_lets(
    strict: CloudProcess, unique: str
) -> None:
    sqs = strict.client("sqs")
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{unique}"
    arn = role(strict, unique, "scheduler")
    strict.client("scheduler").create_schedule(
        Name=unique,
        ScheduleExpression="cron(30 * * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue, "RoleArn": arn},
    )
    events = strict.client("events")
    events.put_rule(Name=unique, EventPattern=json.dumps({"source": [unique]}))
    events.put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": queue}])

    def fired() -> str:
        [result] = {item["result"] for item in strict.advance(3600) if item["name"].endswith(unique)}
        return result

    def put() -> int:
        events.put_events(Entries=[{"Source": unique, "DetailType": "d", "Detail": "{}"}])
        return len(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []))

    refused, unsent = fired(), put()
    allow(strict, unique, ("sqs:SendMessage", queue))
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{unique}"}},
    }  # fmt: skip
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    )

    assert "not authorized to perform: sqs:SendMessage" in refused
    assert unsent == 0
    assert put() == 1
    assert fired() == "sqs SendMessage called"


def test_policies_are_tried_in_place_of_those_that_are_there_for_the_user_too_and_calls_are_told(
    strict: CloudProcess, unique: str
) -> None:
    """What `fogbank iam prove` stands on."""
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}
    function(strict, unique, "app.read", role(strict, unique, "lambda"))
    try:
        strict.admin.call(
            "iam",
            record=True,
            policies={
                "user": json.dumps(
                    {"Statement": [{**reading, "Action": ["s3:GetObject", "lambda:InvokeFunction"], "Resource": "*"}]}
                ),
                f"{unique[:-1]}*": json.dumps({"Statement": [reading]}),
            },
        )
        assert strict.client("s3").get_object(Bucket="bkt", Key="k")["Body"].read() == b"read"
        assert called(strict, unique) == ("read", False), "the role has no policy but the one that is tried"
        with pytest.raises(ClientError, match="user/fogbank-local is not authorized to perform: s3:PutObject"):
            strict.client("s3").put_object(Bucket="bkt", Key="new", Body=b"")
    finally:
        told = strict.admin.call("iam", record=False, policies={})["calls"]

    seen = {(call["principal"], call["action"], call["denied"]) for call in told}
    assert {("user", "s3:GetObject", False), (unique, "s3:GetObject", False), ("user", "s3:PutObject", True)} <= seen
    strict.client("s3").put_object(Bucket="bkt", Key="new", Body=b"")


def test_who_registers_a_variant_or_deletes_it_is_asked_for_more_than_the_call(
    strict: CloudProcess, unique: str
) -> None:
    """Application Auto Scaling tries its caller's permissions; SageMaker deregisters as who deletes."""
    role(strict, ROLE.rpartition("/")[2], "sagemaker", ("s3:*", "*"))
    scaled = Scaled(strict, unique)
    scaled.endpoint()
    registering = ["application-autoscaling:RegisterScalableTarget", "sagemaker:Describe*", "iam:PassRole"]
    needed = ["sagemaker:UpdateEndpointWeightsAndCapacities", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"]
    needed.append("cloudwatch:DescribeAlarms")

    def may(*actions: str, resource: str = "*") -> None:
        statement = {"Effect": "Allow", "Action": [*actions], "Resource": resource}
        strict.admin.call("iam", record=False, policies={"user": json.dumps({"Statement": [statement]})})

    try:
        may(*registering, *needed[1:])
        with pytest.raises(
            ClientError,
            match=r"ValidationException.*missing the following permissions: sagemaker:UpdateEndpointWeightsAndCapacities$",
        ):
            scaled.register()
        may(*registering, *needed)
        scaled.register()
        may("sagemaker:DeleteEndpoint")
        with pytest.raises(
            ClientError, match="does not have application-autoscaling:DeregisterScalableTarget permission"
        ):
            scaled.sagemaker.delete_endpoint(EndpointName=unique)
        may("sagemaker:DeleteEndpoint", "application-autoscaling:DeregisterScalableTarget")
        scaled.sagemaker.delete_endpoint(EndpointName=unique)
    finally:
        strict.admin.call("iam", record=False, policies={})
    assert scaled.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_the_user_may_do_everything_and_another_cloud_enforces_nothing(
    strict: CloudProcess, shared_cloud: CloudProcess, unique: str
) -> None:
    assert strict.client("s3").get_object(Bucket="bkt", Key="k")["Body"].read() == b"read"
    assert strict.admin.call("status")["enforce_iam"] is True
    assert shared_cloud.admin.call("status")["enforce_iam"] is False
    shared_cloud.client("sagemaker").create_model(
        ModelName=unique, ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/not-there", PrimaryContainer={"Image": "i"}
    )


def test_conditions_on_what_s3_is_asked_hold(strict: CloudProcess, unique: str) -> None:
    """A prefix that may be listed, encryption that must be asked for, a time until which it may be."""
    source = """
import boto3
def f(event, context):
    call = getattr(boto3.client("s3"), event.pop("call"))
    call(Bucket="bkt", **event)
"""
    arn = role(strict, unique, "lambda")
    strict.client("lambda").create_function(
        FunctionName=unique, Runtime="python3.11", Role=arn, Handler="app.f", Code={"ZipFile": zipped(source)}
    )
    statements = [
        {
            "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bkt",
            "Condition": {"StringLike": {"s3:prefix": ["home/*"]}, "DateLessThan": {"aws:CurrentTime": "2126-01-01T00:00:00Z"}},
        },
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/*"},
        {
            "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*",
            "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}},
        },
    ]  # fmt: skip
    strict.client("iam").put_role_policy(
        RoleName=unique, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )

    def may(call: str, **given: str) -> bool:
        return not called(strict, unique, {"call": call, **given})[1]

    assert may("list_objects_v2", Prefix="home/a")
    assert not may("list_objects_v2", Prefix="other")
    assert not may("list_objects_v2")
    assert may("put_object", Key="sealed", ServerSideEncryption="AES256")
    assert not may("put_object", Key="open")


def test_a_role_that_was_assumed_is_that_role_after_a_kill(tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path, enforce_iam=True)
    cloud.start()
    try:
        cloud.client("s3").create_bucket(Bucket="bkt")
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
        arn = cloud.client("iam").create_role(RoleName="few", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        allow(cloud, "few", ("s3:ListBucket", "*"))
        given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]

        def may() -> tuple[str, str]:
            """How listing the bucket, and making another, ends."""
            s3 = boto3.client(
                "s3", endpoint_url=cloud.url, region_name="us-east-1", aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"],
            )  # fmt: skip
            return ended(lambda: s3.list_objects_v2(Bucket="bkt")), ended(lambda: s3.create_bucket(Bucket="other"))

        assert may() == ("done", "AccessDenied")
        cloud.kill()
        cloud.start()
        assert may() == ("done", "AccessDenied")
    finally:
        cloud.stop()


def test_a_pipeline_is_run_by_who_may_run_that_one_and_as_a_role_that_is_theirs_to_give(
    strict: CloudProcess, unique: str
) -> None:
    steps = [{"Name": "F", "Type": "Fail", "Arguments": {}}]
    body = json.dumps({"Version": "2020-12-01", "Steps": steps})
    runs, foreign = role(strict, f"{unique}-runs", "sagemaker"), role(strict, f"{unique}-ec2", "ec2")
    for name in (f"{unique}-Mine", f"{unique}-Other"):
        strict.client("sagemaker").create_pipeline(
            PipelineName=name, PipelineDefinition=body, RoleArn=runs, ClientRequestToken=name * 2
        )
    mine = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/{unique}-Mine"
    strict.client("s3").put_object(Bucket="bkt", Key="definition.json", Body=body)
    own = (("sagemaker:*", mine), ("sagemaker:*", f"{mine}/execution/*"))
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    arn = strict.client("iam").create_role(RoleName=unique, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow(strict, unique, *own)
    given = strict.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    few = boto3.client(
        "sagemaker", endpoint_url=strict.url, region_name="us-east-1", aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"],
    )  # fmt: skip

    def start(name: str, **more: str) -> str:
        return ended(lambda: few.start_pipeline_execution(PipelineName=f"{unique}-{name}", **more))

    def read() -> str:
        place = {"Bucket": "bkt", "ObjectKey": "definition.json"}
        return ended(lambda: few.update_pipeline(PipelineName=f"{unique}-Mine", PipelineDefinitionS3Location=place))

    assert (start("Mine"), start("Other")) == ("done", "AccessDeniedException")
    assert ended(lambda: few.describe_pipeline(PipelineName=f"{unique}-Mine")) == "done"
    assert ended(lambda: few.list_pipeline_executions(PipelineName=f"{unique}-Other")) == "AccessDeniedException"
    assert start("Mine", RoleArn=runs) == "AccessDeniedException"
    assert read() == "ValidationException"
    allow(strict, unique, *own, ("iam:PassRole", "*"), ("s3:GetObject", "arn:aws:s3:::bkt/definition.json"))
    assert (start("Mine", RoleArn=runs), start("Mine", RoleArn=foreign)) == ("done", "ValidationException")
    assert start("Mine", RoleArn=f"{runs}-none") == "ValidationException"
    assert read() == "done"
    strange = boto3.client(
        "iam", endpoint_url=strict.url, region_name="us-east-1", aws_access_key_id="ASIAAAAAAAAAAAAAAAAA",
        aws_secret_access_key="s", aws_session_token="t",
    )  # fmt: skip
    assert ended(strange.list_roles) == "InvalidClientTokenId"


def ended(call: Callable[[], object]) -> str:
    """The code of a refusal, or that there was none."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"
