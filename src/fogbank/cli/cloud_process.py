"""The cloud's process: the local cloud and the provider stand-in, in one. Says one line on stdout when it is ready.

In: a folder and a port; out: `{"ok": ...}` or `{"error": ...}` on the first line, then silence; the log goes to stderr.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import urllib3

from fogbank.cli.compose import server_pins
from fogbank.cloud.client import ADDRESS, LOCK, Address, write_address
from fogbank.cloud.containers import find_containers
from fogbank.cloud.instance import StartError
from fogbank.cloud.local_cloud import CloudSettings, LocalCloud
from fogbank.cloud.store import StateVersionError
from fogbank.contracts.config import Runtime
from fogbank.contracts.tokens import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY
from fogbank.engine.locate import cache_dir


def serve(folder: Path, port: int, runtime: Runtime) -> None:
    """Run the cloud of a folder until it is asked to stop."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for noisy in ("werkzeug", "botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # the journal holds what was sent, also what was sent to the Secrets Manager
    with (folder / LOCK).open("w") as lock:
        if not _take(lock):
            _fail(
                "cloud-running", f"another process runs the local cloud of {folder}", "use it: `fogbank cloud status`"
            )
            return
        _serve_locked(folder, port, runtime)
        logging.shutdown()
        os._exit(0)  # all is written; the lock goes with the process, so whoever waits for it finds nothing left


def _take(lock: IO[str]) -> bool:
    """Take the lock; one that is held for half a second is another cloud's, one for a moment is somebody's look at it."""
    for _ in range(50):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            time.sleep(0.01)
    return False


def _serve_locked(folder: Path, port: int, runtime: Runtime) -> None:
    try:
        settings = CloudSettings(
            folder=folder,
            port=port,
            environments=cache_dir(os.environ) / "environments",
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
    except (OSError, SystemExit):
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
        StandIn(clients=standin_clients(cloud.url)), int(cloud.store.setting("provider-port", "0"))
    )
    cloud.store.set_setting("provider-port", str(provider.port))
    provider.start()
    return provider


def standin_clients(url: str) -> Any:
    """boto3 clients by service and region, each made once."""
    import boto3
    from botocore.config import Config

    made: dict[tuple[str, str], Any] = {}
    lock = threading.Lock()

    def client(service: str, region: str) -> Any:
        with lock:
            if (service, region) not in made:
                session = boto3.session.Session(
                    aws_access_key_id=LOCAL_ACCESS_KEY, aws_secret_access_key=LOCAL_SECRET_KEY, region_name=region
                )
                config = Config(
                    retries={"total_max_attempts": 1}, read_timeout=300, proxies={}, s3={"addressing_style": "path"}
                )
                made[service, region] = session.client(service, endpoint_url=url, config=config)
            return made[service, region]

    return client


def _fail(code: str, cause: str, hint: str) -> None:
    _say({"error": {"code": code, "cause": cause, "hint": hint}})


def _say(document: object) -> None:
    """The one line that the starter waits for; then stdout is closed to it."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
