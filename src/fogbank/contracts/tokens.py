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
ROLLOUT = "fogbank:index:Rollout"
LIVE_CONFIGURATION = "fogbank:index:liveConfiguration"
OWN = frozenset({IMAGE, ROLLOUT})
"""The types of fogbank's own provider, and its function."""

MODEL_SERVICE = "fogbank:components:ModelService"
ENDPOINT_COMPONENT = "fogbank:components:Endpoint"
BATCH_TRANSFORM = "fogbank:components:BatchTransform"
MONITORING = "fogbank:components:MonitoringSchedule"


def urn_parts(urn: str) -> tuple[str, str]:
    """The resource type, without its parents', and the logical name in a Pulumi URN.

    >>> urn_parts("urn:pulumi:local::churn::fogbank:components:Endpoint$aws:sagemaker/endpoint:Endpoint::a::b")
    ('aws:sagemaker/endpoint:Endpoint', 'a::b')
    """
    _, _, kind, name = urn.split("::", 3)
    return kind.rpartition("$")[2], name
