"""A team's rules over what is declared, and the waivers that say why one is broken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.contracts import tokens
from fogbank.contracts.errors import ProjectError
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.rules import RULES, Policy, Program, judged, unused

PRODUCTION, DEVELOPMENT = Policy(stage="production"), Policy(stage="development")
INSTANCES = [{"variantName": "a", "instanceType": "ml.m5.large", "initialInstanceCount": 1}]
OPEN = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
KEYED: dict[str, Any] = {"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]}


def resource(kind: str, name: str = "x", /, **inputs: Any) -> Declared:
    return Declared(name=name, type=kind, inputs=inputs)


def broken(policy: Policy, *resources: Declared, tags: frozenset[str] = frozenset()) -> list[str]:
    found = judged(Program(resources=resources, policy=policy, default_tags=tags))
    return [item.waiver for item in found if not item.reason]


BUCKET = resource(tokens.BUCKET, bucket="b")
BLOCK = resource(tokens.BUCKET_PUBLIC_ACCESS_BLOCK, bucket="b", **OPEN)
ENCRYPTED = resource(tokens.BUCKET_ENCRYPTION, **KEYED)
CONFIG = resource(tokens.ENDPOINT_CONFIGURATION, "c", productionVariants=INSTANCES)
GOOD_CONFIG = resource(
    tokens.ENDPOINT_CONFIGURATION, "c", productionVariants=INSTANCES, kmsKeyArn="k", dataCaptureConfig={"enableCapture": True, "kmsKeyId": "k"}
)  # fmt: skip
LIVE = resource(tokens.ENDPOINT, "e", name="live")
END = resource(
    tokens.SCHEDULE, "s",
    target={"arn": "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint", "input": json.dumps({"EndpointName": "live"})},
)  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "resources", "expected"),
    [
        (PRODUCTION, [BUCKET, BLOCK, ENCRYPTED, GOOD_CONFIG], []),
        (PRODUCTION, [BUCKET, BLOCK], ["encryption x"]),
        (DEVELOPMENT, [BUCKET, BLOCK], []),
        (DEVELOPMENT, [BUCKET], ["public x"]),
        (DEVELOPMENT, [BUCKET, resource(tokens.BUCKET_PUBLIC_ACCESS_BLOCK, bucket="b", **{**OPEN, "blockPublicAcls": False})], ["public x"]),
        (PRODUCTION, [CONFIG], ["encryption c", "capture c"]),
        (DEVELOPMENT, [CONFIG], []),
        (DEVELOPMENT, [LIVE], ["end e"]),
        (DEVELOPMENT, [LIVE, END], []),
        (PRODUCTION, [LIVE], []),
        (DEVELOPMENT, [resource("aws:ec2/securityGroup:SecurityGroup", ingress=[{"cidrBlocks": ["0.0.0.0/0"]}])], ["public x"]),
        (DEVELOPMENT, [resource("aws:ec2/securityGroup:SecurityGroup", ingress=[{"cidrBlocks": ["10.0.0.0/8"]}])], []),
        (DEVELOPMENT, [resource("aws:ec2/securityGroupRule:SecurityGroupRule", type="ingress", ipv6CidrBlocks=["::/0"])], ["public x"]),
        (DEVELOPMENT, [resource("aws:ec2/securityGroupRule:SecurityGroupRule", type="egress", cidrBlocks=["0.0.0.0/0"])], []),
        (DEVELOPMENT, [resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4="0.0.0.0/0", fromPort=22)], ["public x"]),
        (DEVELOPMENT, [resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv6="::/0", fromPort=22)], ["public x"]),
        (DEVELOPMENT, [resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4="10.0.0.0/8", fromPort=22)], []),
        (DEVELOPMENT, [resource("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", cidrIpv4="0.0.0.0/0")], []),
        (DEVELOPMENT, [resource("aws:lambda/functionUrl:FunctionUrl", authorizationType="NONE")], ["public x"]),
        (DEVELOPMENT, [resource("aws:lambda/functionUrl:FunctionUrl", authorizationType="AWS_IAM")], []),
        (Policy(stage="development", instances=("ml.c5.*",)), [CONFIG], ["instances c"]),
        (Policy(stage="development", instances=("ml.c5.*", "ml.m5.*")), [CONFIG], []),
        (Policy(stage="development", tags=("team",)), [BLOCK, resource(tokens.ROLE, tags={"team": "a"})], []),
        (Policy(stage="development", tags=("team", "cost")), [resource(tokens.ROLE, tags={"team": "a"})], ["tags x"]),
    ],
)  # fmt: skip
def test_each_rule_finds_what_it_is_about(policy: Policy, resources: list[Declared], expected: list[str]) -> None:
    assert broken(policy, *resources) == expected


def test_a_stacks_own_tags_count() -> None:
    policy = Policy(stage="development", tags=("team",))

    assert broken(policy, resource(tokens.ROLE), tags=frozenset({"team"})) == []


def test_a_waiver_says_why_and_one_that_waives_nothing_is_told() -> None:
    policy = Policy(stage="production", waive={"encryption x": "a public data set", "capture gone": "it went"})
    program = Program(resources=[BUCKET, BLOCK], policy=policy)
    found = judged(program)

    assert [(item.rule, item.reason) for item in found] == [("encryption", "a public data set")]
    assert unused(program, found) == ("capture gone",)
    assert broken(policy, BUCKET, BLOCK) == []


@pytest.mark.parametrize(
    "value", [{"stage": "production", "tags": ["team"]}, '{"stage": "production", "tags": ["team"]}']
)
def test_a_policy_is_read(value: Any) -> None:
    assert Policy.of(value) == Policy(stage="production", tags=("team",))


def test_every_problem_of_a_policy_is_told_at_once() -> None:
    with pytest.raises(ProjectError) as caught:
        Policy.of({"stage": "prod", "tag": [], "tags": "team", "waive": {"public b": " "}})

    assert caught.value.code == "policy-invalid"
    assert "4 problem(s)" in caught.value.cause
    with pytest.raises(ProjectError, match="must be an object"):
        Policy.of("production")


def test_the_rules_have_the_names_that_the_docs_tell() -> None:
    assert list(RULES) == ["encryption", "public", "capture", "instances", "end", "tags"]
