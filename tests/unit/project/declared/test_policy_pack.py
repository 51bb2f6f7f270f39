"""What a pack says of a stack, by the configuration that the engine tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from pulumi.runtime.proto import analyzer_pb2

from fogbank.contracts import tokens
from fogbank.contracts.errors import ProjectError
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.policy_pack import Analyzer, declared, verdicts

BUCKET = Declared(name="b", type=tokens.BUCKET, inputs={"bucket": "n", "tags": {"team": "x"}})


def policy(**said: object) -> dict[str, str]:
    return {"fogbank:policy": json.dumps({"stage": "development", **said})}


def test_a_stack_without_a_policy_has_no_rules() -> None:
    assert verdicts({}, [BUCKET]) == []


def test_what_is_broken_stops_and_what_is_waived_is_advice() -> None:
    [(rule, resource, said, stops)] = verdicts(policy(), [BUCKET])
    assert (rule, resource, stops) == ("public", "b", True)
    assert "or waive 'public b' with a reason" in said

    [waived] = verdicts(policy(waive={"public b": "a site"}), [BUCKET])
    assert waived == ("public", "b", "waived: the bucket may be opened to everybody: a site", False)


def test_a_waiver_that_waives_nothing_is_told_and_stops_nothing() -> None:
    found = verdicts(policy(waive={"public b": "a site", "tags b": "why"}), [BUCKET])

    assert ("the waiver 'tags b' waives nothing any more", False) in [item[2:] for item in found]


def test_tags_that_the_stack_gives_count() -> None:
    config = policy(tags=["team", "cost"], waive={"public b": "a site"})

    assert [item[0] for item in verdicts(config, [BUCKET])] == ["public", "tags"]
    given = {**config, "aws:defaultTags": json.dumps({"tags": {"cost": "1"}})}
    assert [item[0] for item in verdicts(given, [BUCKET])] == ["public"]


def test_a_policy_that_is_none_is_an_error_with_its_problems() -> None:
    with pytest.raises(ProjectError, match="stage must be production or development"):
        verdicts({"fogbank:policy": "{}"}, [BUCKET])


UNKNOWN, UNKNOWN_LIST = "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"
GROUP, DELETES = "aws:ec2/securityGroup:SecurityGroup", "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint"
FOUR = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
BLOCK, KEYED = tokens.BUCKET_PUBLIC_ACCESS_BLOCK, tokens.BUCKET_ENCRYPTION
BY_KEY = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]


def secret(value: Any) -> dict[str, Any]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:local::p::{kind}::{name}"


def told(kind: str, name: str, properties: Mapping[str, Any], **dependencies: str) -> dict[str, Any]:
    """A resource as the engine tells it, each property that came from another resource with its URN."""
    came = {key: {"urns": [from_]} for key, from_ in dependencies.items()}
    return {"urn": urn(kind, name), "type": kind, "properties": dict(properties), "propertyDependencies": came}


def found(stage: str, *resources: Mapping[str, Any], **said: object) -> list[str]:
    request = ParseDict({"resources": list(resources)}, analyzer_pb2.AnalyzeStackRequest())
    analyzer = Analyzer()
    analyzer.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(config=policy(stage=stage, **said)), None)
    return [item.description for item in analyzer.AnalyzeStack(request, None).diagnostics]


OWN, OTHER = (told(tokens.BUCKET, name, {"bucket": name}) for name in ("b", "c"))
LIVE = told(tokens.ENDPOINT, "e", {"name": "live"})


@pytest.mark.parametrize(
    ("stage", "resources", "expected"),
    [
        ("development", [told(GROUP, "g", {"ingress": UNKNOWN})], []),
        ("development", [told(GROUP, "g", {"ingress": [{"cidrBlocks": UNKNOWN_LIST}, {"cidrBlocks": [UNKNOWN]}, UNKNOWN]})], []),
        ("development", [told(GROUP, "g", {"ingress": [{"cidrBlocks": secret(["0.0.0.0/0"])}]})], ["public g"]),
        ("development", [OWN, told(BLOCK, "k", {"bucket": UNKNOWN, **FOUR}, bucket=OWN["urn"])], []),
        ("development", [OWN, OTHER, told(BLOCK, "k", {"bucket": UNKNOWN, **FOUR}, bucket=OWN["urn"])], ["public c"]),
        ("development", [OWN, told(BLOCK, "k", {"bucket": UNKNOWN, **FOUR})], []),
        ("development", [OWN, told(BLOCK, "k", {"bucket": "b", **FOUR, "blockPublicAcls": UNKNOWN})], []),
        ("development", [OWN, told(BLOCK, "k", {"bucket": "b", **FOUR, "blockPublicAcls": False})], ["public b"]),
        ("development", [told(tokens.BUCKET, "b", {"bucket": UNKNOWN})], []),
        ("development", [told(tokens.BUCKET, "b", {"bucket": secret("n")}), told(BLOCK, "k", {"bucket": secret("n"), **FOUR})], []),
        ("development", [told(tokens.BUCKET, "b", {"bucket": secret("n")})], ["public b"]),
        ("production", [OWN, told(BLOCK, "k", {"bucket": "b", **FOUR}), told(KEYED, "s", {"bucket": UNKNOWN, "rules": BY_KEY}, bucket=OWN["urn"])], []),
        ("production", [OWN, told(BLOCK, "k", {"bucket": "b", **FOUR}), told(KEYED, "s", {"bucket": "b", "rules": UNKNOWN_LIST})], []),
        ("production", [told(tokens.ENDPOINT_CONFIGURATION, "c", {"productionVariants": UNKNOWN, "dataCaptureConfig": UNKNOWN})], []),
        ("production", [told(tokens.ENDPOINT_CONFIGURATION, "c", {"kmsKeyArn": UNKNOWN, "productionVariants": [{"instanceType": "ml.m5.large"}],
                                                                  "dataCaptureConfig": {"enableCapture": True, "kmsKeyId": UNKNOWN}})], []),
        ("development", [LIVE, told(tokens.SCHEDULE, "s", {"target": {"arn": DELETES, "input": UNKNOWN}}, target=LIVE["urn"])], []),
        ("development", [LIVE, told(tokens.SCHEDULE, "s", {"target": {"arn": DELETES, "input": UNKNOWN}})], []),
        ("development", [LIVE, told(tokens.SCHEDULE, "s", {"target": UNKNOWN})], []),
        ("development", [LIVE, told(tokens.SCHEDULE, "s", {"target": {"arn": DELETES, "input": "no JSON"}})], ["end e"]),
        ("development", [LIVE, told(tokens.SCHEDULE, "s", {"target": {"arn": UNKNOWN, "input": "{}"}})], ["end e"]),
        ("development", [told("aws:lambda/functionUrl:FunctionUrl", "u", {"authorizationType": UNKNOWN})], []),
    ],
)  # fmt: skip
def test_what_is_unknown_breaks_nothing_and_secrets_are_looked_into(
    stage: str, resources: list[Mapping[str, Any]], expected: list[str]
) -> None:
    assert found(stage, *resources) == expected


def test_instances_and_tags_that_are_unknown_break_nothing() -> None:
    variants = [{"instanceType": UNKNOWN}, {"instanceType": "ml.c5.large", "initialInstanceCount": UNKNOWN}]
    config = told(tokens.ENDPOINT_CONFIGURATION, "c", {"productionVariants": variants})
    monitor = told(tokens.DATA_QUALITY_JOB_DEFINITION, "d", {"jobResources": UNKNOWN})
    roles = [told(tokens.ROLE, "r", {"tags": UNKNOWN}), told(tokens.ROLE, "t", {"tags": {"team": UNKNOWN}})]

    assert found("development", config, monitor, instances=["ml.c5.*"]) == []
    assert found("development", *roles, tags=["team"]) == []
    assert found("development", *roles, tags=["team", "cost"]) == ["tags t"]


def test_what_refers_to_a_bucket_without_a_name_yet_means_that_one() -> None:
    request = ParseDict(
        {"resources": [told(tokens.BUCKET, "b", {"bucket": UNKNOWN}), told(BLOCK, "k", {"bucket": UNKNOWN}, bucket=urn(tokens.BUCKET, "b"))]},
        analyzer_pb2.AnalyzeStackRequest(),
    )  # fmt: skip
    _, block = declared(request.resources)

    assert block.refers == {"bucket": frozenset({urn(tokens.BUCKET, "b")})}
    assert block.inputs == {}
