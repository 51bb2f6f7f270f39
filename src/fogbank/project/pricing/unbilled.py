"""Types that bill nothing themselves: what runs or lies in them is priced where it comes from (a configuration's instances at its endpoint,
captured records in a bucket too); rules of EventBridge bill nothing for AWS's own events and for times."""

from __future__ import annotations

from fogbank.contracts import tokens

UNBILLED = frozenset(
    {
        tokens.ROLE, tokens.ROLE_POLICY, "aws:iam/policy:Policy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        tokens.MODEL, tokens.ENDPOINT_CONFIGURATION, tokens.ROLLOUT, tokens.DATA_QUALITY_JOB_DEFINITION, tokens.JOB_DEFINITION,
        tokens.MODEL_VERSION, "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy", "aws:sagemaker/pipeline:Pipeline", "aws:scheduler/scheduleGroup:ScheduleGroup",
        tokens.BUCKET, tokens.BUCKET_NOTIFICATION, tokens.BUCKET_PUBLIC_ACCESS_BLOCK, tokens.BUCKET_POLICY, tokens.BUCKET_LIFECYCLE,
        tokens.BUCKET_ENCRYPTION, "aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        "aws:s3/bucketV2:BucketV2", "aws:s3/bucketVersioningV2:BucketVersioningV2",
        "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2", "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
        "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
        tokens.SCALABLE_TARGET, "aws:appautoscaling/scheduledAction:ScheduledAction",
        tokens.LOG_GROUP, tokens.LOG_RETENTION, tokens.EVENT_RULE, tokens.EVENT_TARGET,
        tokens.COST_BUDGET, tokens.QUEUE_POLICY, "aws:sqs/redrivePolicy:RedrivePolicy", "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription", "aws:kms/alias:Alias",
        "aws:secretsmanager/secretVersion:SecretVersion",
        tokens.FUNCTION_PERMISSION, "aws:lambda/alias:Alias", "aws:lambda/eventSourceMapping:EventSourceMapping",
        "aws:lambda/functionUrl:FunctionUrl", "aws:lambda/layerVersion:LayerVersion", "aws:apigatewayv2/route:Route",
        "aws:apigatewayv2/integration:Integration", "aws:apigatewayv2/stage:Stage", "aws:apigatewayv2/authorizer:Authorizer",
        "aws:apigatewayv2/deployment:Deployment",
        "aws:ecr/repository:Repository", "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    }
)  # fmt: skip
