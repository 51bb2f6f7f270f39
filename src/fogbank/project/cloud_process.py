"""The cloud's process: the local cloud and the provider stand-in, in one. Says one line on stdout when it is ready.

`python -m fogbank.project.cloud_process FOLDER PORT RUNTIME`. Out: `{"ok": ...}` or `{"error": ...}` on the first line, then
silence; the log goes to stderr.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any, cast

import urllib3

from fogbank.cloud.client import ADDRESS, LOCK, Address, write_address
from fogbank.cloud.ground.store import StateVersionError
from fogbank.cloud.hosting.containers import find_containers
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.local_cloud import CloudSettings, LocalCloud
from fogbank.contracts.config import Runtime
from fogbank.ground.aws import LocalClients
from fogbank.ground.locks import take
from fogbank.project.installation import cached, server_pins


def serve(folder: Path, port: int, runtime: Runtime) -> None:
    """Run the cloud of a folder until it is asked to stop. An interrupt is meant for whoever started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for noisy in ("werkzeug", "botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # the journal holds what was sent, also what was sent to the Secrets Manager
    with (folder / LOCK).open("w") as lock:
        if not take(lock):
            _fail(
                "cloud-running", f"another process runs the local cloud of {folder}", "use it: `fogbank cloud status`"
            )
            return
        _serve_locked(folder, port, runtime)
        logging.shutdown()
        os._exit(0)  # all is written; the lock goes with the process, so whoever waits for it finds nothing left


def _serve_locked(folder: Path, port: int, runtime: Runtime) -> None:
    try:
        settings = CloudSettings(
            folder=folder,
            port=port,
            environments=cached("environments"),
            keys=cached("keys"),
            server_pins=server_pins(),
            containers=find_containers(os.environ, folder) if runtime == "container" else None,
        )
        cloud = LocalCloud(settings)
    except StartError as error:
        _fail("container-engine-missing", str(error), 'install podman or docker, or set `runtime = "process"`')
        return
    except (StateVersionError, sqlite3.DatabaseError) as error:
        _fail("cloud-state-unreadable", str(error), f"move {folder} away, and run `fogbank up` for a new cloud")
        return
    try:
        cloud.bind()
    except OSError:
        _fail(
            "port-in-use",
            f"port {port} is in use by {_who(port)}",
            f"stop it, or choose another port: `fogbank cloud start --port 0`, or `port = {port + 1}` in [tool.fogbank]",
        )
        return
    provider = _start_provider(cloud)
    cloud.start()
    write_address(folder, Address(port=cloud.port, provider_port=provider.port, pid=os.getpid()))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=cloud.ask_to_stop).start())
    _say({"ok": {"url": cloud.url}})
    cloud.wait()
    provider.stop()
    cloud.stop()
    (folder / ADDRESS).unlink(missing_ok=True)


def _who(port: int) -> str:
    """Who listens on a port: another project's cloud says so."""
    try:
        reply = urllib3.request("GET", f"http://127.0.0.1:{port}/_fogbank/status", timeout=1, retries=False)
        return f"the local cloud of {reply.json()['folder']} (process {reply.json()['pid']})"
    except (urllib3.exceptions.HTTPError, ValueError, KeyError):
        return "another program"


def _start_provider(cloud: LocalCloud) -> Any:
    from fogbank.provider.server import ProviderServer
    from fogbank.provider.standin import StandIn

    provider = ProviderServer(
        StandIn(clients=LocalClients(cloud.url, read_timeout_s=300)), int(cloud.store.setting("provider-port", "0"))
    )
    cloud.store.set_setting("provider-port", str(provider.port))
    provider.start()
    return provider


def _fail(code: str, cause: str, hint: str) -> None:
    _say({"error": {"code": code, "cause": cause, "hint": hint}})


def _say(document: object) -> None:
    """The one line that the starter waits for; then stdout is closed to it."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), cast(Runtime, sys.argv[3]))
