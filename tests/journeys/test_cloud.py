"""`fogbank cloud`: one process, found again, told about, emptied, stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
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

import pytest

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


def test_an_open_cloud_is_asked_for_warned_of_and_never_made_of_one_that_runs(project: Path, fogbank: Fogbank) -> None:
    assert "warning" not in fogbank(project, "cloud", "start").stderr
    refused = fogbank(project, "cloud", "start", "--open")
    assert refused.returncode == 5
    assert "cloud-closed" in refused.stderr
    assert fogbank(project, "cloud", "stop").returncode == 0

    opened = fogbank(project, "cloud", "start", "--open")

    assert opened.returncode == 0
    assert "warning: every user of this machine can run code as you" in opened.stderr
    assert json.loads(fogbank(project, "cloud", "status", "--json").stdout)["open"] is True
    assert "warning" in fogbank(project, "cloud", "start").stderr, "it is still open"


def test_state_is_the_users_alone_and_the_environment_has_the_clouds_key(project: Path, fogbank: Fogbank) -> None:
    state = project / ".fogbank"
    state.mkdir(mode=0o755)
    fogbank(project, "cloud", "start")
    told = fogbank(project, "env")
    assert told.returncode == 0, told.stderr

    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in (state, state / "cloud", state / "pulumi")]
    assert modes == [0o700] * 3
    assert stat.S_IMODE((state / "cloud" / "cloud.key").stat().st_mode) == 0o600
    key = (state / "cloud" / "cloud.key").read_text()
    assert len(key) == 40
    assert f"export AWS_SECRET_ACCESS_KEY={key}\n" in told.stdout
    fogbank(project, "cloud", "stop")
    fogbank(project, "cloud", "start")
    assert (state / "cloud" / "cloud.key").read_text() == key, "a shell that has it goes on"


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


def test_damage_is_recognised_and_a_full_disk_is_called_one(project: Path, fogbank: Fogbank) -> None:
    folder = project / ".fogbank" / "cloud"
    assert fogbank(project, "cloud", "start").returncode == 0
    assert fogbank(project, "cloud", "stop").returncode == 0
    file = folder / "cloud.db"
    whole = file.read_bytes()
    page = int.from_bytes(whole[16:18], "big")
    said = {}
    for name, bytes_ in {
        "zeros": whole[:page] + bytes(page) + whole[2 * page :],
        "emptied": b"",
        "cut": whole[: 2 * page],
    }.items():
        file.write_bytes(bytes_)
        said[name] = fogbank(project, "cloud", "start")
        assert file.read_bytes()[:page] == bytes_[:page], "looking changes nothing"
    file.write_bytes(whole)

    for name, done in said.items():
        assert (done.returncode, "error cloud-state-unreadable: " in done.stderr) == (5, True), (name, done.stderr)
        assert "Traceback" not in done.stderr
    assert fogbank(project, "cloud", "start").returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a small disk")
def test_a_start_on_a_full_disk_says_that_it_is_full(tmp_path: Path, fogbank: Fogbank, project: Path) -> None:
    folder = project / ".fogbank"
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)
    try:
        assert fogbank(project, "cloud", "start").returncode == 0
        assert fogbank(project, "cloud", "stop").returncode == 0
        with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        full = fogbank(project, "cloud", "start")
        (folder / "filler").unlink()
        again = fogbank(project, "cloud", "start")
        fogbank(project, "cloud", "stop")
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)

    assert "error disk-full: " in full.stderr, full.stderr
    assert "Traceback" not in full.stderr
    assert again.returncode == 0, again.stderr


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
