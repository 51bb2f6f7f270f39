"""The deployer's least policy: what changes in names is a star, roles are passed to their services alone, nothing is asked for `*`
but what has no resource."""

from __future__ import annotations

import json
from typing import Any

from fogbank.contracts import tokens
from fogbank.project.access.deployer import GRANTS, INSIDE, policy, stable_name, ungranted
from fogbank.project.declared.declaration import Declared
from fogbank.provider.standin import TABLE

WHERE = {"partition": "aws", "region": "eu-west-1", "account": "210987654321"}
TRUST = json.dumps({"Statement": [{"Principal": {"Service": "scheduler.amazonaws.com"}}]})
ROLE = Declared(
    name="nightly-role", type=tokens.ROLE, inputs={"__autonamed": "name", "name": "nightly-role-0e98a3f", "assumeRolePolicy": TRUST}
)  # fmt: skip
TRIED = (
    "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpointWeightsAndCapacities",
    "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms",
)  # fmt: skip
"""What Application Auto Scaling tries of who registers a variant."""
REPOSITORY = "109876543210.dkr.ecr.eu-central-1.amazonaws.com/team/churn:1"


def by_action(*resources: Declared) -> dict[str, Any]:
    """Each action's statement."""
    return {action: item for item in policy(resources, WHERE)["Statement"] for action in item["Action"]}


def test_what_changes_in_a_name_is_a_star() -> None:
    model = Declared(
        name="churn-model", type=tokens.MODEL, inputs={"__autonamed": "name", "name": "churn-prod-0123abc"}
    )
    endpoint = Declared(name="live", type=tokens.ENDPOINT, inputs={"name": "churn-prod-live"})

    assert [stable_name(each) for each in (ROLE, model, endpoint)] == [
        "nightly-role-*",
        "churn-prod-*",
        "churn-prod-live",
    ]


def test_a_role_is_passed_to_its_service_alone() -> None:
    passing = by_action(ROLE)["iam:PassRole"]

    assert passing["Resource"] == ["arn:aws:iam::210987654321:role/nightly-role-*"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def test_a_role_that_is_brought_is_passed_too() -> None:
    own = "arn:aws:iam::210987654321:role/ml"
    made, brought = (
        Declared(name="m", type=tokens.MODEL, inputs={"name": "m", "executionRoleArn": arn})
        for arn in ("arn:aws:service:eu-west-1:210987654321:churn-role-1234567", own)
    )

    assert by_action(brought)["iam:PassRole"]["Resource"] == [own]
    assert "iam:PassRole" not in by_action(made)


def test_who_puts_a_model_into_a_vpc_asks_nothing_of_ec2() -> None:
    """The network interfaces are made under the model's own role (Developer Guide, "Give SageMaker Hosted Endpoints Access to Resources in
    Your Amazon VPC"; Service Authorization Reference: CreateModel depends on iam:PassRole alone). Subnets of the program's own are told."""
    inside = Declared(
        name="m",
        type=tokens.MODEL,
        inputs={"name": "Churn-Prod", "vpcConfig": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}},
    )
    subnet = Declared(name="s", type="aws:ec2/subnet:Subnet", inputs={})
    asked = by_action(inside, subnet)

    assert not [action for action in asked if action.startswith("ec2:")]
    assert asked["sagemaker:CreateModel"]["Resource"] == [
        "arn:aws:sagemaker:eu-west-1:210987654321:model/churn-prod"
    ], "ARNs of SageMaker's have small letters"
    assert ungranted([inside, subnet]) == ["aws:ec2/subnet:Subnet"]


def test_an_http_api_is_asked_by_methods_and_paths_with_all_that_lies_in_it() -> None:
    api = Declared(name="a", type=tokens.API, inputs={"name": "front", "protocolType": "HTTP"})
    kinds = (tokens.API_INTEGRATION, tokens.API_ROUTE, tokens.API_STAGE, tokens.API_AUTHORIZER)
    parts = [Declared(name=kind, type=kind, inputs={}) for kind in kinds]
    asked = by_action(api, *parts)

    assert ungranted([api, *parts]) == []
    assert all(kind in TABLE for kind in (tokens.API, *kinds))
    assert asked["apigateway:PATCH"]["Resource"] == ["arn:aws:apigateway:eu-west-1::/apis*"]


def test_whoever_may_tag_may_untag() -> None:
    """A tag that the program no longer says is taken away by the same `up`."""
    untag = {
        "sagemaker:AddTags": "sagemaker:DeleteTags",
        "iam:TagRole": "iam:UntagRole",
        "sqs:TagQueue": "sqs:UntagQueue",
    }
    tagged = {token for token in GRANTS if token in TABLE and TABLE[token].taggable}
    for token in tagged:
        actions = {action for grant in GRANTS[token] for action in grant.actions}
        tagging = {action for action in actions if action in untag or action.endswith(":TagResource")}
        missing = {untag.get(action, action.replace(":Tag", ":Untag")) for action in tagging} - actions
        assert not missing, (token, missing)
    assert len(tagged) > 10


