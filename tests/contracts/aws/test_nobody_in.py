"""Who is answered: the cloud's own user with any credentials; others, and what the cloud itself runs, by what they sign with alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from fogbank.ground.aws import LOCAL_ACCESS_KEY
from fogbank.ground.processes import listening
from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import Scripted
from tests.contracts.aws.served import Served
from tests.strangers import as_nobody, said_by_nobody
from tests.waiting import until, until_answer

ACTION = "Action=CreateUser&UserName={name}&Version=2010-05-08"
SEES = """
try:
    print(json.dumps(os.listdir(argument)))
except PermissionError:
    print(json.dumps("not seen"))
"""
ENGINE = """
import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
"""
CREATES = """
channel = grpc.insecure_channel(f"127.0.0.1:{argument}")
stub = provider_pb2_grpc.ResourceProviderStub(channel)
urn = "urn:pulumi:local::p::aws:s3/bucket:Bucket::taken"
asked = {
    "Create": lambda: stub.Create(provider_pb2.CreateRequest(urn=urn)),
    "Configure": lambda: stub.Configure(provider_pb2.ConfigureRequest()),
    "GetPluginInfo": lambda: stub.GetPluginInfo(Empty()),
}
codes = []
for ask in asked.values():
    try:
        ask()
        codes.append("OK")
    except grpc.RpcError as error:
        codes.append(error.code().name)
print(json.dumps(codes))
"""


def signed(
    cloud: CloudProcess, secret: str, service: str, method: str = "GET", path: str = "/", body: str = "", **headers: str
) -> str:
    """A request as it goes over the wire, signed with the cloud's access key and a secret."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method=method, url=f"{cloud.url}{path}", data=body.encode(), headers=given)
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(Credentials(LOCAL_ACCESS_KEY, secret), service, "us-east-1").add_auth(request)
    return plain(cloud, method, path, body, **{name: str(value) for name, value in request.headers.items()})


def plain(cloud: CloudProcess, method: str = "GET", path: str = "/", body: str = "", **headers: str) -> str:
    """The same without a signature."""
    lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    length = [f"Content-Length: {len(body.encode())}", "Connection: close", f"Host: 127.0.0.1:{cloud.address.port}"]
    return "\r\n".join((f"{method} {path} HTTP/1.1", *lines, *length, "", body))


def users(cloud: CloudProcess) -> set[str]:
    return {user["UserName"] for user in cloud.client("iam").list_users()["Users"]}


def test_another_user_is_refused_in_the_words_of_the_api_that_he_asks(shared_cloud: CloudProcess, unique: str) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="secret", Body=b"x")
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    body = ACTION.format(name=unique)
    asked = {
        "AccessDenied": plain(shared_cloud, path=f"/{unique}/secret"),
        "SignatureDoesNotMatch": signed(shared_cloud, "fogbank-local", "iam", "POST", body=body, **form),
        "InvalidSignatureException": signed(
            shared_cloud, "fogbank-local", "sagemaker", "POST", x_amz_target="SageMaker.ListModels"
        ),
        "MissingAuthenticationTokenException": plain(
            shared_cloud, "POST", body="{}", **{"x-amz-target": "SageMaker.ListModels"}
        ),
    }
    for code, request in asked.items():
        answer = said_by_nobody(shared_cloud.address.port, request)
        assert answer.startswith("HTTP/1.1 403 "), answer
        assert code in answer
        assert "secret" not in answer.partition("\r\n\r\n")[2].replace("secret key", "")
    invocation = said_by_nobody(shared_cloud.address.port, plain(shared_cloud, "POST", "/endpoints/e/invocations", "1"))

    assert invocation.startswith("HTTP/1.1 403 ")
    assert unique not in users(shared_cloud)


def test_another_user_who_signs_with_the_clouds_key_is_answered(shared_cloud: CloudProcess, unique: str) -> None:
    body = ACTION.format(name=unique)
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    port = shared_cloud.address.port

    made = said_by_nobody(port, signed(shared_cloud, shared_cloud.secret, "iam", "POST", body=body, **form))

    assert made.startswith("HTTP/1.1 200 "), made
    assert unique in users(shared_cloud)


