"""How a start fails: with a cause, and nothing left; logs of instances that came and went do not pile up."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.ground.roles import Grant
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.workspace import KEPT_LOGS, Workspace
from fogbank.cloud.observe.capture import Source
from tests.fakes.roles import granted
from tests.unit.cloud.hosting.test_artifact import FULL, Broken

SOURCE = Source(region="us-east-1", endpoint="e", variant="v")
MODEL = {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://bucket/m.tar.gz"}}


def workspace(folder: Path, s3: Any) -> Workspace:
    return Workspace(
        folder / "instances", folder / "logs", Environments(folder / "cache", lambda: ()), lambda: s3, granted
    )


def test_a_full_disk_is_the_starts_failure_and_leaves_no_folder(tmp_path: Path) -> None:
    subject = workspace(tmp_path, Broken(FULL))
    with pytest.raises(StartError, match="No space left on device"):
        subject.host(MODEL, SOURCE, 10).start(threading.Event())

    assert list((tmp_path / "instances").iterdir()) == []


def test_a_place_that_cannot_be_written_is_too(tmp_path: Path) -> None:
    (tmp_path / "instances").touch()
    with pytest.raises(StartError, match=r"Not a directory|File exists"):
        workspace(tmp_path, Broken(FULL)).start(MODEL, "endpoints/e/v/i-1", {})


def test_a_model_without_data_says_what_it_lacks(tmp_path: Path) -> None:
    bare = {"ModelName": "m", "PrimaryContainer": {"Image": "i"}}
    with pytest.raises(StartError, match="the model has no model data"):
        workspace(tmp_path, None).start(bare, "endpoints/e/v/i-1", {})


def test_a_role_is_granted_for_as_long_as_the_instance_is_there_and_not_to_an_isolated_model(tmp_path: Path) -> None:
    told: list[str] = []

    def grant(role: str, session: str, region: str) -> Grant:
        told.append(f"{role} {session} {region}")
        return Grant(environment={}, end=lambda: told.append("ended"))

    subject = Workspace(
        tmp_path, tmp_path / "logs", Environments(tmp_path / "cache", lambda: ()), lambda: Broken(FULL), grant
    )
    model = {**MODEL, "ExecutionRoleArn": "arn:r", "ModelArn": "arn:aws:sagemaker:eu-west-1:123456789012:model/m"}
    for described in (model, {**model, "EnableNetworkIsolation": True}):
        with pytest.raises(StartError):
            subject.start(described, "endpoints/e/v/i-1", {})

    assert told == ["arn:r i-1 eu-west-1", "ended"]


def test_the_oldest_logs_of_a_variant_go(tmp_path: Path) -> None:
    logs = tmp_path / "logs" / "endpoints" / "e" / "v"
    logs.mkdir(parents=True)
    for age in range(KEPT_LOGS + 5):
        log = logs / f"i-{age}.log"
        log.touch()
        os.utime(log, (1000 - age, 1000 - age))
    workspace(tmp_path, None).forget_logs("endpoints/e/v")

    assert {log.stem for log in logs.iterdir()} == {f"i-{age}" for age in range(KEPT_LOGS)}


def test_what_an_earlier_process_left_is_ended_though_it_is_frozen(tmp_path: Path) -> None:
    subject = workspace(tmp_path, None)
    home = tmp_path / "instances" / "i-1"
    home.mkdir(parents=True)
    left = subprocess.Popen(["sleep", "600"], cwd=home)
    other = subprocess.Popen(["sleep", "600"], cwd=tmp_path)
    try:
        left.send_signal(signal.SIGSTOP)
        subject.clear()

        assert left.wait(20) == -signal.SIGKILL
        assert other.poll() is None
        assert not home.exists()
    finally:
        other.kill()
        other.wait()
