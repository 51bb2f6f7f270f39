"""The process of a folder's local cloud: started, waited for, stopped.

In: a folder; out: a cloud that answers, or none.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from fogbank.cloud.client import LOCK, CloudClient, read_address
from fogbank.contracts.config import Runtime
from fogbank.contracts.errors import CloudError
from fogbank.ground.locks import is_locked

START_LIMIT_S = 30
STOP_LIMIT_S = 60
LOG = "cloud.log"
LOG_LINES = 6


def launch_cloud(folder: Path, port: int, runtime: Runtime = "process") -> None:
    """Start a cloud process for a folder and return when it answers. Raises CloudError with the process's own words."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "fogbank.project.cloud_process", str(folder), str(port), runtime]
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True, cwd=folder
        )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    with process.stdout as stdout:
        line = stdout.readline()
    if not line:
        process.wait()
        lines = (folder / LOG).read_text(errors="replace").strip().splitlines()[-LOG_LINES:]
        raise CloudError(
            "cloud-not-started",
            "the local cloud ended while it started:\n" + "\n".join(lines),
            f"see {folder / LOG}",
        )
    document = json.loads(line)
    if "error" in document:
        process.wait()
        raise CloudError(document["error"]["code"], document["error"]["cause"], document["error"]["hint"])
    process.returncode = 0  # it lives on without us; nobody is to wait for it


def comes_up(client: CloudClient) -> bool:
    """Whether the cloud that somebody else is starting right now comes up."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if client.running():
            return True
        time.sleep(0.05)
    return False


def stop_cloud(folder: Path) -> bool:
    """Ask the cloud of a folder to stop and wait until its process is gone; False where none was running. Raises CloudError."""
    address = read_address(folder)
    client = CloudClient(folder)
    if address is None or not client.running():
        return False
    client.call("stop")
    deadline = time.monotonic() + STOP_LIMIT_S
    while is_locked(folder / LOCK):
        if time.monotonic() > deadline:
            raise CloudError(
                "cloud-not-stopping",
                f"process {address.pid} is still there after {STOP_LIMIT_S} s",
                f"see {folder / LOG}",
            )
        time.sleep(0.02)
    return True
