"""`fogbank cloud`: one process, found again, told about, emptied, stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from fogbank.cloud.client import LOCK, read_address
from fogbank.testing import CloudProcess

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def test_start_is_the_same_cloud_twice_and_stop_keeps_the_state(project: Path, fogbank: Fogbank) -> None:
    first = fogbank(project, "cloud", "start")
    second = fogbank(project, "cloud", "start")
    assert first.stdout == second.stdout != ""
    cloud = CloudProcess(project / ".fogbank" / "cloud")
    cloud.client("s3").create_bucket(Bucket="kept")
    assert stat.S_IMODE(cloud.folder.stat().st_mode) == 0o700

    assert fogbank(project, "cloud", "stop").returncode == 0
    assert read_address(cloud.folder) is None
    assert fogbank(project, "cloud", "stop").returncode == 0, "stopping twice is no error"
    assert fogbank(project, "cloud", "start").stdout == first.stdout, "the port stays"
    assert [b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"]] == ["kept"]

    assert fogbank(project, "cloud", "reset", "--yes").returncode == 0
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    told = fogbank(project, "cloud", "status")
    assert first.stdout.strip() in told.stdout
    assert "endpoints: none" in told.stdout
    cloud.kill()
    assert fogbank(project, "cloud", "start").returncode == 0
    assert cloud.client("s3").list_buckets()["Buckets"] == [], "what was reset stays away"


def test_two_starts_at_once_make_one_cloud(project: Path) -> None:
    command = [sys.executable, "-m", "fogbank", "cloud", "start"]
    results: list[subprocess.CompletedProcess[str]] = []

    def start() -> None:
        results.append(subprocess.run(command, cwd=project, capture_output=True, text=True, check=False))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [done.returncode for done in results] == [0, 0], [done.stderr for done in results]
    assert len({done.stdout for done in results}) == 1
    assert read_address(project / ".fogbank" / "cloud") is not None


def test_doctor_tells_what_is_in_use(project: Path, fogbank: Fogbank) -> None:
    found = json.loads(fogbank(project, "doctor", "--json").stdout)

    assert found["project"].startswith("churn in ")
    assert found["package"].startswith("package-missing")
    assert found["cloud"] == "not running"
    assert "Pulumi" in found["engine"]
    assert "no pyproject.toml" in fogbank(project.parent, "doctor").stdout


def test_state_of_another_version_or_none_at_all_is_refused_and_kept(project: Path, fogbank: Fogbank) -> None:
    file = project / ".fogbank" / "cloud" / "cloud.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a database" * 100)
    damaged = fogbank(project, "cloud", "start")
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE documents (old TEXT)")
    old = fogbank(project, "cloud", "start")

    for done in (damaged, old):
        assert done.returncode == 5
        assert "error cloud-state-unreadable: " in done.stderr
        assert "Traceback" not in done.stderr
    assert "this fogbank reads version" in old.stderr


def test_a_port_that_another_cloud_has_is_told_with_its_owner(
    project: Path, fogbank: Fogbank, local_cloud: CloudProcess
) -> None:
    done = fogbank(project, "cloud", "start", "--port", str(local_cloud.address.port))

    assert done.returncode == 5
    assert f"is in use by the local cloud of {local_cloud.folder} (process {local_cloud.address.pid})" in done.stderr


def test_a_cloud_whose_folder_is_deleted_ends(tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path / "gone")
    cloud.start()
    with (cloud.folder / LOCK).open() as lock:
        shutil.rmtree(cloud.folder)
        assert taken_within(lock, 30), "the process ends by itself, and its lock with it"


def taken_within(lock: IO[str], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02)
    return False
