"""Sessions of roles where IAM is enforced, by plain boto3: what bounds them, what they presign, what they may not know.

Source: the IAM User Guide ("Policies and permissions": session policies), STS's API reference of AssumeRole, S3's of GetObject and POST Object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import urllib3
from botocore.config import Config

from fogbank.testing import CloudProcess
from tests.contracts.aws.test_enforcement import allow, ended

ACCOUNT = "123456789012"
ANYBODY = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
READ = ("s3:GetObject", "arn:aws:s3:::bkt/*")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud that enforces IAM, with a bucket that has two objects."""
    cloud = CloudProcess(tmp_path_factory.mktemp("sessions"), enforce_iam=True)
    cloud.start()
    try:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="bkt")
        for key in ("k", "other"):
            s3.put_object(Bucket="bkt", Key=key, Body=b"read")
        yield cloud
    finally:
        cloud.stop()


def assumed(cloud: CloudProcess, name: str, *statements: tuple[str, str], **bounds: Any) -> Mapping[str, str]:
    """Credentials of a role that is made if need be."""
    iam = cloud.client("iam")
    if statements:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ANYBODY))
        allow(cloud, name, *statements)
    given = cloud.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="session", **bounds
    )["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def client(cloud: CloudProcess, service: str, keys: Mapping[str, str], **more: Any) -> Any:
    return boto3.client(service, endpoint_url=cloud.url, region_name="us-east-1", **keys, **more)


def policy(*statements: tuple[str, str], effect: str = "Allow") -> str:
    said = [{"Effect": effect, "Action": action, "Resource": resource} for action, resource in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": said})


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_an_address_that_a_role_presigned_is_the_roles(strict: CloudProcess, unique: str, signature: str) -> None:
    keys = assumed(strict, unique, ("s3:GetObject", "arn:aws:s3:::bkt/k"))
    s3 = client(strict, "s3", keys, config=Config(signature_version=signature))

    def answered(key: str, call: str = "get_object") -> int:
        url = s3.generate_presigned_url(call, Params={"Bucket": "bkt", "Key": key})
        return urllib3.request("PUT" if call == "put_object" else "GET", url).status

    assert (answered("k"), answered("other"), answered("k", "put_object")) == (200, 403, 403)
    assert strict.client("s3").get_object(Bucket="bkt", Key="k")["Body"].read() == b"read"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": "k"})
    said = parse_qs(urlsplit(url).query)
    token = next(name for name in said if name.lower() == "x-amz-security-token")
    for changed in (url.replace("/bkt/k?", "/bkt/other?"), url.replace(f"{token}=", f"{token}=x")):
        assert changed != url
        assert urllib3.request("GET", changed).status == 403
    users = strict.client("s3").generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": "other"})
    assert urllib3.request("GET", users).status == 200


def test_a_form_that_a_role_presigned_uploads_where_it_may(strict: CloudProcess, unique: str) -> None:
    keys = assumed(strict, unique, ("s3:PutObject", "arn:aws:s3:::bkt/in/*"))
    s3 = client(strict, "s3", keys, config=Config(signature_version="s3v4"))

    def answered(key: str) -> int:
        post = s3.generate_presigned_post("bkt", key)
        return urllib3.request("POST", post["url"], fields={**post["fields"], "file": ("a.csv", b"1")}).status

    assert answered("in/${filename}") == 204
    assert answered("out/a.csv") == 403
    assert strict.client("s3").get_object(Bucket="bkt", Key="in/a.csv")["Body"].read() == b"1"


def test_a_session_may_what_its_role_and_its_own_policies_both_let(strict: CloudProcess, unique: str) -> None:
    wide = (READ, ("s3:ListBucket", "arn:aws:s3:::bkt"))
    listing = strict.client("iam").create_policy(
        PolicyName=unique, PolicyDocument=policy(("s3:ListBucket", "*"), ("s3:CreateBucket", "*"))
    )["Policy"]["Arn"]
    assumed(strict, unique, *wide)

    def may(**bounds: Any) -> Sequence[str]:
        """How reading one object, another, listing and making a bucket end."""
        s3 = client(strict, "s3", assumed(strict, unique, **bounds))
        calls = (
            lambda: s3.get_object(Bucket="bkt", Key="k"),
            lambda: s3.get_object(Bucket="bkt", Key="other"),
            lambda: s3.list_objects_v2(Bucket="bkt"),
            lambda: s3.create_bucket(Bucket="new"),
        )
        return [ended(call) for call in calls]

    done, denied = "done", "AccessDenied"
    assert may() == [done, done, done, denied]
    assert may(Policy=policy(("s3:*", "arn:aws:s3:::bkt/k"))) == [done, denied, denied, denied]
    assert may(PolicyArns=[{"arn": listing}]) == [denied, denied, done, denied], (
        "a session gets nothing that its role has not"
    )
    both = may(Policy=policy(READ), PolicyArns=[{"arn": listing}])
    assert both == [done, done, done, denied]
    assert may(PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]) == [done, done, done, denied]
    assert may(PolicyArns=[{"arn": f"{listing}-none"}]) == [denied] * 4
    refused = json.dumps(
        {
            "Statement": [
                json.loads(policy(READ))["Statement"][0],
                {"Effect": "Deny", "Action": "s3:*", "Resource": "*/other"},
            ]
        }
    )
    assert may(Policy=refused) == [done, denied, denied, denied]

    s3 = client(strict, "s3", assumed(strict, unique, Policy=policy(("s3:GetObject", "arn:aws:s3:::bkt/k"))))
    with pytest.raises(s3.exceptions.ClientError, match="because no session policy allows the s3:GetObject action"):
        s3.get_object(Bucket="bkt", Key="other")
    arn = f"arn:aws:iam::{ACCOUNT}:role/{unique}"
    sts = strict.client("sts")
    wrong = ended(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="session", Policy="{no policy"))
    assert wrong == "MalformedPolicyDocument"


