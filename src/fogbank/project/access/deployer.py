"""The least policy of who deploys, from one table: what each declared resource asks of AWS, and of which resources. Pure.

In: declared resources and where they are; out: statements. Source: the Service Authorization Reference of each service, and the calls
that pulumi-aws (Terraform's provider) makes of a type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.contracts import tokens
from fogbank.contracts.names import base_name
from fogbank.contracts.registries import ECR
from fogbank.project.declared.declaration import Declared


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Actions on a resource. `resource` has {partition}, {region}, {account}, and {name}: the resource's, as far as it stays; {base} is
    what the names of an endpoint's configurations begin with."""

    actions: tuple[str, ...]
    resource: str
    passed_to: str = ""


Condition = tuple[str, str, str] | tuple[()]
"""Operator, key and value; nothing where there is none."""
Allowed = tuple[tuple[str, ...], str, Condition]
"""Actions on a resource, under a condition."""
KEY_ID = re.compile(r"(mrk-)?[0-9a-f-]{32,36}")
SAGEMAKER = "arn:{partition}:sagemaker:{region}:{account}:"
TAGGED = ("sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags")
ALWAYS = (Grant(actions=("sts:GetCallerIdentity",), resource="*"),)
GRANTS: Mapping[str, tuple[Grant, ...]] = {
    tokens.BUCKET: (
        Grant(
            actions=(
                "s3:CreateBucket", "s3:DeleteBucket", "s3:ListBucket", "s3:ListBucketVersions", "s3:Get*Configuration", "s3:GetBucket*",
                "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutLifecycleConfiguration",
            ),
            resource="arn:{partition}:s3:::{name}",
        ),
        Grant(
            actions=(
                "s3:PutObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging", "s3:DeleteObject",
                "s3:DeleteObjectVersion",
            ),
            resource="arn:{partition}:s3:::{name}/*",
        ),
    ),
    tokens.ROLE: (
        Grant(
            actions=(
                "iam:CreateRole", "iam:DeleteRole", "iam:GetRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy",
                "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
            ),
            resource="arn:{partition}:iam::{account}:role/{name}",
        ),
        Grant(actions=("iam:PassRole",), resource="arn:{partition}:iam::{account}:role/{name}", passed_to="{service}"),
    ),
    tokens.MODEL: (
        Grant(
            actions=("sagemaker:CreateModel", "sagemaker:DescribeModel", "sagemaker:DeleteModel", *TAGGED),
            resource=SAGEMAKER + "model/{name}",
        ),
    ),
    tokens.ENDPOINT_CONFIGURATION: (
        Grant(
            actions=("sagemaker:CreateEndpointConfig", "sagemaker:DescribeEndpointConfig", "sagemaker:DeleteEndpointConfig", *TAGGED),
            resource=SAGEMAKER + "endpoint-config/{name}",
        ),
    ),
    tokens.ENDPOINT: (
        Grant(
            actions=(
                "sagemaker:CreateEndpoint", "sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:DeleteEndpoint", *TAGGED,
            ),
            resource=SAGEMAKER + "endpoint/{name}",
        ),
        Grant(actions=("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"), resource=SAGEMAKER + "endpoint-config/{base}*"),
    ),
    tokens.DATA_QUALITY_JOB_DEFINITION: (
        Grant(
            actions=(
                "sagemaker:CreateDataQualityJobDefinition", "sagemaker:DescribeDataQualityJobDefinition",
                "sagemaker:DeleteDataQualityJobDefinition", *TAGGED,
            ),
            resource=SAGEMAKER + "data-quality-job-definition/{name}",
        ),
    ),
    tokens.JOB_DEFINITION: (
        Grant(
            actions=(
                *(f"sagemaker:{verb}Model{kind}JobDefinition" for kind in ("Quality", "Bias", "Explainability")
                  for verb in ("Create", "Describe", "Delete")), "sagemaker:AddTags",
            ),
            resource=SAGEMAKER + "model-*-job-definition/{name}",
        ),
    ),
    tokens.MODEL_VERSION: (
        Grant(
            actions=(
                "sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup", "sagemaker:DeleteModelPackageGroup",
                "sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:DeleteModelPackage",
            ),
            resource=SAGEMAKER + "model-package*/{name}*",
        ),
        Grant(actions=("sagemaker:ListModelPackages",), resource="*"),
    ),
    tokens.TRANSFORM_JOB: (
        Grant(
            actions=(
                "sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob", "sagemaker:AddTags",
                "sagemaker:ListTags",
            ),
            resource=SAGEMAKER + "transform-job/{name}",
        ),
        Grant(actions=("sagemaker:ListTransformJobs",), resource="*"),
    ),
    tokens.MONITORING_SCHEDULE: (
        Grant(
            actions=(
                "sagemaker:CreateMonitoringSchedule", "sagemaker:DescribeMonitoringSchedule", "sagemaker:UpdateMonitoringSchedule",
                "sagemaker:DeleteMonitoringSchedule", *TAGGED,
            ),
            resource=SAGEMAKER + "monitoring-schedule/{name}",
        ),
    ),
    tokens.SCHEDULE: (
        Grant(
            actions=("scheduler:CreateSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"),
            resource="arn:{partition}:scheduler:{region}:{account}:schedule/default/{name}",
        ),
    ),
    tokens.BUCKET_ENCRYPTION: (
        Grant(actions=("s3:PutEncryptionConfiguration", "s3:GetEncryptionConfiguration"), resource="arn:{partition}:s3:::{name}"),
    ),
    tokens.QUEUE: (
        Grant(
            actions=(
                "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sqs:GetQueueUrl", "sqs:TagQueue",
                "sqs:UntagQueue", "sqs:ListQueueTags",
            ),
            resource="arn:{partition}:sqs:{region}:{account}:{name}",
        ),
    ),
    tokens.EVENT_RULE: (
        Grant(
            actions=(
                "events:PutRule", "events:DeleteRule", "events:DescribeRule", "events:PutTargets", "events:RemoveTargets",
                "events:ListTargetsByRule", "events:TagResource", "events:UntagResource", "events:ListTagsForResource",
            ),
            resource="arn:{partition}:events:{region}:{account}:rule/{name}",
        ),
    ),
    tokens.METRIC_ALARM: (
        Grant(
            actions=(
                "cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms", "cloudwatch:TagResource",
                "cloudwatch:UntagResource", "cloudwatch:ListTagsForResource",
            ),
            resource="arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}",
        ),
    ),
    tokens.SCALABLE_TARGET: (
        Grant(
            actions=(
                "application-autoscaling:RegisterScalableTarget", "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:PutScalingPolicy", "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:PutScheduledAction", "application-autoscaling:TagResource",
                "application-autoscaling:UntagResource", "application-autoscaling:ListTagsForResource",
            ),
            resource="arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*",
        ),
        Grant(
            actions=(
                "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
            ),
            resource="*",
        ),
        Grant(  # tried before it registers anything, by calls that name no resource, or one that is not there
            actions=(
                "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpointWeightsAndCapacities",
                "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms",
            ),
            resource="*",
        ),
        Grant(
            actions=("iam:CreateServiceLinkedRole",),
            resource="arn:{partition}:iam::{account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/*",
        ),
    ),
    tokens.BUCKET_NOTIFICATION: (
        Grant(actions=("s3:PutBucketNotification", "s3:GetBucketNotification"), resource="arn:{partition}:s3:::{name}"),
    ),
    tokens.FUNCTION: (
        Grant(
            actions=(
                "lambda:CreateFunction", "lambda:GetFunction", "lambda:DeleteFunction", "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration", "lambda:ListVersionsByFunction", "lambda:GetFunctionCodeSigningConfig",
                "lambda:AddPermission", "lambda:RemovePermission", "lambda:GetPolicy", "lambda:TagResource",
                "lambda:UntagResource", "lambda:ListTags",
            ),
            resource="arn:{partition}:lambda:{region}:{account}:function:*",
        ),
    ),
    tokens.LOG_GROUP: (
        Grant(
            actions=(
                "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
                "logs:ListTagsForResource",
            ),
            resource="arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/*",
        ),
        Grant(actions=("logs:DescribeLogGroups",), resource="*"),
    ),
    tokens.LOG_RETENTION: (
        Grant(
            actions=("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:DeleteLogGroup"),
            resource="arn:{partition}:logs:{region}:{account}:log-group:/aws/sagemaker/*",
        ),
        Grant(actions=("logs:DescribeLogGroups",), resource="*"),
    ),
    tokens.API: (
        Grant(
            actions=(
                "apigateway:GET", "apigateway:POST", "apigateway:PATCH", "apigateway:DELETE", "apigateway:TagResource",
                "apigateway:UntagResource",
            ),
            resource="arn:{partition}:apigateway:{region}::/apis*",
        ),
        Grant(actions=("apigateway:POST", "apigateway:DELETE"), resource="arn:{partition}:apigateway:{region}::/tags/*"),
    ),
    tokens.CLOUDWATCH_DASHBOARD: (
        Grant(
            actions=("cloudwatch:PutDashboard", "cloudwatch:GetDashboard", "cloudwatch:DeleteDashboards"),
            resource="arn:{partition}:cloudwatch::{account}:dashboard/*",
        ),
    ),
    tokens.COST_BUDGET: (
        Grant(
            actions=(
                "budgets:ViewBudget", "budgets:ModifyBudget", "budgets:ListTagsForResource", "budgets:TagResource", "budgets:UntagResource",
            ),
            resource="arn:{partition}:budgets::{account}:budget/{name}",
        ),
    ),
    tokens.IMAGE: (
        Grant(actions=("ecr:GetAuthorizationToken",), resource="*"),
        Grant(
            actions=(
                "ecr:DescribeRepositories", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
            ),
            resource="arn:{partition}:ecr:{region}:{account}:repository/{name}",
        ),
    ),
}  # fmt: skip
"""What a type asks."""
INSIDE = frozenset(
    {
        tokens.BUCKET_OBJECT, tokens.BUCKET_POLICY, tokens.BUCKET_LIFECYCLE, tokens.BUCKET_PUBLIC_ACCESS_BLOCK, tokens.ROLE_POLICY,
        tokens.ROLLOUT, tokens.SCALING_POLICY, tokens.QUEUE_POLICY, tokens.EVENT_TARGET,
        tokens.FUNCTION_PERMISSION, tokens.API_INTEGRATION, tokens.API_ROUTE, tokens.API_STAGE, tokens.API_AUTHORIZER,
    }
)  # fmt: skip
"""Types that live in another's resource: they ask nothing besides."""
SUFFIX = 7
"""Pulumi's own letters at a name's end, which change."""


