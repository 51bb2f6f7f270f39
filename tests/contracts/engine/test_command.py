"""The engine's CLI below a process that is interrupted. The CLI is a script here, which ends in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

SCRIPT = """#!/bin/sh
trap 'echo released > "$3"; exit 1' INT; echo started > "$3"; while :; do sleep 0.02; done
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    cli = tmp_path / "bin" / "pulumi"
    cli.write_text(SCRIPT)
    cli.chmod(0o755)
    return tmp_path


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