def test_a_bucket_that_lets_a_session_in_by_its_own_name_is_not_bounded(strict: CloudProcess, unique: str) -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{unique}/session"
    role = f"arn:aws:iam::{ACCOUNT}:role/{unique}"
    nothing = policy(("sqs:ListQueues", "*"))
    assumed(strict, unique, ("sqs:ListQueues", "*"))
    s3 = strict.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="k", Body=b"read")

    def read(principal: str) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{unique}/*",
        }
        s3.put_bucket_policy(Bucket=unique, Policy=json.dumps({"Statement": [statement]}))
        bounded = client(strict, "s3", assumed(strict, unique, Policy=nothing))
        return ended(lambda: bounded.get_object(Bucket=unique, Key="k"))

    assert read(session) == "done"
    assert read(role) == "AccessDenied"


def test_a_sessions_policies_outlive_the_cloud(strict: CloudProcess, unique: str) -> None:
    keys = assumed(strict, unique, READ)
    bounded = assumed(strict, unique, Policy=policy(("s3:GetObject", "arn:aws:s3:::bkt/k")))
    strict.kill()
    strict.start()

    def read(with_keys: Mapping[str, str]) -> str:
        return ended(lambda: client(strict, "s3", with_keys).get_object(Bucket="bkt", Key="other"))

    assert (read(keys), read(bounded)) == ("done", "AccessDenied")


def test_who_may_not_list_a_prefix_is_not_told_that_a_key_is_not_there(strict: CloudProcess, unique: str) -> None:
    assumed(strict, unique, READ, ("s3:ListMultipartUploadParts", "arn:aws:s3:::bkt/*"))
    listed = {"StringLike": {"s3:prefix": ["seen/*"]}}
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bkt", "Condition": listed}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    strict.client("iam").put_role_policy(RoleName=unique, PolicyName="lists", PolicyDocument=document)
    s3 = client(strict, "s3", assumed(strict, unique))

    assert ended(lambda: s3.get_object(Bucket="bkt", Key="seen/none")) == "NoSuchKey"
    assert ended(lambda: s3.head_object(Bucket="bkt", Key="seen/none")) == "404"
    assert ended(lambda: s3.get_object(Bucket="bkt", Key="none")) == "AccessDenied"
    assert ended(lambda: s3.head_object(Bucket="bkt", Key="none")) == "403"
    assert ended(lambda: s3.list_parts(Bucket="bkt", Key="k", UploadId="none")) == "NoSuchUpload"
    assert ended(lambda: s3.get_object(Bucket="bkt", Key="k")) == "done"
    assert ended(lambda: strict.client("s3").get_object(Bucket="bkt", Key="none")) == "NoSuchKey"


def test_messages_are_received_by_who_may_receive_them(strict: CloudProcess, unique: str) -> None:
    queue = strict.client("sqs").create_queue(QueueName=unique)["QueueUrl"]
    strict.client("sqs").send_message(QueueUrl=queue, MessageBody="m")
    sqs = client(strict, "sqs", assumed(strict, unique, READ))

    def received(wait_s: int) -> str:
        return ended(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=wait_s))

    assert (received(0), received(1)) == ("AccessDeniedException", "AccessDeniedException")
    allow(strict, unique, ("sqs:ReceiveMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:{unique}"))
    assert received(1) == "done"


def test_a_pipeline_is_denied_in_whatever_case_it_is_named(strict: CloudProcess, unique: str) -> None:
    body = json.dumps({"Version": "2020-12-01", "Steps": [{"Name": "F", "Type": "Fail", "Arguments": {}}]})
    name = f"{unique}-Mine"
    trust = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ]
    }
    runs = strict.client("iam").create_role(RoleName=f"{unique}-runs", AssumeRolePolicyDocument=json.dumps(trust))[
        "Role"
    ]["Arn"]
    sagemaker = strict.client("sagemaker")
    arn = sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=body, RoleArn=runs, ClientRequestToken=name * 2
    )["PipelineArn"]
    execution = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    keys = assumed(strict, unique, ("sagemaker:*", "*"))
    allow(strict, unique, ("sagemaker:*", arn), ("sagemaker:*", f"{arn}/*"), effect="Deny")
    few = client(strict, "sagemaker", keys)

    def start(said: str) -> str:
        return ended(lambda: few.start_pipeline_execution(PipelineName=said))

    for said in (name, name.lower(), name.upper(), arn.lower()):
        assert start(said) == "AccessDeniedException", said
    lowered = execution.replace(name, name.lower())
    assert ended(lambda: few.describe_pipeline_execution(PipelineExecutionArn=lowered)) == "AccessDeniedException"
    assert ended(lambda: few.describe_pipeline(PipelineName="none")) == "ResourceNotFound"
