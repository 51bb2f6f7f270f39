"""The declaration wire: the resource types that the components declare and the stand-in serves.

Tokens are pulumi-aws's own (`package:module/resource:Resource`).
"""

from __future__ import annotations

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
BUCKET_LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BUCKET_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
BUCKET_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
MODEL = "aws:sagemaker/model:Model"
ENDPOINT_CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
DATA_QUALITY_JOB_DEFINITION = "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"
MONITORING_SCHEDULE = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
METRIC_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SCALABLE_TARGET = "aws:appautoscaling/target:Target"
SCALING_POLICY = "aws:appautoscaling/policy:Policy"
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
EVENT_RULE = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET = "aws:cloudwatch/eventTarget:EventTarget"
SCHEDULE = "aws:scheduler/schedule:Schedule"
BUCKET_NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
FUNCTION = "aws:lambda/function:Function"
FUNCTION_PERMISSION = "aws:lambda/permission:Permission"
API = "aws:apigatewayv2/api:Api"
API_INTEGRATION = "aws:apigatewayv2/integration:Integration"
API_ROUTE = "aws:apigatewayv2/route:Route"
API_STAGE = "aws:apigatewayv2/stage:Stage"
API_AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
CLOUDWATCH_DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
COST_BUDGET = "aws:budgets/budget:Budget"

IMAGE = "fogbank:index:Image"
ROLLOUT = "fogbank:index:Rollout"
JOB_DEFINITION = "fogbank:index:JobDefinition"
TRANSFORM_JOB = "fogbank:index:TransformJob"
MODEL_VERSION = "fogbank:index:ModelVersion"
LOG_RETENTION = "fogbank:index:LogRetention"
LIVE_CONFIGURATION = "fogbank:index:liveConfiguration"
OWN = frozenset({IMAGE, ROLLOUT, JOB_DEFINITION, TRANSFORM_JOB, MODEL_VERSION, LOG_RETENTION})
"""The types of fogbank's own provider, and its function."""

MODEL_SERVICE = "fogbank:components:ModelService"
ENDPOINT_COMPONENT = "fogbank:components:Endpoint"
BATCH_TRANSFORM = "fogbank:components:BatchTransform"
MODEL_REGISTRY = "fogbank:components:ModelRegistry"
MONITORING = "fogbank:components:MonitoringSchedule"
HTTP_API = "fogbank:components:HttpApi"
DASHBOARD = "fogbank:components:Dashboard"
BUDGET = "fogbank:components:Budget"
RETRAINING = "fogbank:components:Retraining"


def urn_parts(urn: str) -> tuple[str, str]:
    """The resource type, without its parents', and the logical name in a Pulumi URN.

    >>> urn_parts("urn:pulumi:local::churn::fogbank:components:Endpoint$aws:sagemaker/endpoint:Endpoint::a::b")
    ('aws:sagemaker/endpoint:Endpoint', 'a::b')
    """
    _, _, kind, name = urn.split("::", 3)
    return kind.rpartition("$")[2], name
