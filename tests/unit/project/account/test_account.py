"""A stack's account: its region, profile and endpoints reach boto3, and a shell of the local cloud's is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ProfileNotFound

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import AwsError, ProjectError
from fogbank.project.account.account import AccountClients, AccountSettings, refuse_local_shell
from fogbank.project.account.stacks import account_settings
from fogbank.project.project import Project

VPC = "https://vpce-1.runtime.sagemaker.eu-west-1.vpce.amazonaws.com"
STACK = f"""config:
  aws:region: eu-west-1
  aws:profile: ml
  aws:endpoints:
    - sagemakerruntime: {VPC}
"""


def test_a_client_is_as_the_stack_says(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    made: list[tuple[str, ...]] = []

    def make(*where: str) -> Any:
        made.append(where)
        return object()

    clients = AccountClients(account_settings(ProjectConfig(root=tmp_path, name="churn"), "prod"), make)

    assert clients("s3") is clients("s3")
    assert clients("sagemaker-runtime") is not clients("s3")
    assert made == [("s3", "eu-west-1", "ml", ""), ("sagemaker-runtime", "eu-west-1", "ml", VPC)]


@pytest.mark.parametrize("key", ["aws:accessKey", "aws:assumeRole", "aws:assumeRoles"])
def test_credentials_that_only_pulumi_aws_would_use_are_refused_by_name(tmp_path: Path, key: str) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text(f"{STACK}  {key}: {{secure: v1:x}}\n")

    with pytest.raises(ProjectError, match=key) as caught:
        account_settings(ProjectConfig(root=tmp_path, name="churn"), "prod")

    assert caught.value.code == "stack-credentials"
    assert "role_arn" in caught.value.hint


def test_a_secret_region_is_boto3s_own_to_find() -> None:
    assert AccountSettings.of({"aws:region": {"secure": "v1:x"}}, {}) == AccountSettings()


def test_a_profile_that_is_not_there_is_an_error_with_a_next_step() -> None:
    def make(*_: str) -> Any:
        raise ProfileNotFound(profile="ml")

    with pytest.raises(AwsError, match="ml") as caught:
        AccountClients(AccountSettings(profile="ml"), make)("s3")

    assert caught.value.code == "account-unreachable"
    assert "aws:profile" in caught.value.hint


def test_boto3_itself_takes_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client = AccountClients(AccountSettings(region="us-gov-west-1"))("sagemaker")

    assert client.meta.endpoint_url == "https://api.sagemaker.us-gov-west-1.amazonaws.com"


def test_the_local_clouds_shell_is_refused_for_a_stack_on_aws() -> None:
    with pytest.raises(ProjectError, match=r"AWS_ENDPOINT_URL of this shell is http://127\.0\.0\.1:4566") as caught:
        refuse_local_shell({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "prod")

    assert "fogbank env -s prod" in caught.value.hint
    refuse_local_shell({"AWS_ENDPOINT_URL": VPC}, "prod")
    refuse_local_shell({}, "prod")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text('[tool.fogbank]\nname = "churn"\n')
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("name", "stack", "full"),
    [
        ("live", "", "churn-live"),
        ("churn-live", "local", "churn-live"),
        ("live", "prod", "churn-prod-live"),
        ("churn-prod-live", "prod", "churn-prod-live"),
    ],
)
def test_a_name_is_of_its_stack(project: Project, name: str, stack: str, full: str) -> None:
    assert project.full_name(name, stack) == full
