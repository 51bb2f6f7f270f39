"""Lives of Lambda's types, with the functions, queues and layers that they refer to."""

from __future__ import annotations

from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.provider.assets import ARCHIVE
from fogbank.provider.compare import SIGNATURE
from fogbank.provider.standin import StandIn
from tests.lives import TRUST, Life
from tests.lives_services import made

TEXT = "c44067f5952c0a294b673a41bacd8c17"


def archive(source: str, name: str = "app.py") -> dict[str, Any]:
    """A zip of one module, as the engine hands it on; its hash is the source's own."""
    text = {SIGNATURE: TEXT, "text": source}
    return {SIGNATURE: ARCHIVE, "assets": {name: text}, "hash": source}


def function(standin: StandIn, name: str) -> dict[str, Any]:
    """A function's inputs."""
    del standin
    role = f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{name}-f"
    code = archive("def answer(event, context):\n    return event\n")
    return {"name": name, "role": role, "runtime": "python3.11", "handler": "app.answer", "code": code}


def apis(standin: StandIn, unique: str, function_arn: str, issuer: str) -> list[Life]:
    """An HTTP API and its parts, which are parts of another one."""
    api = standin.create("aws:apigatewayv2/api:Api", {"name": f"{unique}-o", "protocolType": "HTTP"})[0]
    proxy = {
        "apiId": api,
        "integrationType": "AWS_PROXY",
        "integrationUri": function_arn,
        "payloadFormatVersion": "2.0",
    }
    target = standin.create("aws:apigatewayv2/integration:Integration", proxy)[0]
    made(
        standin,
        "aws:apigatewayv2/route:Route",
        {"apiId": api, "routeKey": "GET /one", "target": f"integrations/{target}"},
    )
    cors = {"allowOrigins": ["https://b.example", "https://a.example"], "maxAge": 60}
    slow = {"routeKey": "GET /one", "throttlingRateLimit": 2.5, "throttlingBurstLimit": 5}
    return [
        Life(
            "aws:apigatewayv2/api:Api",
            {"name": unique, "protocolType": "HTTP", "corsConfiguration": cors, "description": "One", "tags": {"a": "1"}},
            {"corsConfiguration": None, "description": None, "version": "2", "tags": {"b": "2"}},
            same={"ipAddressType": "ipv4", "routeSelectionExpression": "$request.method $request.path"},
            by_hand=("apigatewayv2", "update_api", {"ApiId": "{id}", "Description": "Hand", "Version": "9"}),
        ),
        Life(
            "aws:apigatewayv2/integration:Integration",
            {**proxy, "description": "One", "timeoutMilliseconds": 5000},
            {"description": None, "timeoutMilliseconds": None},
            f"{api}/{{id}}",
            same={"connectionType": "INTERNET", "integrationMethod": "POST"},
            by_hand=("apigatewayv2", "update_integration", {"ApiId": api, "IntegrationId": "{id}", "TimeoutInMillis": 77}),
        ),
        Life(
            "aws:apigatewayv2/route:Route",
            {"apiId": api, "routeKey": "GET /two", "operationName": "two", "authorizationType": "AWS_IAM"},
            {"operationName": None, "authorizationType": None, "target": f"integrations/{target}"},
            f"{api}/{{id}}",
            by_hand=("apigatewayv2", "update_route", {"ApiId": api, "RouteId": "{id}", "RouteKey": "GET /three"}),
        ),
        Life(
            "aws:apigatewayv2/stage:Stage",
            {"apiId": api, "name": "v1", "autoDeploy": True, "stageVariables": {"a": "1"}, "routeSettings": [slow], "tags": {"a": "1"}},
            {"stageVariables": None, "routeSettings": None, "defaultRouteSettings": {"throttlingBurstLimit": 7}, "tags": {"b": "2"}},
            f"{api}/v1",
            by_hand=("apigatewayv2", "update_stage", {"ApiId": api, "StageName": "v1", "AutoDeploy": False}),
        ),
        Life(
            "aws:apigatewayv2/deployment:Deployment",
            {"apiId": api, "description": "One", "triggers": {"a": "1"}},
            {"description": "Two"},
            f"{api}/{{id}}",
            by_hand=("apigatewayv2", "update_deployment", {"ApiId": api, "DeploymentId": "{id}", "Description": "Hand"}),
        ),
        Life(
            "aws:apigatewayv2/authorizer:Authorizer",
            {
                "apiId": api, "authorizerType": "JWT", "name": "people", "identitySources": ["$request.header.Authorization"],
                "jwtConfiguration": {"issuer": issuer, "audiences": ["a"]},
            },
            {"name": "others", "jwtConfiguration": {"issuer": issuer, "audiences": ["a", "b"]}},
            f"{api}/{{id}}",
            by_hand=("apigatewayv2", "update_authorizer", {"ApiId": api, "AuthorizerId": "{id}", "Name": "hand"}),
        ),
    ]  # fmt: skip


