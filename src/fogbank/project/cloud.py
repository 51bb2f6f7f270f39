"""The project's local cloud: started, found again, asked, stopped.

In: a project; out: where its cloud listens.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fogbank.cloud.client import LOCK, Address, CloudClient, read_address
from fogbank.contracts.config import ProjectConfig, Runtime
from fogbank.contracts.errors import CloudError
from fogbank.ground.aws import LocalClients
from fogbank.ground.locks import is_locked

START_LIMIT_S = 30
STOP_LIMIT_S = 60


def cloud_address(config: ProjectConfig) -> Address:
    """Where the project's cloud listens. Raises CloudError."""
    return CloudClient(config.cloud).address()


def aws_client(config: ProjectConfig, service: str, region: str = "us-east-1") -> Any:
    """Unmodified boto3 against the project's local cloud."""
    return LocalClients(cloud_address(config).url)(service, region)


def start_cloud(config: ProjectConfig, port: int | None = None) -> Address:
    """The project's cloud, started if it is not running: on `port`, else $FOGBANK_PORT, else the project's. Raises CloudError."""
    client = CloudClient(config.cloud)
    if not client.running():
        try:
            wanted = int(os.environ.get("FOGBANK_PORT") or config.port) if port is None else port
            launch_cloud(config.cloud, wanted, config.runtime)
        except CloudError as error:
            if error.code != "cloud-running" or not _answers(client):
                raise
    running = client.call("status")["runtime"]
    if running != config.runtime:
        raise CloudError(
            "cloud-runtime-differs",
            f"the cloud that runs has instances of the kind {running}, and [tool.fogbank] says {config.runtime}",
            "`fogbank cloud stop`, then again: its state stays",
        )
    return client.address()


def _answers(client: CloudClient) -> bool:
    """Whether the cloud that somebody else is starting right now comes up."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if client.running():
            return True
        time.sleep(0.05)
    return False


def launch_cloud(folder: Path, port: int, runtime: Runtime = "process") -> None:
    """Start a cloud process for a folder and return when it answers. Raises CloudError with what it said."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "fogbank", "cloud", "run", "--folder", str(folder), "--port", str(port)]
    command += ["--runtime", runtime]
    with (folder / "cloud.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True, cwd=folder
        )
    with process.stdout or open(os.devnull, "rb") as stdout:  # noqa: PTH123 - stdout is a pipe here; the type does not say so
        said = stdout.readline()
    if not said:
        process.wait()
        lines = (folder / "cloud.log").read_text(errors="replace").strip().splitlines()[-6:]
        raise CloudError(
            "cloud-not-started",
            "the local cloud ended while it started:\n" + "\n".join(lines),
            f"see {folder / 'cloud.log'}",
        )
    document = json.loads(said)
    if "error" in document:
        process.wait()
        raise CloudError(document["error"]["code"], document["error"]["cause"], document["error"]["hint"])
    process.returncode = 0  # it lives on without us; nobody is to wait for it


def stop_cloud(folder: Path) -> str:
    """Ask the cloud of a folder to stop and wait until its process is gone; returns what was done. Raises CloudError."""
    address = read_address(folder)
    client = CloudClient(folder)
    if address is None or not client.running():
        return "was not running"
    client.call("stop")
    deadline = time.monotonic() + STOP_LIMIT_S
    while is_locked(folder / LOCK):
        if time.monotonic() > deadline:
            raise CloudError(
                "cloud-not-stopping",
                f"process {address.pid} is still there after {STOP_LIMIT_S} s",
                f"see {folder / 'cloud.log'}",
            )
        time.sleep(0.02)
    return "stopped"
