"""Locks of the engine's file backend: a dead process's goes, every other one stays."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fogbank.engine.environment import backend_url
from fogbank.engine.locks import drop_dead, freed, locks
from tests.waiting import until


def lock(state: Path, name: str, stack: str = "local", **changes: object) -> Path:
    folder = state / ".pulumi" / "locks" / "organization" / "churn" / stack
    folder.mkdir(parents=True, exist_ok=True)
    document = {"pid": os.getpid(), "username": "me", "hostname": socket.gethostname(), "timestamp": "", **changes}
    (folder / f"{name}.json").write_text(json.dumps(document))
    (folder / f"{name}.json.attrs").write_text("{}")
    return folder / f"{name}.json"


@pytest.fixture
def dead() -> int:
    """The id of a process that was."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_dead_processs_lock_is_taken_away_and_no_other(tmp_path: Path, dead: int) -> None:
    gone = lock(tmp_path, "a", pid=dead)
    kept = [
        lock(tmp_path, "b"),
        lock(tmp_path, "c", pid=dead, hostname="elsewhere"),
        lock(tmp_path, "d", stack="aws", pid=dead),
        lock(tmp_path, "e", pid=1),
    ]

    assert drop_dead(f"file://{tmp_path}", "local")
    assert not gone.exists()
    assert not gone.with_name("a.json.attrs").exists()
    assert all(path.exists() for path in kept)
    assert not drop_dead(f"file://{tmp_path}", "local"), "there is none any more"


def test_an_engine_whose_fogbank_was_killed_is_waited_for_and_no_other(tmp_path: Path) -> None:
    engine, go = tmp_path / "pulumi", tmp_path / "go"
    engine.write_text('#!/bin/sh\nwhile [ ! -e "$1" ]; do sleep 0.02; done\n')
    engine.chmod(0o755)
    left = ["sh", "-c", '"$0" "$1" > /dev/null 2>&1 & echo $!', str(engine), str(go)]
    pid = int(subprocess.run(left, capture_output=True, text=True, check=True).stdout)
    until(lambda: Path(f"/proc/{pid}/comm").read_text() == "pulumi\n")
    held, kept = lock(tmp_path, "a", pid=pid), lock(tmp_path, "b", stack="aws")

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(freed, f"file://{tmp_path}", "local")
        go.touch()
        assert waiting.result(30)
    assert not held.exists()
    assert not freed(f"file://{tmp_path}", "aws"), "its process is this one, whose parent lives"
    assert not freed("s3://bucket", "local"), "of other backends nothing is known"
    assert kept.exists()


def test_who_holds_a_stack_is_known(tmp_path: Path) -> None:
    lock(tmp_path, "a")
    (tmp_path / ".pulumi/locks/organization/churn/local/b.json").write_text("half of a lo")

    assert [(item.pid, item.host) for item in locks(f"file://{tmp_path}", "local")] == [
        (os.getpid(), socket.gethostname())
    ]
    assert locks("s3://bucket", "local") == []
    assert locks("", "local") == []
    odd = tmp_path / "a #1%20"
    lock(odd, "a")
    assert len(locks(backend_url(odd), "local")) == 1
    assert locks(f"file://{tmp_path / 'none'}", "local") == []
