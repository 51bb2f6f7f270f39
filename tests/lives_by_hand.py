"""What somebody does beside Pulumi to what the stand-in has made of S3's, IAM's, SageMaker's and Scheduler's types."""

from __future__ import annotations

from typing import Any

from fogbank.contracts import tokens
from fogbank.ground.aws import LOCAL_ACCOUNT
from tests.lives import POLICY

Call = tuple[str, str, dict[str, Any]]
HAND = [{"Key": "a", "Value": "hand"}]


def changes_by_hand(unique: str, bucket: str, target: dict[str, str]) -> dict[str, Call]:
    """A call for each type, about what its life (tests/contracts/test_standin.py) is called: it changes, or ends, what is there."""

    def arn(service: str, path: str) -> str:
        return f"arn:aws:{service}:us-east-1:{LOCAL_ACCOUNT}:{path}/{unique}"

    hourly = {
        "MonitoringJobDefinitionName": f"{unique}-d",
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
    }
    scheduled = {
        "ScheduleExpression": "rate(2 days)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": target["arn"], "RoleArn": target["roleArn"], "Input": target["input"]},
    }
    return {
        tokens.BUCKET: ("s3", "put_bucket_tagging", {"Bucket": f"{unique}-b", "Tagging": {"TagSet": HAND}}),
        tokens.BUCKET_PUBLIC_ACCESS_BLOCK: ("s3", "delete_public_access_block", {"Bucket": bucket}),
        tokens.BUCKET_POLICY: ("s3", "delete_bucket_policy", {"Bucket": bucket}),
        tokens.BUCKET_LIFECYCLE: ("s3", "delete_bucket_lifecycle", {"Bucket": bucket}),
        tokens.BUCKET_OBJECT: ("s3", "delete_object", {"Bucket": bucket, "Key": "o.txt"}),
        tokens.ROLE: ("iam", "update_role", {"RoleName": unique, "Description": "hand"}),
        tokens.ROLE_POLICY: (
            "iam",
            "put_role_policy",
            {"RoleName": f"{unique}-r", "PolicyName": unique, "PolicyDocument": POLICY},
        ),
        tokens.MODEL: ("sagemaker", "delete_model", {"ModelName": unique}),
        tokens.ENDPOINT_CONFIGURATION: ("sagemaker", "delete_endpoint_config", {"EndpointConfigName": unique}),
        tokens.ENDPOINT: ("sagemaker", "add_tags", {"ResourceArn": arn("sagemaker", "endpoint"), "Tags": HAND}),
        tokens.DATA_QUALITY_JOB_DEFINITION: (
            "sagemaker",
            "delete_data_quality_job_definition",
            {"JobDefinitionName": unique},
        ),
        tokens.MONITORING_SCHEDULE: (
            "sagemaker",
            "update_monitoring_schedule",
            {"MonitoringScheduleName": unique, "MonitoringScheduleConfig": hourly},
        ),
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup": (
            "sagemaker",
            "add_tags",
            {"ResourceArn": arn("sagemaker", "model-package-group"), "Tags": HAND},
        ),
        "aws:scheduler/scheduleGroup:ScheduleGroup": (
            "scheduler",
            "tag_resource",
            {"ResourceArn": arn("scheduler", "schedule-group"), "Tags": HAND},
        ),
        tokens.SCHEDULE: ("scheduler", "update_schedule", {"Name": unique, **scheduled}),
        "aws:lambda/layerVersion:LayerVersion": (
            "lambda",
            "delete_layer_version",
            {"LayerName": unique, "VersionNumber": 1},
        ),
    }
