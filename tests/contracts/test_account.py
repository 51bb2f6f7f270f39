"""The reference program on AWS, by Pulumi's mocks: a golden list of every resource with its final inputs, names that AWS takes, and
no two stacks that share one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.tokens import OWN
from fogbank.provider.standin import TABLE
from tests.declared import ACCOUNT, REGIONS, Resources, declared

GOLDEN = Path(__file__).with_name("account.json")
LONG = "feature-a-very-long-name-of-a-branch-that-somebody-is-working-on"
CASES = [
    ("prod", "aws"),
    ("dev", "aws"),
    (LONG, "aws"),
    (f"{LONG}-2", "aws"),
    ("prod", "aws-cn"),
    ("prod", "aws-us-gov"),
]
PER_ACCOUNT = {"name", "bucket"}


@pytest.fixture(scope="module")
def programs(fogbank_project: ProjectConfig) -> dict[tuple[str, str], Resources]:
    """What the program declares, by stack and partition."""
    return declared(fogbank_project.root, CASES)


def test_the_golden_list(programs: dict[tuple[str, str], Resources]) -> None:
    """`GOLDEN.write_text(text)` by hand where a change of it is meant."""
    text = json.dumps(without_digests(programs["prod", "aws"]), indent=1, sort_keys=True) + "\n"

    assert text == GOLDEN.read_text()


def test_pulumi_aws_knows_every_input(programs: dict[tuple[str, str], Resources]) -> None:
    for resources in programs.values():
        assert {name: each["refused"] for name, each in resources.items() if each["refused"]} == {}
        assert {each["type"] for each in resources.values()} <= {*TABLE, *OWN}


def test_no_two_stacks_of_one_account_share_a_name(programs: dict[tuple[str, str], Resources]) -> None:
    names = [names_of(programs[case]) for case in CASES if case[1] == "aws"]

    assert all(len(each) > 8 for each in names)
    for number, each in enumerate(names):
        for other in names[number + 1 :]:
            assert not each & other


def test_every_name_and_value_is_one_that_the_api_takes(programs: dict[tuple[str, str], Resources]) -> None:
    looked_at = set()
    for resources in programs.values():
        for name, each in resources.items():
            row = TABLE.get(each["type"])
            if row is None or "create" not in row.calls:
                continue
            for member, key in row.identity.items():
                shape = row.shape("create").members[member]
                value = each["inputs"].get(key, "default")
                assert shape.metadata.get("min", 1) <= len(value) <= shape.metadata.get("max", 1000), (name, value)
                if "pattern" in shape.metadata:
                    assert re.fullmatch(shape.metadata["pattern"], value), (name, value)
                    looked_at.add(member)
            for arn in (text for text in texts(each["inputs"]) if text.startswith("arn:")):
                assert len(arn) <= 256
    assert {
        "ModelName",
        "EndpointName",
        "EndpointConfigName",
        "MonitoringScheduleName",
        "JobDefinitionName",
        "Name",
    } <= looked_at


def test_the_nights_job_has_a_legal_name_however_long_the_execution_id(
    programs: dict[tuple[str, str], Resources],
) -> None:
    for resources in programs.values():
        job = json.loads(resources["nightly-schedule"]["inputs"]["target"]["input"])["TransformJobName"]
        name = job.replace("<aws.scheduler.execution-id>", "12345678-1234-1234-1234-123456789012")
        assert re.fullmatch("[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name), name
        assert len(name) <= 63


@pytest.mark.parametrize("partition", REGIONS)
def test_a_partition_has_its_own_arns(programs: dict[tuple[str, str], Resources], partition: str) -> None:
    """Every ARN that the program writes itself is of the partition, and roles are trusted for this account alone."""
    resources = programs["prod", partition]
    arns = [
        arn for each in resources.values() for text in texts(each["inputs"]) for arn in re.findall(r"arn:[\w-]+:", text)
    ]

    assert set(arns) == {f"arn:{partition}:"}
    target = resources["nightly-schedule"]["inputs"]["target"]["arn"]
    assert target == f"arn:{partition}:scheduler:::aws-sdk:sagemaker:createTransformJob"
    roles = [each["inputs"] for each in resources.values() if each["type"] == "aws:iam/role:Role"]
    for role in roles:
        [statement] = json.loads(role["assumeRolePolicy"])["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert len(roles) == 2


def names_of(resources: Resources) -> set[tuple[str, str]]:
    """Names that an account has once, with their types; objects are their bucket's."""
    return {
        (each["type"], str(each["inputs"][key]).lower())
        for each in resources.values()
        if each["type"] not in {"aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"}
        for key in PER_ACCOUNT & set(each["inputs"])
    }  # fmt: skip


def texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def without_digests(resources: Resources) -> Any:
    """The same whatever the package's bytes are."""
    text = json.dumps({name: {"type": each["type"], "inputs": each["inputs"]} for name, each in resources.items()})
    text = re.sub(r"\b[0-9a-f]{64}\b", "<sha256>", text)
    return json.loads(re.sub(r"-[0-9a-f]{12}\b", "-<digest>", text))