def test_a_long_endpoints_configurations_begin_with_less_of_its_name() -> None:
    name = f"{'x' * 54}-{'y' * 8}"
    endpoint = Declared(name="e", type=tokens.ENDPOINT, inputs={"name": name})
    places = {place for item in policy([endpoint], WHERE)["Statement"] for place in item["Resource"]}

    assert f"arn:aws:sagemaker:eu-west-1:210987654321:endpoint-config/{'x' * 54}*" in places
    assert f"arn:aws:sagemaker:eu-west-1:210987654321:endpoint/{name}" in places


def test_who_registers_what_scales_is_tried_without_names() -> None:
    """Application Auto Scaling User Guide, "Permissions validation": it calls with no name, or one that is not there, as who registers."""
    target = Declared(name="t", type=tokens.SCALABLE_TARGET, inputs={"resourceId": "endpoint/live/variant/a"})
    asked = by_action(target)

    assert [asked[action]["Resource"] for action in TRIED] == [["*"]] * len(TRIED)


def test_a_boundary_is_put_on_its_roles_and_is_no_other() -> None:
    boundary = "arn:aws:iam::210987654321:policy/team"
    bounded = Declared(name="b", type=tokens.ROLE, inputs={**ROLE.inputs, "permissionsBoundary": boundary})
    statement = by_action(bounded)["iam:PutRolePermissionsBoundary"]

    assert statement["Resource"] == ["arn:aws:iam::210987654321:role/nightly-role-*"]
    assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    assert "iam:PutRolePermissionsBoundary" not in by_action(ROLE)


def test_a_key_of_ones_own_is_used_for_the_bucket_and_granted_for_disks() -> None:
    key = "arn:aws:kms:eu-west-1:210987654321:key/0123"
    default = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}}
    bucket = Declared(name="e", type=tokens.BUCKET_ENCRYPTION, inputs={"bucket": "churn-0123abc", "rules": [default]})
    disks = Declared(name="c", type=tokens.ENDPOINT_CONFIGURATION, inputs={"name": "c", "kmsKeyArn": "alias/disks"})
    allowed = by_action(bucket, disks)

    assert allowed["kms:GenerateDataKey"]["Resource"] == allowed["kms:Decrypt"]["Resource"] == [key]
    assert allowed["kms:CreateGrant"]["Resource"] == ["arn:aws:kms:eu-west-1:210987654321:key/*"]
    assert allowed["kms:CreateGrant"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert not [action for action in by_action(ROLE) if action.startswith("kms:")]


def test_an_image_is_pushed_to_its_own_repository() -> None:
    image = Declared(name="image", type=tokens.IMAGE, inputs={"repository": REPOSITORY})

    assert by_action(image)["ecr:PutImage"]["Resource"] == [
        "arn:aws:ecr:eu-central-1:109876543210:repository/team/churn"
    ]


def test_resources_of_one_kind_share_a_statement() -> None:
    other = Declared(name="b", type=tokens.ROLE, inputs={**ROLE.inputs, "name": "quality-role-1234567"})
    statements = policy([ROLE, other], WHERE)["Statement"]

    assert len(statements) == 3
    assert statements[1]["Resource"] == [
        f"arn:aws:iam::210987654321:role/{name}-role-*" for name in ("nightly", "quality")
    ]


def test_every_type_of_the_components_that_is_a_thing_of_its_own_is_granted() -> None:
    declared = {
        value
        for name, value in vars(tokens).items()
        if name.isupper() and isinstance(value, str) and value.startswith("aws:")
    }

    assert declared | (tokens.OWN - {tokens.ROLLOUT}) == (set(GRANTS) | INSIDE) - {tokens.ROLLOUT}
    assert declared <= set(TABLE)


def test_what_the_table_does_not_know_is_told_and_not_passed_over() -> None:
    others = [
        Declared(name=kind, type=kind, inputs={})
        for kind in ("aws:sns/topic:Topic", tokens.ROLE_POLICY, "my:own:Thing")
    ]

    assert ungranted([ROLE, *others]) == ["aws:sns/topic:Topic"]


def test_a_star_is_asked_only_where_there_is_no_resource() -> None:
    stars = {
        action for grants in GRANTS.values() for grant in grants if grant.resource == "*" for action in grant.actions
    }

    scaling = {
        f"application-autoscaling:Describe{what}" for what in ("ScalableTargets", "ScalingPolicies", "ScheduledActions")
    }
    listing = {"sagemaker:ListModelPackages", "sagemaker:ListTransformJobs"}
    assert stars == {"ecr:GetAuthorizationToken", "logs:DescribeLogGroups", *scaling, *listing, *TRIED}
