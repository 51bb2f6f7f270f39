"""An HTTP API for those with tokens: its function asks the model and writes who asked into a table, ciphered by a key of the team's."""

import json

import pulumi
import pulumi_aws as aws
from serving import live
from told import config, later, name

HANDLER = """
import base64, json, os, time
import boto3

def handler(event, context):
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    body = event["body"]
    row = base64.b64decode(body) if event.get("isBase64Encoded") else body
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=os.environ["ENDPOINT"], ContentType="text/csv", Body=row)["Body"].read().decode()
    who = boto3.client("kms").encrypt(KeyId=os.environ["KEY"], Plaintext=claims["sub"].encode())["CiphertextBlob"]
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={
        "request": {"S": event["requestContext"]["requestId"]}, "who": {"B": who}, "until": {"N": str(int(time.time()) + 86400)}})
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": answer}
"""
key = aws.kms.Key("audit", description="Who asked", enable_key_rotation=True, deletion_window_in_days=7)
aws.kms.Alias("audit", name=f"alias/{name}-audit", target_key_id=key.key_id)
table = aws.dynamodb.Table(
    "audit", name=f"{name}-audit", billing_mode="PAY_PER_REQUEST", hash_key="request", attributes=[{"name": "request", "type": "S"}],
    ttl={"attribute_name": "until", "enabled": True}, point_in_time_recovery={"enabled": later},
)  # fmt: skip
trust = aws.iam.get_policy_document(
    statements=[
        {"actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}]}
    ]
)
role = aws.iam.Role("front", name=f"{name}-front", assume_role_policy=trust.json)
may = aws.iam.get_policy_document_output(
    statements=[
        {"actions": ["sagemaker:InvokeEndpoint"], "resources": [live.endpoint_arn]},
        {"actions": ["kms:Encrypt"], "resources": [key.arn]},
        {"actions": ["dynamodb:PutItem"], "resources": [table.arn]},
    ]
)
policy = aws.iam.Policy("front", name=f"{name}-front", policy=may.json)
aws.iam.RolePolicyAttachment("front", role=role.name, policy_arn=policy.arn)
function = aws.lambda_.Function(
    "front", name=f"{name}-front", role=role.arn, runtime="python3.11", handler="index.handler", timeout=30,
    code=pulumi.AssetArchive({"index.py": pulumi.StringAsset(HANDLER)}),
    environment={"variables": {"ENDPOINT": live.endpoint_name, "TABLE": table.name, "KEY": key.key_id}},
)  # fmt: skip
api = aws.apigatewayv2.Api(
    "front",
    name=f"{name}-front",
    protocol_type="HTTP",
    cors_configuration={"allow_origins": ["https://shop.example"], "allow_methods": ["POST"], "max_age": 60},
)
tokens = aws.apigatewayv2.Authorizer(
    "tokens",
    api_id=api.id,
    name="tokens",
    authorizer_type="JWT",
    identity_sources=["$request.header.Authorization"],
    jwt_configuration={"issuer": config.require("issuer"), "audiences": ["rows"]},
)
asks = aws.apigatewayv2.Integration(
    "asks", api_id=api.id, integration_type="AWS_PROXY", integration_uri=function.arn, payload_format_version="2.0"
)
aws.apigatewayv2.Route(
    "asks",
    api_id=api.id,
    route_key="POST /score",
    target=asks.id.apply("integrations/{}".format),
    authorization_type="JWT",
    authorizer_id=tokens.id,
)
aws.apigatewayv2.Stage(
    "front",
    api_id=api.id,
    name="$default",
    auto_deploy=True,
    default_route_settings={"throttling_rate_limit": 20 if later else 10, "throttling_burst_limit": 20},
)
aws.lambda_.Permission(
    "front",
    function=function.name,
    action="lambda:InvokeFunction",
    principal="apigateway.amazonaws.com",
    source_arn=api.execution_arn.apply("{}/*/*/score".format),
)
aws.cloudwatch.LogGroup("front", name=f"/aws/lambda/{name}-front", retention_in_days=14)
outputs = {
    "url": api.api_endpoint,
    "table": table.name,
    "rights": may.json.apply(lambda text: len(json.loads(text)["Statement"])),
}
