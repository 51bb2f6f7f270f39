"""Ctrl-C in the middle of `up`, with the real engine: exit code 130, no traceback, and the next `up` goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.cli.app import LEFT
from fogbank.contracts.config import ProjectConfig

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
LOCKS = ".fogbank/pulumi/.pulumi/locks"


@pytest.fixture
def trained(project: Path, fogbank_project: ProjectConfig) -> Path:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    return project


def locked(project: Path) -> bool:
    return any((project / LOCKS).rglob("*.json"))


def up(project: Path) -> tuple[subprocess.Popen[str], str]:
    """`fogbank up` as a terminal starts it, in a process group of its own, with the engine at work; and what it told so far."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fogbank", "up", "--no-check"],
        cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("  creating"):
            break
    return process, "".join(lines)


def test_an_interrupted_up_ends_in_order_and_the_next_one_goes_on(trained: Path, fogbank: Fogbank) -> None:
    process, err = up(trained)
    os.killpg(process.pid, signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    err += rest

    assert (process.returncode, out) == (130, ""), err
    assert err.endswith(f"interrupted: {LEFT}\n")
    assert "✗ up local  failed" in err
    for noise in ("Traceback", "Exception in thread", "KeyboardInterrupt", "Warning"):
        assert noise not in err
    assert not locked(trained), "the engine has given its lock back"
    done = fogbank(trained, "up", "--no-check", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outputs"]["endpoint"] == "churn-live"


def test_a_killed_up_does_not_lock_the_stack_for_good(trained: Path, fogbank: Fogbank) -> None:
    process, _ = up(trained)
    [lock] = (trained / LOCKS).rglob("*.json")
    engine = json.loads(lock.read_text())["pid"]
    os.kill(engine, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == 4
    assert lock.is_file()

    done = fogbank(trained, "up", "--no-check")
    assert done.returncode == 0, done.stderr
    assert not locked(trained)


def test_a_stack_that_somebody_is_at_is_told_with_who_it_is(trained: Path, fogbank: Fogbank) -> None:
    assert fogbank(trained, "up", "--no-check").returncode == 0
    folder = trained / LOCKS / "organization" / "churn" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    lock = {"pid": os.getpid(), "username": "me", "hostname": os.uname().nodename, "timestamp": "2026-11-25T12:00:00Z"}
    (folder / "somebody.json").write_text(json.dumps(lock))

    done = fogbank(trained, "refresh")

    assert (done.returncode, "error stack-locked: " in done.stderr) == (4, True), done.stderr
    assert f"(process {os.getpid()} on {os.uname().nodename})" in done.stderr
    assert "fogbank cancel -s local" in done.stderr

    done = fogbank(trained, "cancel")  # which interrupts no process that is no engine: this test goes on
    assert done.returncode == 0, done.stderr
    assert not locked(trained)
    assert fogbank(trained, "refresh").returncode == 0


def test_an_update_that_is_under_way_is_cancelled_from_elsewhere(trained: Path, fogbank: Fogbank) -> None:
    process, _ = up(trained)

    done = fogbank(trained, "cancel")

    assert done.returncode == 0, done.stderr
    assert "interrupted process" in done.stderr
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert not locked(trained)
    assert fogbank(trained, "cancel").returncode == 0, "there is nothing to cancel"
    assert fogbank(trained, "up", "--no-check").returncode == 0
