"""What is kept, for how long, and what it may cost: a bucket with all that belongs to it, log groups, and a budget."""

import json

import pulumi
import pulumi_aws as aws
from told import later, name

archive = aws.s3.Bucket("archive", bucket=f"{name}-archive", force_destroy=True)
bucket = aws.s3.Bucket("records", bucket=f"{name}-records", force_destroy=True, tags={"class": "confidential"})
kept = aws.s3.BucketVersioning("records", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"})
aws.s3.BucketServerSideEncryptionConfiguration(
    "records",
    bucket=bucket.bucket,
    rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms"}, "bucket_key_enabled": True}],
)
aws.s3.BucketOwnershipControls("records", bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"})
closed = aws.s3.BucketPublicAccessBlock(
    "records",
    bucket=bucket.bucket,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
aws.s3.BucketLifecycleConfiguration(
    "records",
    bucket=bucket.bucket,
    rules=[
        {"id": "raw", "status": "Enabled", "filter": {"prefix": "raw/"}, "expiration": {"days": 30 if later else 90}},
        {
            "id": "parts",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 2},
        },
    ],
)
tls = aws.iam.get_policy_document_output(
    statements=[
        {
            "effect": "Deny",
            "actions": ["s3:*"],
            "resources": [bucket.arn, bucket.arn.apply("{}/*".format)],
            "principals": [{"type": "*", "identifiers": ["*"]}],
            "conditions": [{"test": "NumericLessThan", "variable": "s3:TlsVersion", "values": ["1.2"]}],
        }
    ]
)
aws.s3.BucketPolicy("records", bucket=bucket.bucket, policy=tls.json, opts=pulumi.ResourceOptions(depends_on=[closed]))
news = aws.sqs.Queue("records", name=f"{name}-records")
aws.s3.BucketNotification(
    "records",
    bucket=bucket.bucket,
    queues=[
        {"queue_arn": news.arn, "events": ["s3:ObjectCreated:*"], "filter_prefix": "raw/", "filter_suffix": ".csv"}
    ],
)
copies = aws.iam.Role(
    "copies",
    name=f"{name}-copies",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    ),
)
aws.s3.BucketReplicationConfig(
    "records",
    bucket=bucket.bucket,
    role=copies.arn,
    rules=[
        {
            "id": "all",
            "status": "Enabled",
            "destination": {"bucket": archive.arn, "storage_class": "GLACIER" if later else "STANDARD_IA"},
        }
    ],
    opts=pulumi.ResourceOptions(depends_on=[kept]),
)
for kind, days in {"transform": 30, "processing": 60 if later else 14}.items():
    aws.cloudwatch.LogGroup(f"logs-{kind}", name=f"/{name}/{kind}", retention_in_days=days)
limit = aws.budgets.Budget(
    "month",
    name=f"{name}-month",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="300" if later else "200",
    limit_unit="USD",
    cost_filters=[{"name": "TagKeyValue", "values": ["user:team$fraud"]}],
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "threshold": 80,
            "threshold_type": "PERCENTAGE",
            "notification_type": "ACTUAL",
            "subscriber_email_addresses": ["ml@example.com"],
        }
    ],
)
outputs = {"bucket": bucket.bucket, "queue": news.url, "budget": limit.name, "tags": bucket.tags_all}