@pytest.mark.parametrize(
    ("version", "host"), [("s3", "127.0.0.1"), ("s3v4", "127.0.0.1"), ("s3", "localhost"), ("s3v4", "localhost")]
)
def test_a_presigned_address_is_what_was_signed_and_nothing_else(
    shared_cloud: CloudProcess, unique: str, version: str, host: str
) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="a k+ü", Body=b"what was signed")
    port = shared_cloud.address.port
    signs = boto3.client(
        "s3", region_name="us-east-1", endpoint_url=f"http://{host}:{port}", aws_access_key_id=LOCAL_ACCESS_KEY,
        aws_secret_access_key=shared_cloud.secret, config=Config(signature_version=version),
    )  # fmt: skip
    params = {"Bucket": unique, "Key": "a k+ü", "ResponseContentType": "text/x"}
    url = urlsplit(signs.generate_presigned_url("get_object", Params=params, ExpiresIn=60))

    def ask(query: str, method: str = "GET", path: str = url.path) -> str:
        request = f"{method} {path}?{query} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n"
        return said_by_nobody(port, request)

    assert ask(url.query).endswith("what was signed")
    forged = [ask(url.query.replace("text", "texts")), ask(url.query, "DELETE"), ask(url.query, path=url.path + "x")]
    assert [answer[9:12] for answer in forged] == ["403"] * 3
    assert all("SignatureDoesNotMatch" in answer for answer in forged)


def test_another_user_who_asks_and_goes_is_not_taken_for_root(local_cloud: CloudProcess) -> None:
    local_cloud.client("s3").create_bucket(Bucket="kept")
    for _ in range(20):
        said_by_nobody(local_cloud.address.port, plain(local_cloud, "POST", "/_fogbank/reset"), stays=False)
    local_cloud.client("s3").create_bucket(Bucket="later")

    assert [bucket["Name"] for bucket in local_cloud.client("s3").list_buckets()["Buckets"]] == ["kept", "later"]


def test_another_users_long_body_is_not_heard_to_its_end(shared_cloud: CloudProcess, unique: str) -> None:
    shared_cloud.client("s3").create_bucket(Bucket=unique)
    port = shared_cloud.address.port
    head = signed(shared_cloud, "other", "s3", "PUT", f"/{unique}/k").replace(
        "Content-Length: 0", "Content-Length: 9999999999"
    )
    bare = plain(shared_cloud, "PUT", f"/{unique}/k").replace("Content-Length: 0", "Transfer-Encoding: chunked")
    mine = signed(shared_cloud, shared_cloud.secret, "s3", "PUT", f"/{unique}/k", "x" * 2_000_000)

    assert "SignatureDoesNotMatch" in said_by_nobody(port, head + "begins")
    unsaid = signed(shared_cloud, "other", "iam", "POST").replace("Content-Length: 0", "Content-Length: 9999999999")
    assert said_by_nobody(port, unsaid).startswith("HTTP/1.1 413 ")
    assert said_by_nobody(port, bare + "5\r\nbegin").startswith("HTTP/1.1 403 ")
    assert said_by_nobody(port, mine).startswith("HTTP/1.1 200 ")


def test_another_user_makes_nothing_through_the_engines_port_and_sees_no_state(
    shared_cloud: CloudProcess, unique: str
) -> None:
    refused = as_nobody(CREATES, shared_cloud.address.provider_port, before=ENGINE)

    assert refused == ["PERMISSION_DENIED"] * 3
    assert as_nobody(SEES, str(shared_cloud.folder)) == "not seen"
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="k", Body=b"x" * 2_000_000)
    written = [path for path in shared_cloud.folder.rglob("*") if path.is_file() and "instances" not in path.parts]
    assert len(written) > 5
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_an_open_cloud_answers_everybody_on_this_machine_and_motos_control_paths(tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path / "cloud", open_=True)
    cloud.start()
    try:
        assert said_by_nobody(cloud.address.port, plain(cloud, path="/_fogbank/status")).startswith("HTTP/1.1 200 ")
        assert urllib3.request("POST", f"{cloud.url}/moto-api/seed?a=1").status == 200
        assert cloud.admin.call("status")["open"] is True
    finally:
        cloud.stop()


