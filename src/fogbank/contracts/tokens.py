"""The declaration wire: the resource types that the components declare and the stand-in serves.

Tokens are pulumi-aws's own (`package:module/resource:Resource`).
"""

from __future__ import annotations

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
MODEL = "aws:sagemaker/model:Model"
ENDPOINT_CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
DATA_QUALITY_JOB_DEFINITION = "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"
MONITORING_SCHEDULE = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
SCHEDULE = "aws:scheduler/schedule:Schedule"

IMAGE = "fogbank:index:Image"
"""The one type of fogbank's own provider so far."""
LAYOUT_SCHEME = "oci:"
"""Before the folder of an OCI layout, in the URI of an image that is in no registry: `oci:<folder>@sha256:<hex>`."""

MODEL_SERVICE = "fogbank:components:ModelService"
ENDPOINT_COMPONENT = "fogbank:components:Endpoint"
BATCH_TRANSFORM = "fogbank:components:BatchTransform"
MONITORING = "fogbank:components:MonitoringSchedule"

CREATE_TRANSFORM_JOB_TARGET = "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob"
"""EventBridge Scheduler's universal target for CreateTransformJob."""
EXECUTION_ID = "<aws.scheduler.execution-id>"
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

LOCAL_ACCOUNT = "123456789012"
LOCAL_ACCESS_KEY = "fogbank-local"
LOCAL_SECRET_KEY = "fogbank-local"  # noqa: S105 - the local cloud has no secrets; AWS refuses this key
