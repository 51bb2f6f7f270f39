"""What arrives in a bucket is told by EventBridge to a function, which sends it on; what nobody can work on lies in a dead-letter queue."""

import json

import pulumi
import pulumi_aws as aws
from told import later, name

HANDLER = """
import json, os
import boto3

def handler(event, context):
    told = event["detail"]["object"]
    body = {"key": told["key"], "stage": os.environ["STAGE"]}
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(body))
"""
bucket = aws.s3.Bucket("in", bucket=f"{name}-in", force_destroy=True)
told = aws.s3.BucketNotification("in", bucket=bucket.bucket, eventbridge=True)
dead = aws.sqs.Queue("in-dead", name=f"{name}-in-dead", message_retention_seconds=1209600)
queue = aws.sqs.Queue("in-queue", name=f"{name}-in-queue", visibility_timeout_seconds=60 if later else 30)
aws.sqs.RedrivePolicy(
    "in-queue",
    queue_url=queue.url,
    redrive_policy=dead.arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})),
)
trust = aws.iam.get_policy_document(
    statements=[
        {"actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}]}
    ]
)
role = aws.iam.Role("in-role", name=f"{name}-in", assume_role_policy=trust.json)
sends = aws.iam.get_policy_document_output(statements=[{"actions": ["sqs:SendMessage"], "resources": [queue.arn]}])
aws.iam.RolePolicy("in-sends", role=role.name, policy=sends.json)
function = aws.lambda_.Function(
    "in-function", name=f"{name}-in", role=role.arn, runtime="python3.11", handler="index.handler", timeout=20,
    code=pulumi.AssetArchive({"index.py": pulumi.StringAsset(HANDLER)}),
    environment={"variables": {"QUEUE": queue.url, "STAGE": "second" if later else "first"}},
)  # fmt: skip
rule = aws.cloudwatch.EventRule(
    "in-came",
    name=f"{name}-in",
    event_pattern=bucket.bucket.apply(
        lambda it: json.dumps(
            {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [it]}}}
        )
    ),
)
aws.cloudwatch.EventTarget(
    "in-function",
    rule=rule.name,
    arn=function.arn,
    retry_policy={"maximum_event_age_in_seconds": 300, "maximum_retry_attempts": 1},
    dead_letter_config={"arn": dead.arn},
)
aws.lambda_.Permission(
    "in-rule",
    function=function.name,
    action="lambda:InvokeFunction",
    principal="events.amazonaws.com",
    source_arn=rule.arn,
)
outputs = {"bucket": bucket.bucket, "queue": queue.url, "dead": dead.url}