def functions(standin: StandIn, unique: str, issuer: str) -> list[Life]:
    """A function, and what stands around it."""
    for suffix in ("", "-g"):
        made(standin, "aws:iam/role:Role", {"name": f"{unique}{suffix}-f", "assumeRolePolicy": TRUST})
    other = made(standin, "aws:lambda/function:Function", {**function(standin, f"{unique}-g"), "publish": True})
    queue = made(standin, "aws:sqs/queue:Queue", {"name": f"{unique}-f"})["arn"]
    named = {"layerName": f"{unique}-l", "code": archive("X = 1\n", "python/extra.py")}
    layer = made(standin, "aws:lambda/layerVersion:LayerVersion", named)["arn"]
    permitted = {"function": other["name"], "statementId": "topics", "action": "lambda:InvokeFunction"}
    source = {"principal": "sns.amazonaws.com", "sourceArn": f"arn:aws:sns:us-east-1:{LOCAL_ACCOUNT}:t"}
    return [
        Life(
            "aws:lambda/function:Function",
            {
                **function(standin, unique), "publish": True, "environment": {"variables": {"A": "1"}}, "layers": [layer],
                "memorySize": 256, "timeout": 10, "description": "One", "reservedConcurrentExecutions": 2, "tags": {"a": "1"},
            },
            {
                "code": archive("def answer(event, context):\n    return 2\n"), "environment": None, "layers": None, "memorySize": None,
                "timeout": 20, "description": None, "reservedConcurrentExecutions": 0, "tags": {"b": "2"},
            },
            same={"memorySize": 128, "packageType": "Zip", "description": ""},
            by_hand=("lambda", "update_function_configuration", {"FunctionName": "{id}", "Timeout": 77}),
        ),
        Life(
            "aws:lambda/layerVersion:LayerVersion",
            {**named, "layerName": unique, "description": "One", "compatibleRuntimes": ["python3.11"]},
            {"skipDestroy": False},
        ),
        Life(
            "aws:lambda/alias:Alias",
            {"name": "live", "functionName": other["name"], "functionVersion": "1", "description": "One"},
            {"functionVersion": "$LATEST", "description": None},
            f"{other['name']}/live",
            by_hand=("lambda", "update_alias", {"FunctionName": other["name"], "Name": "live", "FunctionVersion": "1"}),
        ),
        Life(
            "aws:lambda/permission:Permission",
            {**permitted, **source},
            {},
            f"{other['name']}/topics",
            by_hand=("lambda", "remove_permission", {"FunctionName": other["name"], "StatementId": "topics"}),
        ),
        Life(
            "aws:lambda/functionUrl:FunctionUrl",
            {"functionName": other["name"], "authorizationType": "AWS_IAM", "cors": {"allowOrigins": ["https://b.example", "https://a.example"]}},
            {"authorizationType": "NONE", "cors": None},
            same={"invokeMode": "BUFFERED"},
            by_hand=("lambda", "update_function_url_config", {"FunctionName": other["name"], "AuthType": "AWS_IAM"}),
        ),
        *apis(standin, unique, other["arn"], issuer),
        Life(
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            {
                "functionName": other["name"], "eventSourceArn": queue, "batchSize": 5,
                "functionResponseTypes": ["ReportBatchItemFailures"], "tags": {"a": "1"},
            },
            {"functionName": other["arn"], "enabled": False, "functionResponseTypes": None, "batchSize": 7, "tags": {"b": "2"}},
            by_hand=("lambda", "update_event_source_mapping", {"UUID": "{id}", "BatchSize": 3}),
        ),
    ]  # fmt: skip