def policy(resources: Sequence[Declared], where: Mapping[str, str]) -> dict[str, Any]:
    """The policy document. `where` has partition, region and account."""
    return {"Version": "2012-10-17", "Statement": list(statements(resources, where))}


def ungranted(resources: Sequence[Declared]) -> list[str]:
    """The types that a program declares besides, of which the table knows nothing."""
    known = {*GRANTS, *INSIDE}
    return sorted({item.type for item in resources if item.type not in known and item.type.startswith("aws:")})


def statements(resources: Sequence[Declared], where: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """One statement for each set of actions and condition, with every resource that it is asked of."""
    merged: dict[tuple[tuple[str, ...], Condition], set[str]] = {}
    for actions, arn, condition in _allowed(resources, where):
        merged.setdefault((actions, condition), set()).add(arn)
    for (actions, condition), arns in merged.items():
        said = {"Condition": {condition[0]: {condition[1]: condition[2]}}} if condition else {}
        yield {"Effect": "Allow", "Action": list(actions), "Resource": sorted(arns), **said}


def _allowed(resources: Sequence[Declared], where: Mapping[str, str]) -> Iterator[Allowed]:
    for grant, resource in [*((grant, None) for grant in ALWAYS), *_asked(resources)]:
        name = stable_name(resource) if resource else ""
        if grant.resource.startswith(SAGEMAKER):
            name = name.lower()  # as SageMaker's ARNs have names
        passed = grant.passed_to.format(service=_assumed_by(resource)) if resource else ""
        yield (
            grant.actions,
            grant.resource.format(name=name, base=base_name(name), **{**where, **_repository(resource)}),
            _passed(passed),
        )
    for arn in _brought(resources, where):
        yield ("iam:PassRole",), arn, _passed("sagemaker.amazonaws.com")
    yield from _bounded(resources, where)
    yield from _encrypted(resources, where)


def _passed(service: str) -> Condition:
    return ("StringEquals", "iam:PassedToService", service) if service else ()


def _bounded(resources: Sequence[Declared], where: Mapping[str, str]) -> Iterator[Allowed]:
    """A role's boundary is put by an action of its own, of which the boundary's owner lets nobody put another (IAM User Guide, "Delegating
    responsibility to others using permissions boundaries")."""
    for item in resources:
        boundary = item.inputs.get("permissionsBoundary")
        if item.type == tokens.ROLE and boundary:
            arn = f"arn:{where['partition']}:iam::{where['account']}:role/{stable_name(item)}"
            yield ("iam:PutRolePermissionsBoundary",), arn, ("StringEquals", "iam:PermissionsBoundary", str(boundary))


def _encrypted(resources: Sequence[Declared], where: Mapping[str, str]) -> Iterator[Allowed]:
    """Keys of the user's own: who puts model data into a bucket uses its key (S3 User Guide, "Using SSE-KMS": GenerateDataKey, and Decrypt
    for uploads in parts), and who makes an endpoint's disks lets SageMaker use theirs (CreateEndpointConfig, KmsKeyId: CreateGrant)."""
    for item in resources:
        if item.type == tokens.BUCKET_ENCRYPTION:
            for rule in item.inputs.get("rules") or ():
                key = (rule.get("applyServerSideEncryptionByDefault") or {}).get("kmsMasterKeyId")
                yield from ((("kms:GenerateDataKey", "kms:Decrypt"), arn, ()) for arn in _keys(key, where))
        if item.type == tokens.ENDPOINT_CONFIGURATION:
            for arn in _keys(item.inputs.get("kmsKeyArn"), where):
                yield ("kms:DescribeKey",), arn, ()
                yield ("kms:CreateGrant",), arn, ("Bool", "kms:GrantIsForAWSResource", "true")


def _keys(key: object, where: Mapping[str, str]) -> Iterator[str]:
    """A key's ARN; policies name no aliases, so one of an alias may be any key of the account."""
    own = f"arn:{where['partition']}:kms:{where['region']}:{where['account']}:key/"
    text = str(key or "")
    if ":key/" in text and text.startswith("arn:"):
        yield text
    elif "alias/" in text:
        yield f"{own}*"
    elif KEY_ID.fullmatch(text):
        yield f"{own}{text}"


def _brought(resources: Sequence[Declared], where: Mapping[str, str]) -> Iterator[str]:
    """The execution roles of models that the program does not make itself, by their ARNs."""
    own = f"arn:{where['partition']}:iam::"
    arns = {str(item.inputs.get("executionRoleArn")) for item in resources if item.type == tokens.MODEL}
    yield from sorted(arn for arn in arns if arn.startswith(own))


def stable_name(resource: Declared) -> str:
    """The resource's name in ARNs: what changes at its end is a star."""
    inputs = resource.inputs
    if resource.type == tokens.IMAGE:
        return str(inputs.get("repository") or "").partition("/")[2].partition(":")[0].partition("@")[0]
    if resource.type == tokens.TRANSFORM_JOB:
        return f"{inputs.get('prefix')}-*"
    if resource.type == tokens.MODEL_VERSION:
        return str(inputs.get("group"))
    name = str(inputs.get("name") or inputs.get("bucket"))
    if "__autonamed" in inputs or resource.type == tokens.BUCKET_ENCRYPTION:  # of a bucket that Pulumi named
        return f"{name[:-SUFFIX]}*"
    return name


def _asked(resources: Sequence[Declared]) -> Iterator[tuple[Grant, Declared]]:
    for kind, grants in GRANTS.items():
        of_a_kind = [resource for resource in resources if resource.type == kind]
        for resource in sorted(of_a_kind, key=lambda each: each.name):
            for grant in grants:
                yield grant, resource


def _repository(resource: Declared | None) -> dict[str, str]:
    """The account and region of an image's repository: they need not be the stack's."""
    if resource is None or resource.type != tokens.IMAGE:
        return {}
    match = ECR.match(str(resource.inputs.get("repository") or ""))
    return {"account": match["account"], "region": match["region"] or match["dual"]} if match else {}


def _assumed_by(resource: Declared) -> str:
    """The service that a role is for, as its trust policy says."""
    if resource.type != tokens.ROLE:
        return ""
    document = json.loads(resource.inputs["assumeRolePolicy"])
    return str(document["Statement"][0]["Principal"]["Service"])
