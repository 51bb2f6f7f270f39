"""The reference program on AWS, by Pulumi's mocks: a golden list of every resource with its final inputs, names that AWS takes, and
no two stacks that share one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.contracts.tokens import OWN
from fogbank.project.declared.declaration import declared
from fogbank.provider.standin import TABLE
from fogbank.testing import CloudProcess
from tests.declared import ACCOUNT, REGIONS, Resources, by_case, place

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
DEPLOYER = Path(__file__).parents[2] / "docs" / "deployer.json"
MANAGED_POLICY = 6144
"""The characters that an IAM managed policy may have (IAM User Guide, "IAM and AWS STS quotas")."""
KEPT = {"pyproject.toml", "infra", "model", "handlers", "Pulumi.yaml"}
PER_ACCOUNT = {"name", "bucket"}


@pytest.fixture(scope="module")
def programs(fogbank_project: ProjectConfig) -> dict[tuple[str, str], Resources]:
    """What the program declares, by stack and partition."""
    return by_case(fogbank_project.root, CASES)


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
    assert {"ModelName", "EndpointName", "EndpointConfigName", "Name"} <= looked_at


@pytest.mark.parametrize(
    ("schedule", "member"), [("nightly-schedule", "TransformJobName"), ("quality-schedule", "ProcessingJobName")]
)
def test_a_schedules_job_has_a_legal_name_however_long_the_execution_id(
    programs: dict[tuple[str, str], Resources], schedule: str, member: str
) -> None:
    for resources in programs.values():
        job = json.loads(resources[schedule]["inputs"]["target"]["input"])[member]
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
    for schedule, operation in (("nightly", "createTransformJob"), ("quality", "createProcessingJob")):
        target = resources[f"{schedule}-schedule"]["inputs"]["target"]["arn"]
        assert target == f"arn:{partition}:scheduler:::aws-sdk:sagemaker:{operation}"
    roles = [each["inputs"] for each in resources.values() if each["type"] == "aws:iam/role:Role"]
    for role in roles:
        [statement] = json.loads(role["assumeRolePolicy"])["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert len(roles) == 3


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
    return json.loads(re.sub(r"\b[0-9a-f]{64}\b|(?<=-)[0-9a-f]{12}(?=\")", "<sha256>", text))


def test_the_deployers_policy_of_the_reference_program_is_the_documented_one(fogbank_project: ProjectConfig) -> None:
    """`DEPLOYER.write_text(text)` by hand where a change of it is meant."""
    done = subprocess.run(
        [sys.executable, "-m", "fogbank", "iam", "deployer", "-s", "aws"], cwd=fogbank_project.root, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    assert json.loads(done.stdout) == json.loads(DEPLOYER.read_text())
    assert len(json.dumps(json.loads(done.stdout), separators=(",", ":"))) < MANAGED_POLICY


def test_an_account_is_looked_into_before_anything_bills(
    shared_cloud: CloudProcess,
    unique: str,
    fogbank_project: ProjectConfig,
    fogbank: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    """A local cloud as the account: the profile's own `endpoint_url` is boto3's business, and no part of the stack."""
    (tmp_path / "config").write_text(
        f"[profile account]\nregion = us-east-1\nendpoint_url = {shared_cloud.url}\n"
        "aws_access_key_id = a\naws_secret_access_key = b\n"
    )
    root = tmp_path / "churn"
    shutil.copytree(
        fogbank_project.root,
        root,
        ignore=lambda folder, names: set(names) - KEPT if Path(folder) == fogbank_project.root else set(),
    )
    (root / ".fogbank").mkdir()
    shutil.copytree(fogbank_project.package, root / ".fogbank" / "package")
    repository = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{unique}"
    (root / "Pulumi.prod.yaml").write_text(
        json.dumps({"config": {"aws:region": "us-east-1", "aws:profile": "account", "fogbank:repository": repository}})
    )
    shell = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    missing = fogbank(root, "doctor", "-s", "prod", "--json", **shell)
    shared_cloud.client("ecr").create_repository(repositoryName=unique)
    settings = root / "pyproject.toml"
    pinned = f'[tool.fogbank]\nbase = "python@sha256:{"0" * 64}"\n'
    settings.write_text(settings.read_text().replace("[tool.fogbank]\n", pinned, 1))
    there = fogbank(root, "doctor", "-s", "prod", **shell)

    assert missing.returncode == 7, missing.stderr
    findings = {item["code"]: item for item in json.loads(missing.stdout)["findings"]}
    assert {code for code, item in findings.items() if item["blocks"]} == {"repository-missing", "base-unpinned"}
    assert findings["repository-missing"]["fix"].endswith(f"--repository-name {unique}")
    assert there.returncode == 0, there.stdout + there.stderr
    assert "mend" not in there.stdout


def test_credentials_that_only_pulumi_aws_would_use_are_refused_before_anything_is_declared(
    fogbank_project: ProjectConfig,
) -> None:
    """A rollout would look for the endpoint in another account."""
    with pytest.raises(ProjectError, match=r"sets aws:assumeRole: .*role_arn"):
        declared(fogbank_project.root, place("prod", **{"aws:assumeRole": '{"roleArn": "arn:aws:iam::1:role/r"}'}))


def test_jobs_that_schedules_start_have_the_stacks_tags(fogbank_project: ProjectConfig) -> None:
    """pulumi-aws tags what it makes, and makes no job: what a night costs would be nobody's."""
    tags = json.dumps({"tags": {"team": "risk", "cost": "7"}})
    resources = {each.name: each for each in declared(fogbank_project.root, place("prod", **{"aws:defaultTags": tags}))}

    for schedule in ("nightly-schedule", "quality-schedule"):
        request = json.loads(resources[schedule].inputs["target"]["input"])
        assert request["Tags"] == [{"Key": "cost", "Value": "7"}, {"Key": "team", "Value": "risk"}]
