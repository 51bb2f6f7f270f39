"""The AWS API wire: what stands behind the same port, who may ask, and what survives `kill -9`."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served, code_of


def test_models_services_of_moto_are_behind_the_same_port(shared_cloud: CloudProcess, unique: str) -> None:
    sqs = shared_cloud.client("sqs", "eu-west-1")
    queue = sqs.create_queue(QueueName=unique)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")

    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    assert "NoSuchBucket" in code_of(lambda: shared_cloud.client("s3").list_objects_v2(Bucket=f"none-{unique}"))[0]


def test_tags_of_ours_and_of_motos(served: Served) -> None:
    arn = served.sagemaker.describe_model(ModelName=served.name)["ModelArn"]
    served.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    served.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    group = served.sagemaker.create_model_package_group(
        ModelPackageGroupName=served.name, Tags=[{"Key": "g", "Value": "3"}]
    )

    assert served.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert served.sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"] == [{"Key": "g", "Value": "3"}]


def test_metadata_keys_keep_their_underscores(shared_cloud: CloudProcess, unique: str) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="ü/k", Body=b"x", Metadata={"my_key": "v", "other-key": "w"})

    assert s3.head_object(Bucket=unique, Key="ü/k")["Metadata"] == {"my_key": "v", "other-key": "w"}


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_foreign_hosts_and_origins_are_refused(shared_cloud: CloudProcess, header: dict[str, str]) -> None:
    port = shared_cloud.address.port
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_fogbank/status", headers={"Host": f"127.0.0.1:{port}", **header})
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.status == 403


def test_everything_is_there_after_kill_9(local_cloud: CloudProcess, tmp_path: Path) -> None:
    s3, iam = local_cloud.client("s3"), local_cloud.client("iam")
    s3.create_bucket(Bucket="kept")
    for i in range(20):
        s3.put_object(Bucket="kept", Key=f"k{i % 7}", Body=bytes([i]) * 1000, Metadata={"n": str(i)})
    s3.delete_object(Bucket="kept", Key="k0")
    s3.copy_object(Bucket="kept", Key="copy", CopySource="kept/k1")
    s3.put_object(Bucket="kept", Key="k1", Body=b"later")
    upload = s3.create_multipart_upload(Bucket="kept", Key="big")["UploadId"]
    part = s3.upload_part(Bucket="kept", Key="big", UploadId=upload, PartNumber=1, Body=b"b" * 100)["ETag"]
    s3.complete_multipart_upload(
        Bucket="kept", Key="big", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    scheduler = local_cloud.client("scheduler")
    target = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": ROLE}
    scheduler.create_schedule(
        Name="kept", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    created = scheduler.get_schedule(Name="kept")["CreationDate"]
    role = iam.create_role(RoleName="kept", AssumeRolePolicyDocument="{}")["Role"]["RoleId"]
    queue = local_cloud.client("sqs").create_queue(QueueName="kept")["QueueUrl"]

    def picture(cloud: CloudProcess) -> dict[str, Any]:
        client = cloud.client("s3")
        listed = {
            item["Key"]: (item["ETag"], item["LastModified"])
            for item in client.list_objects_v2(Bucket="kept")["Contents"]
        }
        bodies = {key: client.get_object(Bucket="kept", Key=key) for key in listed}
        return {key: (listed[key], found["Body"].read(), found["Metadata"]) for key, found in bodies.items()}

    before = picture(local_cloud)
    local_cloud.kill()
    local_cloud.start()
    after = picture(local_cloud)

    assert before.keys() == after.keys()
    assert before["big"][0][0] == after["big"][0][0]
    for key in before.keys() - {"big"}:
        assert (before[key][0][0], before[key][1:]) == (after[key][0][0], after[key][1:])
        assert key == "copy" or abs((before[key][0][1] - after[key][0][1]).total_seconds()) <= 1
    assert (after["copy"][1], after["k1"][1], after["big"][1]) == (bytes([15]) * 1000, b"later", b"b" * 100)
    assert local_cloud.client("iam").get_role(RoleName="kept")["Role"]["RoleId"] == role
    again = local_cloud.client("scheduler").get_schedule(Name="kept")["CreationDate"]
    assert abs((again - created).total_seconds()) <= 1
    assert local_cloud.client("sqs").list_queues()["QueueUrls"][0].rpartition("/")[2] == queue.rpartition("/")[2]


@pytest.mark.parametrize("key", ["a?b", "a?b=c&d", "100%", "a%2Fb", "a+b c", "#1", "ünï/ø", "folder/", "a//b", "a;b,c"])
def test_a_key_of_any_characters_is_the_one_that_is_stored(shared_cloud: CloudProcess, unique: str, key: str) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key=key, Body=key.encode())

    assert s3.get_object(Bucket=unique, Key=key)["Body"].read() == key.encode()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=unique)["Contents"]] == [key]
    s3.delete_object(Bucket=unique, Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket=unique)


def test_what_was_written_under_a_condition_is_there_after_kill_9(local_cloud: CloudProcess) -> None:
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    first = s3.put_object(Bucket="kept", Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    s3.put_object(Bucket="kept", Key="k", Body=b"2", IfMatch=first)
    assert code_of(lambda: s3.put_object(Bucket="kept", Key="k", Body=b"3", IfMatch=first))[0] == "PreconditionFailed"
    s3.copy_object(Bucket="kept", Key="copy", CopySource="kept/k", CopySourceIfNoneMatch=first)
    local_cloud.kill()
    local_cloud.start()

    bodies = {key: local_cloud.client("s3").get_object(Bucket="kept", Key=key)["Body"].read() for key in ("k", "copy")}
    assert bodies == {"k": b"2", "copy": b"2"}


def test_identifiers_are_the_same_after_kill_9_whatever_was_read_meanwhile(local_cloud: CloudProcess) -> None:
    """moto draws the id of every answer, a read's too, from the generator that identifiers come from."""
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    stop = threading.Event()

    def read() -> None:
        client = local_cloud.client("s3")
        while not stop.is_set():
            client.list_objects_v2(Bucket="kept")

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    told = [s3.put_object(Bucket="kept", Key="k", Body=b"%d" % i)["VersionId"] for i in range(60)]
    stop.set()
    for reader in readers:
        reader.join()
    local_cloud.kill()
    local_cloud.start()

    versions = local_cloud.client("s3").list_object_versions(Bucket="kept")["Versions"]
    assert [version["VersionId"] for version in reversed(versions)] == told


