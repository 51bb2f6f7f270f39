"""The engine's environment: a local cloud's variables, and none of them for a stack on AWS."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fogbank.engine.environment import (
    ENVIRONMENT,
    account_environment,
    leftovers,
    link_environment,
    stack_environment,
    state_file,
)
from fogbank.engine.locate import Engine

ENGINE = Engine(root=Path("/engine"), version="3.250.0", why="a test's")
OWN = {
    "PULUMI_BACKEND_URL": "s3://states",
    "PULUMI_ACCESS_TOKEN": "pul-1",
    "PULUMI_CONFIG_PASSPHRASE": "",
    "AWS_ENDPOINT_URL": "https://vpce-1.sagemaker.eu-west-1.vpce.amazonaws.com",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "own",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
}


def test_a_stack_on_aws_keeps_the_users_own(tmp_path: Path) -> None:
    variables = account_environment(tmp_path, ENGINE, OWN)

    assert set(variables) == {"PATH", "PULUMI_OPTION_GENERATE_CODE"}
    assert str(variables["PATH"]).startswith(f"{Path(sys.executable).parent}:/engine/bin:")
    assert list(tmp_path.iterdir()) == []


def test_what_a_local_cloud_left_in_the_shell_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    local = stack_environment(tmp_path, ENGINE, "http://127.0.0.1:4566", 5000, "secret")
    kept = {
        "PATH",
        "PULUMI_OPTION_GENERATE_CODE",
        "PULUMI_SKIP_UPDATE_CHECK",
        "AWS_DEFAULT_REGION",
    }

    assert set(leftovers(tmp_path, local)) == set(local) - kept
    assert set(leftovers(tmp_path, {**local, **OWN})) == {"PULUMI_DEBUG_PROVIDERS", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"}  # fmt: skip
    unset = {name for name, value in account_environment(tmp_path, ENGINE, local).items() if value is None}
    assert unset == set(local) - kept


def test_the_link_is_to_the_environment_that_runs(tmp_path: Path) -> None:
    link_environment(tmp_path)
    link_environment(tmp_path)
    link = tmp_path / ENVIRONMENT

    assert (link / "bin" / "python").exists()
    assert link.resolve() == Path(sys.prefix).resolve()

    link.unlink()
    (link / "bin").mkdir(parents=True)  # a language host that found none has made one
    link_environment(tmp_path)
    assert link.is_symlink()


def test_a_link_to_what_is_gone_is_made_again(tmp_path: Path) -> None:
    (tmp_path / ".fogbank").mkdir()
    (tmp_path / ENVIRONMENT).symlink_to(tmp_path / "gone")

    link_environment(tmp_path)

    assert (tmp_path / ENVIRONMENT).resolve() == Path(sys.prefix).resolve()


def test_a_state_in_the_project_is_found(tmp_path: Path) -> None:
    assert state_file(tmp_path, "aws") is None
    file = tmp_path / ".pulumi" / "stacks" / "churn" / "aws.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")

    assert state_file(tmp_path, "aws") == file
    assert state_file(tmp_path, "local") is None
