"""HTTP APIs by plain boto3 and plain HTTP: routes, stages, deployments, authorizers, throttling, CORS, permissions, refusals.

Sources: the API Gateway Developer Guide, "Working with HTTP APIs" (routes, stages, JWT authorizers, throttling, CORS, Lambda integrations).
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from fogbank.testing import CloudProcess
from tests.contracts.aws.issuer import issuing
from tests.contracts.aws.test_function_urls import SOURCE, ask, signed
from tests.contracts.aws.test_lambda import create, zipped


class Api:
    """An API before a function of its own name."""

    def __init__(self, cloud: CloudProcess, name: str, **more: Any) -> None:
        self.cloud, self.client, self.name = cloud, cloud.client("apigatewayv2"), name
        self.arn = create(cloud, name, "app.echo", Code={"ZipFile": zipped(SOURCE)})
        made = self.client.create_api(Name=name, ProtocolType="HTTP", **more)
        self.id, self.url = made["ApiId"], made["ApiEndpoint"]
        proxy = {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "IntegrationUri": self.arn}
        self.integration = self.client.create_integration(ApiId=self.id, **proxy)["IntegrationId"]

    def route(self, key: str, **more: Any) -> str:
        """A route to the function."""
        given = {"ApiId": self.id, "RouteKey": key, "Target": f"integrations/{self.integration}", **more}
        return str(self.client.create_route(**given)["RouteId"])

    def permit(self, source: str = "*/*") -> None:
        """Let the API invoke the function."""
        arn = f"arn:aws:execute-api:us-east-1:{self.arn.split(':')[4]}:{self.id}/{source}"
        given = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "SourceArn": arn}
        self.cloud.client("lambda").add_permission(FunctionName=self.name, StatementId="api", **given)


def test_an_api_routes_to_its_function_which_must_let_it(shared_cloud: CloudProcess, unique: str) -> None:
    cors = {"AllowOrigins": ["https://*"], "AllowMethods": ["POST"], "ExposeHeaders": ["x-a"], "AllowCredentials": True}
    api = Api(shared_cloud, unique, CorsConfiguration=cors)
    for key in ("GET /rows/{id}", "GET /rows/all", "ANY /files/{proxy+}", "$default"):
        api.route(key)
    assert ask(f"{api.url}/rows/1")[0] == 404, "there is no stage"
    api.client.create_stage(ApiId=api.id, StageName="$default", AutoDeploy=True, StageVariables={"a": "1"})
    status, headers, body = ask(f"{api.url}/rows/1")
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})
    assert "AddPermission" in headers["x-fogbank-reason"]
    api.permit()

    def taken(method: str, path: str) -> tuple[str, Any]:
        event = json.loads(ask(f"{api.url}{path}", method)[2])
        assert event["requestContext"]["apiId"] == api.id
        return event["routeKey"], event.get("pathParameters")

    assert taken("GET", "/rows/a%20b?x=1") == ("GET /rows/{id}", {"id": "a b"})
    assert taken("GET", "/rows/all") == ("GET /rows/all", None)
    assert taken("PUT", "/files/a/b.csv") == ("ANY /files/{proxy+}", {"proxy": "a/b.csv"})
    assert taken("POST", "/rows/1") == ("$default", None)
    event = json.loads(ask(f"{api.url}/rows/all")[2])
    assert (event["stageVariables"], event["rawPath"]) == ({"a": "1"}, "/rows/all")
    assert [ask(f"{api.url}/{path}")[0] for path in ("bad", "fail", "bytes")] == [500, 500, 201]

    page = {"origin": "https://shop.example"}
    status, headers, _ = ask(api.url, "OPTIONS", None, access_control_request_method="POST", **page)
    assert (status, headers["access-control-allow-origin"], headers["access-control-allow-methods"]) == (
        204,
        "https://shop.example",
        "POST",
    )
    _, headers, _ = ask(f"{api.url}/x", "GET", None, **page)
    assert (headers.get_all("access-control-allow-origin"), headers["access-control-expose-headers"]) == (
        ["https://shop.example"],
        "x-a",
    )
    assert ask(f"{api.url}/x", origin="http://evil.example")[0] == 403

    api.client.delete_api(ApiId=api.id)
    with pytest.raises(ConnectionRefusedError):
        ask(api.url)


def test_a_stage_serves_what_was_deployed_to_it_and_as_much_as_it_lets_through(
    shared_cloud: CloudProcess, unique: str
) -> None:
    api = Api(shared_cloud, unique)
    api.permit()
    client, route = api.client, api.route("GET /one")
    slow = {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 2}
    client.create_stage(ApiId=api.id, StageName="v1", RouteSettings={"GET /one": slow})
    assert ask(f"{api.url}/v1/one")[0] == 404
    first = client.create_deployment(ApiId=api.id, StageName="v1")["DeploymentId"]
    client.update_route(ApiId=api.id, RouteId=route, RouteKey="GET /two")
    client.create_stage(ApiId=api.id, StageName="v2", AutoDeploy=True)

    assert [ask(f"{api.url}/{path}")[0] for path in ("v1/one", "v1/two", "v2/one", "v2/two")] == [200, 404, 404, 200]
    assert [ask(f"{api.url}/v1/one")[0] for _ in range(3)] == [200, 429, 429]
    assert json.loads(ask(f"{api.url}/v2/two")[2])["rawPath"] == "/v2/two"
    client.update_stage(
        ApiId=api.id,
        StageName="v1",
        DeploymentId=client.create_deployment(ApiId=api.id)["DeploymentId"],
        RouteSettings={},
    )
    assert [ask(f"{api.url}/v1/{path}")[0] for path in ("one", "two", "two", "two")] == [404, 200, 200, 200]
    client.delete_deployment(ApiId=api.id, DeploymentId=first)
    assert len(client.get_deployments(ApiId=api.id)["Items"]) == 1


def test_an_authorizer_lets_tokens_and_signatures_in_and_nothing_else(shared_cloud: CloudProcess, unique: str) -> None:
    with issuing() as issuer:
        api = Api(shared_cloud, unique)
        api.permit()
        jwt = {"Issuer": issuer.url, "Audience": ["rows"]}
        source = {"AuthorizerType": "JWT", "IdentitySource": ["$request.header.Authorization"], "Name": "people"}
        made = api.client.create_authorizer(ApiId=api.id, JwtConfiguration=jwt, **source)["AuthorizerId"]
        api.route("GET /token", AuthorizationType="JWT", AuthorizerId=made)
        api.route("GET /scope", AuthorizationType="JWT", AuthorizerId=made, AuthorizationScopes=["rows.read"])
        api.route("POST /signed", AuthorizationType="AWS_IAM")
        api.client.create_stage(ApiId=api.id, StageName="$default", AutoDeploy=True)
        now = int(time.time())
        good: dict[str, Any] = {
            "aud": "rows",
            "exp": now + 600,
            "iat": now - 1,
            "sub": "me",
            "groups": ["a", "b"],
            "scope": "rows.read x",
        }

        def status(path: str, token: str) -> int:
            return ask(f"{api.url}/{path}", authorization=f"Bearer {token}")[0]

        said = json.loads(ask(f"{api.url}/token", authorization=f"Bearer {issuer.token(**good)}")[2])
        found = said["requestContext"]["authorizer"]["jwt"]
        assert (found["claims"]["sub"], found["claims"]["groups"], found["scopes"]) == (
            "me",
            "[a b]",
            ["rows.read", "x"],
        )
        refused = [
            issuer.token(**{**good, "exp": now - 1}), issuer.token(**{**good, "aud": "others"}), issuer.token(**{**good, "nbf": now + 600}),
            issuer.token(generate_private_key(65537, 2048), **good), issuer.token(**{**good, "iss": "http://127.0.0.1:1"}), "no.token", "",
        ]  # fmt: skip
        assert [status("token", token) for token in refused] == [401] * len(refused)
        assert [status("scope", issuer.token(**{**good, "scope": each})) for each in ("rows.read", "rows.write")] == [
            200,
            403,
        ]

        url = f"{api.url}/signed"
        assert ask(url, "POST", b"{}")[0] == 403
        assert ask(url, "POST", b"{}", **signed(shared_cloud, url, body=b"{}"))[0] == 403, "signed for lambda"
        assert ask(url, "POST", b"{}", **signed(shared_cloud, url, service="execute-api", body=b"{}"))[0] == 200


def test_what_is_not_there_is_refused_by_name(shared_cloud: CloudProcess, unique: str) -> None:
    api = Api(shared_cloud, unique)
    client, name = api.client, {"ApiId": api.id}
    route = api.route("GET /a")
    proxy = {"IntegrationType": "AWS_PROXY", "IntegrationUri": api.arn, "PayloadFormatVersion": "2.0"}
    jwt = {"Issuer": "http://127.0.0.1:9", "Audience": ["a"]}
    people = {"AuthorizerType": "JWT", "IdentitySource": ["$request.header.Authorization"], "Name": "p"}
    codes = []
    for call, arguments in (
        ("create_api", {"Name": "w", "ProtocolType": "WEBSOCKET"}),
        ("create_domain_name", {"DomainName": "a.example"}),
        ("create_integration", {**name, **proxy, "PayloadFormatVersion": "1.0"}),
        ("create_integration", {**name, **proxy, "IntegrationType": "HTTP_PROXY"}),
        ("create_stage", {**name, "StageName": "s", "AccessLogSettings": {"Format": "x", "DestinationArn": "y"}}),
        ("create_route", {**name, "RouteKey": "GET /a"}),
        ("create_route", {**name, "RouteKey": "GET a"}),
        ("create_route", {**name, "RouteKey": "GET /b", "Target": "integrations/none"}),
        ("create_authorizer", {**name, **people, "JwtConfiguration": jwt}),
        ("delete_integration", {**name, "IntegrationId": api.integration}),
        ("get_route", {**name, "RouteId": "none"}),
    ):
        try:
            getattr(client, call)(**arguments)
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
        else:
            codes.append(f"{call} {arguments} is taken")
    assert codes == ["NotImplemented"] * 5 + ["ConflictException"] + ["BadRequestException"] * 3 + [
        "ConflictException",
        "NotFoundException",
    ]
    assert [each["RouteId"] for each in client.get_routes(**name)["Items"]] == [route]
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api.id}"
    client.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert client.get_tags(ResourceArn=arn)["Tags"] == client.get_api(**name)["Tags"] == {"b": "2"}


def test_ports_are_kept_when_the_cloud_is_killed(local_cloud: CloudProcess, unique: str) -> None:
    api = Api(local_cloud, unique)
    api.permit()
    api.route("$default")
    api.client.create_stage(ApiId=api.id, StageName="$default", AutoDeploy=True)
    url = local_cloud.client("lambda").create_function_url_config(FunctionName=unique, AuthType="AWS_IAM")[
        "FunctionUrl"
    ]
    local_cloud.kill()
    local_cloud.start()
    assert ask(f"{api.url}/x")[0] == 200
    assert ask(url)[0] == 403
    local_cloud.admin.call("reset")
    for gone in (api.url, url):
        with pytest.raises(ConnectionRefusedError):
            ask(gone)