def test_aws_own_policies_are_there(shared_cloud: CloudProcess, unique: str) -> None:
    iam = shared_cloud.client("iam")
    iam.create_role(RoleName=unique, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    iam.attach_role_policy(RoleName=unique, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

    attached = iam.list_attached_role_policies(RoleName=unique)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSageMakerFullAccess"]


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("apigatewayv2", "get_apis"),
        ("apigateway", "get_rest_apis"),
        ("cognito-idp", "list_user_pools"),
        ("glue", "get_databases"),
    ],
)
def test_a_service_whose_module_is_not_installed_works_or_says_which_it_is(
    shared_cloud: CloudProcess, service: str, operation: str
) -> None:
    client = shared_cloud.client(service)
    arguments = {"MaxResults": 5} if service == "cognito-idp" else {}
    refusal = None
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        refusal = error.response
    if refusal is not None:
        assert (refusal["Error"]["Code"], refusal["ResponseMetadata"]["HTTPStatusCode"]) == ("NotImplemented", 501)
        assert "wants the module" in refusal["Error"]["Message"]


DEEP = "[" * 50_000 + "]" * 50_000


@pytest.mark.parametrize(
    ("service", "target", "body"),
    [
        ("monitoring", "GraniteServiceVersion20100801.PutMetricData", DEEP),
        ("logs", "Logs_20140328.FilterLogEvents", DEEP),
        ("events", "AWSEvents.PutRule", DEEP),
        ("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", DEEP),
        ("sqs", "AmazonSQS.CreateQueue", json.dumps({"QueueName": "q", "Attributes": {"RedrivePolicy": DEEP}})),
    ],
)
def test_what_is_nested_without_end_is_refused(
    shared_cloud: CloudProcess, service: str, target: str, body: str
) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
    connection = http.client.HTTPConnection("127.0.0.1", shared_cloud.address.port)
    headers = {"Authorization": scope, "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    connection.request("POST", "/", body.encode(), headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()

    assert answer.status == 400, said
    assert b"nested too deeply" in said or b"recursion" in said


def test_a_form_whose_policy_is_nested_without_end_is_refused(shared_cloud: CloudProcess, s3: Any, unique: str) -> None:
    policy = base64.b64encode(DEEP.encode()).decode()
    fields = "".join(
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("key", "k"), ("policy", policy), ("file", "x"))
    )
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    connection = http.client.HTTPConnection("127.0.0.1", shared_cloud.address.port)
    connection.request("POST", f"/{unique}", f"{fields}--B--\r\n".encode(), headers)

    assert connection.getresponse().status == 400
    connection.close()
