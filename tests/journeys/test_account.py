"""A stack on AWS: a stock `pulumi` finds all it needs, the user's own login is left alone, and nothing is changed unasked.

pulumi-aws is a fake (tests/fakes/pulumi_aws.py), installed where Pulumi installs it; its account is a local cloud.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fogbank.contracts.config import ProjectConfig
from fogbank.project.account.stacks import find_engine
from fogbank.testing import CloudProcess
from tests.fakes.pulumi_aws import ACCOUNT, NO_CREDENTIALS
from tests.plugins import distribution, plugin_home

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def account_project(project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig) -> Path:
    """A packed project whose stack `aws` has an image."""
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    ok(fogbank(project, "pack"))
    file = project / "Pulumi.aws.yaml"
    stack = yaml.safe_load(file.read_text())
    uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn@sha256:" + "0" * 64
    stack["config"] |= {"fogbank:image": uri, "fogbank:forceDestroy": True}
    file.write_text(yaml.safe_dump(stack))
    return project


@pytest.fixture
def own_login(tmp_path: Path) -> dict[str, str]:
    """A user's own backend and passphrase, and pulumi-aws installed."""
    (tmp_path / "states").mkdir()
    return {
        "PULUMI_HOME": str(plugin_home(tmp_path / "home")),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'states'}",
        "PULUMI_CONFIG_PASSPHRASE": "own",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def test_a_stock_pulumi_needs_nothing_on_path(account_project: Path, own_login: dict[str, str], tmp_path: Path) -> None:
    binaries = distribution(tmp_path / "bin", find_engine(lambda _: None), account_project)
    for program in ("git", "sh"):
        (binaries / program).symlink_to(Path(shutil.which(program) or f"/bin/{program}").resolve())
    shell = {"PATH": str(binaries), "HOME": str(tmp_path / "home"), **own_login}

    def pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(binaries / "pulumi"), "--non-interactive", *arguments]
        return subprocess.run(command, cwd=account_project, env=shell, capture_output=True, text=True, check=False)

    ok(pulumi("stack", "init", "aws"))
    preview = pulumi("preview", "-s", "aws")
    text = preview.stdout + preview.stderr

    assert preview.returncode != 0
    _, _, diagnostics = text.partition("Diagnostics:")
    [error] = [line for line in diagnostics.splitlines() if "error: " in line]
    assert error.endswith(NO_CREDENTIALS)
    for noise in ("ModuleNotFoundError", "no resource plugin", "from $PATH", "api.github.com"):
        assert noise not in text


def test_who_has_no_credentials_reads_one_sentence(
    account_project: Path, fogbank: Fogbank, own_login: dict[str, str]
) -> None:
    refused = fogbank(account_project, "-q", "preview", "-s", "aws", **own_login)

    assert refused.returncode == 4
    error, hint = refused.stderr.splitlines()
    assert error.startswith("error preview-failed: ")
    assert error.endswith(NO_CREDENTIALS)
    assert hint.startswith("next: ")


def test_the_users_login_is_left_alone_and_they_are_asked(
    account_project: Path, fogbank: Fogbank, own_login: dict[str, str], shared_cloud: CloudProcess, tmp_path: Path
) -> None:
    shell = {**own_login, ACCOUNT: shared_cloud.url}
    left = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "PULUMI_DEBUG_PROVIDERS": "aws:1",
        "AWS_ACCESS_KEY_ID": "fogbank-local",
    }
    lines = ok(fogbank(account_project, "env", "-s", "aws", **shell, **left)).splitlines()
    assert {line.partition(" ")[2] for line in lines if line.startswith("unset ")} == set(left)
    assert "export PATH" in {line.partition("=")[0] for line in lines}

    unasked = subprocess.run(
        [sys.executable, "-m", "fogbank", "up", "-s", "aws", "--packed", "--no-check"], cwd=account_project,
        env={**os.environ, **shell}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert unasked.returncode == 2, unasked.stderr
    assert "give --yes" in unasked.stderr
    assert "aws:sagemaker/endpoint:Endpoint" in unasked.stderr, "what would be done is shown"
    plan = json.loads(ok(fogbank(account_project, "preview", "-s", "aws", "--json", **shell)))
    assert plan["changes"].get("create", 0) > 10

    assert list((tmp_path / "states").glob(".pulumi/stacks/churn/aws.json"))
    assert not (account_project / ".fogbank" / "pulumi").exists()


def test_a_state_that_an_earlier_version_left_in_the_project_is_not_forgotten(
    account_project: Path, fogbank: Fogbank, own_login: dict[str, str]
) -> None:
    file = account_project / ".fogbank" / "pulumi" / ".pulumi" / "stacks" / "churn" / "aws.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")

    refused = fogbank(account_project, "outputs", "-s", "aws", **own_login)

    assert refused.returncode == 4
    assert "state-in-project" in refused.stderr
    assert "pulumi stack import -s aws" in refused.stderr