@pytest.mark.parametrize(
    "path", ["reset", "seed?a=1", "recorder/start-recording", "config", "state-manager/set-transition", "data.json", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_motos_control_paths_are_closed_to_the_user_too(shared_cloud: CloudProcess, method: str, path: str) -> None:
    urls = [f"{shared_cloud.url}/moto-api/{path}", f"{shared_cloud.url}/%6doto-api/{path}"]
    hosted = urllib3.request(method, f"{shared_cloud.url}/{path}", headers={"Host": "moto-api.localhost"})

    assert [urllib3.request(method, url).status for url in urls] == [403, 403]
    assert hosted.status == 403 or not path
    assert not list(shared_cloud.folder.glob("moto_recording*"))


@pytest.mark.parametrize("call", ["reset", "stop", "flush", "advance?seconds=9", "run-monitor?name=m"])
def test_what_changes_the_cloud_is_not_asked_for_with_get(shared_cloud: CloudProcess, call: str) -> None:
    before = shared_cloud.admin.call("status")

    assert urllib3.request("GET", f"{shared_cloud.url}/_fogbank/{call}").status == 405
    assert shared_cloud.admin.call("status")["started"] == before["started"]


def test_the_clouds_process_has_none_of_its_callers_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "PULUMI_ACCESS_TOKEN")
    for name in names:
        monkeypatch.setenv(name, "realsecret")
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    monkeypatch.undo()
    try:
        environment = Path(f"/proc/{cloud.address.pid}/environ").read_bytes()
        assert cloud.client("s3").list_buckets()["Buckets"] == []
    finally:
        cloud.stop()

    assert b"realsecret" not in environment
    assert b"PATH=" in environment


def test_an_instance_answers_no_other_user(served: Served) -> None:
    address = served.cloud.address
    others = listening(address.pid)
    served.endpoint()
    ports = listening(address.pid) - others
    assert all(urllib3.request("GET", f"http://127.0.0.1:{port}/ping").status == 200 for port in ports), (
        "the user is answered"
    )
    answers = [said_by_nobody(port, "GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") for port in ports]

    assert answers
    assert all(answer.startswith("HTTP/1.1 403 ") for answer in answers)


ASKS = '''
import json, os, subprocess, time

FOLLOWS = """
import os, sys, time, urllib.error, urllib.request
while os.getppid() != 1 and open(f"/proc/{os.getppid()}/comm").read().strip() in ("sh", "setsid"):
    time.sleep(0.01)
try:
    code = urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_fogbank/status").status
except urllib.error.HTTPError as error:
    code = error.code
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(code))
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""

CLIENT = """
import boto3, json, sys, urllib.error, urllib.request
def status(url, method="GET"):
    try:
        return urllib.request.urlopen(urllib.request.Request(url, method=method)).status
    except urllib.error.HTTPError as error:
        return error.code
import os
url = os.environ["AWS_ENDPOINT_URL"]
out = {"plain": status(url + "/_fogbank/status"), "reset": status(url + "/_fogbank/reset", "POST"), "list": status(url + "/")}
any_ = boto3.client("s3", aws_access_key_id="any", aws_secret_access_key="thing")
try:
    any_.list_buckets()
    out["any"] = "let in"
except Exception as error:
    out["any"] = error.response["Error"]["Code"]
import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
try:
    provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel("127.0.0.1:" + sys.argv[2])).Configure(provider_pb2.ConfigureRequest())
    out["engine"] = "let in"
except grpc.RpcError as error:
    out["engine"] = error.code().name
sts = boto3.client("sts")
taken = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/other", RoleSessionName="session")["Credentials"]
keys = dict(aws_access_key_id=taken["AccessKeyId"], aws_secret_access_key=taken["SecretAccessKey"])
out["assumed"] = boto3.client("sts", aws_session_token=taken["SessionToken"], **keys).get_caller_identity()["Arn"]
try:
    boto3.client("sts", aws_session_token="other", **keys).get_caller_identity()
except Exception as error:
    out["token"] = error.response["Error"]["Code"]
out["arn"] = boto3.client("sts").get_caller_identity()["Arn"]
boto3.client("s3").put_object(Bucket=sys.argv[1], Key="by-the-role", Body=b"x")
credentials = boto3.Session().get_credentials()
out["key"], out["method"] = credentials.access_key, credentials.method
out["region"] = boto3.Session().region_name
print(json.dumps(out))
"""

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    python, *arguments = data.decode().split()
    done = subprocess.run([python, "-c", CLIENT, *arguments], capture_output=True, text=True, start_new_session=True)
    leaves = f"(setsid {python} -c '{FOLLOWS}' {os.getcwd()}/left 2> {os.getcwd()}/why &)"
    subprocess.run(["sh", "-c", leaves], check=True)
    end = time.monotonic() + 20
    while not os.path.exists("left") and time.monotonic() < end:
        time.sleep(0.02)
    left = open("left").read() if os.path.exists("left") else open("why").read()
    return json.dumps({"left": left, **json.loads(done.stdout)}) if done.stdout else done.stderr, "application/json"
'''


@pytest.fixture
def asked(shared_cloud: CloudProcess, unique: str) -> Iterator[dict[str, Any]]:
    """What a program sees of the cloud that an instance's handler has started, in a session of its own."""
    scripted = Scripted.made(shared_cloud, unique, ASKS)
    sagemaker = shared_cloud.client("sagemaker")
    variant = {"VariantName": "v", "ModelName": unique, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=unique, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=unique, EndpointConfigName=unique)
    until_answer(
        lambda: sagemaker.describe_endpoint(EndpointName=unique)["EndpointStatus"], lambda status: status == "InService"
    )
    runtime = shared_cloud.client("sagemaker-runtime")
    body = f"{sys.executable} {scripted.name} {shared_cloud.address.provider_port}"
    text = runtime.invoke_endpoint(EndpointName=unique, ContentType="text/plain", Body=body)["Body"].read().decode()
    assert text.startswith("{"), text
    yield json.loads(text)
    sagemaker.delete_endpoint(EndpointName=unique)
    until(lambda: not sagemaker.list_endpoints(NameContains=unique)["Endpoints"])


def test_an_instance_is_its_role_and_not_the_user(
    asked: dict[str, Any], shared_cloud: CloudProcess, unique: str
) -> None:
    assert (asked["plain"], asked["reset"], asked["list"], asked["any"]) == (403, 403, 403, "InvalidAccessKeyId")
    assert asked["engine"] == "PERMISSION_DENIED"
    assert asked["left"] == "403", "what it has started and let go of is not the user either"
    assert asked["arn"].startswith("arn:aws:sts::123456789012:assumed-role/r/i-")
    assert asked["key"].startswith("ASIA")
    assert (asked["assumed"], asked["token"]) == (
        "arn:aws:sts::123456789012:assumed-role/other/session",
        "InvalidClientTokenId",
    )
    assert (asked["method"], asked["region"]) == ("container-role", "us-east-1")
    assert shared_cloud.client("s3").get_object(Bucket=unique, Key="by-the-role")["Body"].read() == b"x"
    assert boto_as(shared_cloud, "any", "thing").list_buckets()["Buckets"], "beside the instance the user is the user"


def boto_as(cloud: CloudProcess, key: str, secret: str) -> Any:
    """S3 with somebody's credentials."""
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=cloud.url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
    )
