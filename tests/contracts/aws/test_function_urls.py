"""Function URLs by plain boto3 and plain HTTP: a port of their own, who is let in, what reaches the function, what it answers.

Sources: the Lambda Developer Guide, "Invoking Lambda function URLs", "Control access to Lambda function URLs".
"""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.testing import CloudProcess
from tests.contracts.aws.test_lambda import create, zipped

SOURCE = """
import json
def echo(event, context):
    path = event["rawPath"]
    if path == "/plain":
        return {"seen": 1}
    if path == "/bad":
        return {"statusCode": "often"}
    if path == "/split":
        return {"statusCode": 200, "headers": {"x-a": "1\\r\\nx-b: 2"}}
    if path == "/fail":
        raise ValueError("no")
    if path == "/bytes":
        return {"statusCode": 201, "headers": {"content-type": "image/png"}, "cookies": ["a=1", "b=2"], "body": "AAEC", "isBase64Encoded": True}
    return {"statusCode": 200, "headers": {"access-control-allow-origin": "own"}, "body": json.dumps(event)}
"""


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and body."""
    place = urlsplit(url)
    connection = HTTPConnection(place.netloc, timeout=120)
    target = f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    try:
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def signed(
    cloud: CloudProcess, url: str, service: str = "lambda", body: bytes = b"", secret: str = ""
) -> dict[str, str]:
    """The headers of a signed POST."""
    found = cloud.client("lambda")._request_signer._credentials
    held = Credentials(found.access_key, secret or found.secret_key, found.token)
    request = AWSRequest(method="POST", url=url, data=body, headers={})
    SigV4Auth(held, service, "us-east-1").add_auth(request)
    return {name.replace("-", "_"): value for name, value in request.headers.items()}


def everybody(cloud: CloudProcess, name: str) -> None:
    """Let everybody in, by both statements that AWS wants."""
    client = cloud.client("lambda")
    common = {"FunctionName": name, "Principal": "*"}
    client.add_permission(**common, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    client.add_permission(**common, StatementId="run", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)


def test_a_public_url_is_a_port_of_its_own_whose_requests_are_events(shared_cloud: CloudProcess, unique: str) -> None:
    create(shared_cloud, unique, "app.echo", Code={"ZipFile": zipped(SOURCE)})
    client = shared_cloud.client("lambda")
    made = client.create_function_url_config(FunctionName=unique, AuthType="NONE")
    url = made["FunctionUrl"]
    assert url.startswith("http://127.0.0.1:")
    assert f":{shared_cloud.address.port}/" not in url

    status, headers, body = ask(url)
    assert (status, json.loads(body)["Message"][:9]) == (403, "Forbidden")
    assert "AddPermission" in headers["x-fogbank-reason"]
    everybody(shared_cloud, unique)
    policy = json.loads(client.get_policy(FunctionName=unique)["Policy"])["Statement"]
    assert policy[0]["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}

    status, headers, body = ask(
        f"{url}a%20b/c?x=1&x=2&y=%C3%A9", "POST", b'{"row": 1}', content_type="application/json", cookie="k=v; l=w"
    )
    event = json.loads(body)
    assert (status, headers["access-control-allow-origin"]) == (200, "own")
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a%20b/c", "x=1&x=2&y=%C3%A9")
    assert event["queryStringParameters"] == {"x": "1,2", "y": "é"}
    assert (event["body"], event["isBase64Encoded"], event["cookies"]) == ('{"row": 1}', False, ["k=v", "l=w"])
    context = event["requestContext"]
    assert (context["accountId"], context["http"]["method"], context["stage"]) == ("anonymous", "POST", "$default")
    binary = json.loads(ask(url, "POST", b"\x00\xff", content_type="application/octet-stream")[2])
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (b"\x00\xff", True)

    assert ask(f"{url}plain")[::2] == (200, b'{"seen": 1}')
    status, headers, body = ask(f"{url}bytes")
    assert (status, headers["content-type"], body) == (201, "image/png", b"\x00\x01\x02")
    assert headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert [ask(f"{url}{path}")[0] for path in ("bad", "split", "fail")] == [502, 502, 502]
    client.put_function_concurrency(FunctionName=unique, ReservedConcurrentExecutions=0)
    assert ask(url)[0] == 429

    client.delete_function(FunctionName=unique)
    with pytest.raises(ConnectionRefusedError):
        ask(url)


def test_a_url_of_iam_takes_what_is_signed_and_its_cors_says_which_pages_may(
    shared_cloud: CloudProcess, unique: str
) -> None:
    create(shared_cloud, unique, "app.echo", Code={"ZipFile": zipped(SOURCE)})
    client = shared_cloud.client("lambda")
    cors = {
        "AllowOrigins": ["https://shop.example"],
        "AllowMethods": ["POST"],
        "AllowHeaders": ["content-type"],
        "MaxAge": 60,
    }
    url = client.create_function_url_config(FunctionName=unique, AuthType="AWS_IAM", Cors=cors)["FunctionUrl"]

    assert ask(url, "POST", b"{}")[0] == 403
    assert ask(url, "POST", b"{}", **signed(shared_cloud, url, body=b"{}", secret="another"))[0] == 403
    assert ask(url, "POST", b"{}", **signed(shared_cloud, url, service="execute-api", body=b"{}"))[0] == 403
    status, headers, body = ask(
        url, "POST", b"{}", **signed(shared_cloud, url, body=b"{}"), origin="https://shop.example"
    )
    assert status == 200
    context = json.loads(body)["requestContext"]
    assert context["authorizer"]["iam"]["accountId"] == context["accountId"] == LOCAL_ACCOUNT
    assert headers["access-control-allow-origin"] == "https://shop.example"

    asking = {"access_control_request_method": "POST"}
    status, headers, _ = ask(url, "OPTIONS", None, origin="https://shop.example", **asking)
    assert (status, headers["access-control-allow-methods"], headers["access-control-max-age"]) == (200, "POST", "60")
    assert headers["access-control-allow-headers"] == "content-type"
    assert ask(url, "OPTIONS", None, origin="https://evil.example", **asking)[0] == 403
    assert ask(url, "POST", b"{}", origin="https://evil.example", **signed(shared_cloud, url, body=b"{}"))[0] == 403
    assert ask(url, "POST", b"{}", host="evil.example", **signed(shared_cloud, url, body=b"{}"))[0] == 403


def test_a_urls_configuration_is_made_read_changed_listed_and_refused_as_lambdas(
    shared_cloud: CloudProcess, unique: str
) -> None:
    create(shared_cloud, unique, "app.echo", Code={"ZipFile": zipped(SOURCE)}, Publish=True)
    client = shared_cloud.client("lambda")
    client.create_alias(FunctionName=unique, Name="live", FunctionVersion="1")
    for more in ({}, {"Qualifier": "live"}):
        client.create_function_url_config(FunctionName=unique, AuthType="AWS_IAM", **more)
    listed = client.list_function_url_configs(FunctionName=unique)["FunctionUrlConfigs"]
    assert [each["FunctionArn"].rpartition(unique)[2] for each in listed] == ["", ":live"]
    assert len({each["FunctionUrl"] for each in listed}) == 2

    changed = client.update_function_url_config(FunctionName=unique, Cors={"AllowOrigins": ["*"]})
    assert (changed["FunctionUrl"], changed["AuthType"]) == (listed[0]["FunctionUrl"], "AWS_IAM")
    assert client.get_function_url_config(FunctionName=unique)["Cors"] == {"AllowOrigins": ["*"]}

    refused = []
    for call, arguments in (
        ("create", {"FunctionName": unique, "AuthType": "NONE"}),
        ("create", {"FunctionName": f"{unique}-no", "AuthType": "NONE"}),
        ("update", {"FunctionName": unique, "InvokeMode": "RESPONSE_STREAM"}),
        ("update", {"FunctionName": unique, "Cors": {"MaxAge": 86401}}),
    ):
        with pytest.raises(ClientError) as raised:
            getattr(client, f"{call}_function_url_config")(**arguments)
        refused.append(raised.value.response["Error"]["Code"])
    assert refused == [
        "ResourceConflictException",
        "ResourceNotFoundException",
        "NotImplemented",
        "ValidationException",
    ]

    client.delete_alias(FunctionName=unique, Name="live")
    assert len(client.list_function_url_configs(FunctionName=unique)["FunctionUrlConfigs"]) == 1
    client.delete_function_url_config(FunctionName=unique)
    assert client.list_function_url_configs(FunctionName=unique)["FunctionUrlConfigs"] == []
