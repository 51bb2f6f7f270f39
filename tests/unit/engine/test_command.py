"""The engine's CLI as a process. The executable here is a real one: a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi import automation

from fogbank.engine.command import InterruptibleCommand
from fogbank.engine.locate import Engine

SCRIPT = """#!/bin/sh
case "$2" in
  echo) echo "one"; echo "two  " >&2; echo "$PULUMI_AUTOMATION_API $1 $3"; exit 0 ;;
  fail) echo "the stack is currently locked by 1 lock(s)" >&2; exit 255 ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    cli = tmp_path / "bin" / "pulumi"
    cli.write_text(SCRIPT)
    cli.chmod(0o755)
    return tmp_path


def engine_in(root: Path) -> Engine:
    return Engine(root=root, version="3.250.0", why="")


def test_nobody_asks_the_cli_for_the_version_that_is_known(root: Path) -> None:
    (root / "bin" / "pulumi").write_text(f"#!/bin/sh\ntouch {root}/asked\n")
    assert str(InterruptibleCommand(engine_in(root)).version) == "3.250.0"
    assert not (root / "asked").exists()


def test_lines_go_to_their_listeners_and_into_the_result(root: Path) -> None:
    heard: list[str] = []
    result = InterruptibleCommand(engine_in(root)).run(
        ["echo", "me"], str(root), {}, on_output=heard.append, on_error=heard.append
    )

    assert (result.stdout, result.stderr, result.code) == ("one\ntrue --non-interactive me", "two", 0)
    assert sorted(heard) == ["one", "true --non-interactive me", "two"]


def test_an_error_is_the_automation_apis_own(root: Path) -> None:
    with pytest.raises(automation.ConcurrentUpdateError):
        InterruptibleCommand(engine_in(root)).run(["fail"], str(root), {})
