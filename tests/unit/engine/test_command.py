"""The engine's CLI as a process. The executable here is a real one: a script that ends in order when it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi import automation

from fogbank.engine.command import InterruptibleCommand
from fogbank.engine.locate import Engine
from tests.waiting import until

SCRIPT = """#!/bin/sh
case "$2" in
  echo) echo "one"; echo "two  " >&2; echo "$PULUMI_AUTOMATION_API $1 $3"; exit 0 ;;
  fail) echo "the stack is currently locked by 1 lock(s)" >&2; exit 255 ;;
  slow) trap 'echo released > "$3"; exit 1' INT; echo started > "$3"; while :; do sleep 0.02; done ;;
esac
"""
RUN = """
import sys
from pathlib import Path
from fogbank.engine.command import InterruptibleCommand
from fogbank.engine.locate import Engine
try:
    InterruptibleCommand(Engine(root=Path(sys.argv[1]), version="3.250.0", why="")).run(["slow", sys.argv[2]], ".", {})
except KeyboardInterrupt:
    print("interrupted", Path(sys.argv[2]).read_text().strip())
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


@pytest.mark.parametrize("whole_group", [True, False])
def test_an_interrupt_reaches_the_cli_once_and_is_raised_when_it_has_ended(root: Path, whole_group: bool) -> None:
    """A second one would make the real CLI stop at once, and leave its lock: this script would not say `released` either."""
    file = root / "state"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(root), str(file)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    until(file.exists)
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=20)[0] == "interrupted released\n"
