"""The process of a folder's local cloud: started, waited for, stopped.

In: a folder; out: a cloud that answers, or none.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import urllib3

from fogbank.cloud.client import LOCK, CloudClient, read_address
from fogbank.contracts.config import Runtime
from fogbank.contracts.errors import CloudError
from fogbank.ground.folders import private_folder
from fogbank.ground.locks import is_locked
from fogbank.ground.ports import is_free

START_LIMIT_S = 30
STOP_LIMIT_S = 60
BEGIN = "import gc; gc.disable(); from fogbank.project.local.cloud_process import main; main()"
"""A tenth of a start would go by looking for garbage among modules; the cloud lets the collector work once it is up."""
LOG = "cloud.log"
LOG_LINES = 6
CREDENTIALS = re.compile(
    r"^(?!UV_|PIP_)(AWS_|.*(SECRET|PASSWORD|PASSPHRASE|TOKEN|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY))",
    re.IGNORECASE,
)


def require_port(folder: Path, port: int) -> None:
    """What would keep a cloud of a folder from listening on a port is told before anything else is done. Raises CloudError."""
    if port and not is_locked(folder / LOCK) and not is_free(port):
        raise port_taken(port)


def port_taken(port: int) -> CloudError:
    """The error of a port that somebody else has."""
    return CloudError(
        "port-in-use",
        f"port {port} is in use by {_who(port)}",
        "stop it, or choose another port, which stays this cloud's: `fogbank cloud start --port 0`, "
        f"or `port = {port + 1}` in [tool.fogbank]",
    )


def _who(port: int) -> str:
    """Who listens on a port: another project's cloud says so."""
    try:
        reply = urllib3.request("GET", f"http://127.0.0.1:{port}/_fogbank/status", timeout=1, retries=False)
        return f"the local cloud of {reply.json()['folder']} (process {reply.json()['pid']})"
    except (urllib3.exceptions.HTTPError, ValueError, KeyError):
        return "another program"


def launch_cloud(
    folder: Path, port: int, runtime: Runtime = "process", *, open_: bool = False, enforce_iam: bool = False
) -> None:
    """Start a cloud process for a folder and return when it answers. Raises CloudError with the process's own words.

    `open_`: it lets everybody in who is on this machine; `enforce_iam`: roles may do what IAM lets them.
    """
    private_folder(folder)
    command = [sys.executable, "-c", BEGIN, str(folder), str(port), runtime]
    options = [word for word, asked in (("open", open_), ("enforce-iam", enforce_iam)) if asked]
    (folder / LOG).touch(mode=0o600)
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            cwd=folder,
            env=without_credentials(os.environ),
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


def without_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what opens something else: whoever can look into the cloud's process would have it. Pure.

    Where packages come from (UV_*, PIP_*) stays, with its passwords if it has any: environments are made from there.

    >>> without_credentials({"AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "p", "GITHUB_TOKEN": "t", "HOME": "/h", "UV_INDEX_A_PASSWORD": "p"})
    {'HOME': '/h', 'UV_INDEX_A_PASSWORD': 'p'}
    """
    return {name: value for name, value in environ.items() if not CREDENTIALS.search(name)}


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
