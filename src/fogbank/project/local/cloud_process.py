"""The cloud's process: the local cloud and the provider stand-in, in one. Says one line on stdout when it is ready.

`main` with FOLDER PORT RUNTIME [open] [enforce-iam]. Out: `{"ok": ...}` or `{"error": ...}` on the first line, then
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

from fogbank.cloud.client import ADDRESS, LOCK, Address, make_key, write_address
from fogbank.cloud.ground.state import DamagedStateError, is_full
from fogbank.cloud.ground.store import StateVersionError
from fogbank.cloud.hosting.containers import find_containers
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.local_cloud import CloudSettings, LocalCloud
from fogbank.contracts.config import Runtime
from fogbank.contracts.errors import FogbankError
from fogbank.ground.aws import LocalClients
from fogbank.ground.folders import private_folder
from fogbank.ground.locks import take
from fogbank.ground.peers import Owner
from fogbank.ground.protocol import protocol_alone
from fogbank.project.local.approval import approval_of
from fogbank.project.local.launch import port_taken
from fogbank.project.workplace.installation import cached, server_pins

log = logging.getLogger("fogbank.cloud")


def serve(folder: Path, port: int, runtime: Runtime, *, open_: bool = False, enforce_iam: bool = False) -> None:
    """Run the cloud of a folder until it is asked to stop. An interrupt is meant for whoever started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for noisy in ("werkzeug", "botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    os.umask(0o077)  # what it writes is its user's; what it starts has the usual mask again
    try:
        _serve_alone(folder, port, runtime, open_=open_, enforce_iam=enforce_iam)
    except (OSError, sqlite3.Error) as error:
        if not is_full(error, folder):
            raise
        _fail_full(folder, error)


def _serve_alone(folder: Path, port: int, runtime: Runtime, *, open_: bool, enforce_iam: bool) -> None:
    private_folder(folder)  # the journal holds what was sent, also what was sent to the Secrets Manager
    with (folder / LOCK).open("w") as lock:
        if not take(lock):
            _fail(
                "cloud-running", f"another process runs the local cloud of {folder}", "use it: `fogbank cloud status`"
            )
            return
        _serve_locked(folder, port, runtime, open_=open_, enforce_iam=enforce_iam)
        logging.shutdown()
        os._exit(0)  # all is written; the lock goes with the process, so whoever waits for it finds nothing left


def _serve_locked(folder: Path, port: int, runtime: Runtime, *, open_: bool, enforce_iam: bool) -> None:
    try:
        settings = CloudSettings(
            folder=folder,
            port=port,
            environments=cached("environments"),
            keys=cached("keys"),
            server_pins=server_pins,
            secret=make_key(folder),
            open=open_,
            enforce_iam=enforce_iam,
            containers=find_containers(os.environ, folder) if runtime == "container" else None,
            approval=approval_of(folder),
        )
        cloud = LocalCloud(settings)
    except StartError as error:
        _fail("container-engine-missing", str(error), 'install podman or docker, or set `runtime = "process"`')
        return
    except FogbankError as error:
        _fail(error.code, error.cause, error.hint)
        return
    except (StateVersionError, DamagedStateError, sqlite3.DatabaseError) as error:
        _fail_unreadable(folder, error)
        return
    try:
        cloud.bind()
    except OSError:
        taken = port_taken(port)
        _fail(taken.code, taken.cause, taken.hint)
        return
    provider = _start_provider(cloud)
    try:
        cloud.start()
    except (DamagedStateError, sqlite3.DatabaseError, ValueError, KeyError) as error:
        log.exception("the state cannot be brought back")
        _fail_unreadable(folder, error)
        return
    write_address(folder, Address(port=cloud.port, provider_port=provider.port, pid=os.getpid()))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=cloud.ask_to_stop).start())
    _say({"ok": {"url": cloud.url}})
    cloud.wait()
    provider.stop()
    cloud.stop()
    (folder / ADDRESS).unlink(missing_ok=True)


def _start_provider(cloud: LocalCloud) -> Any:
    with protocol_alone():
        from fogbank.provider.server import ProviderServer
        from fogbank.provider.standin import StandIn

    standin = StandIn(clients=LocalClients(cloud.url, cloud.settings.secret, read_timeout_s=300))
    provider = ProviderServer(standin, int(cloud.store.setting("provider-port", "0")), Owner.is_mine)
    cloud.store.set_setting("provider-port", str(provider.port))
    provider.start()
    return provider


def _fail_unreadable(folder: Path, error: Exception) -> None:
    if is_full(error, folder):
        _fail_full(folder, error)
        return
    _fail(
        "cloud-state-unreadable",
        f"the state in {folder} cannot be read: {error}",
        f"put the files back as they were; or move {folder} away, and run `fogbank up` for a new cloud: nothing in it was changed",
    )


def _fail_full(folder: Path, error: Exception) -> None:
    _fail(
        "disk-full",
        f"there is no room on the disk of {folder}: {error}",
        "make room, then start it again: its state is whole",
    )


def _fail(code: str, cause: str, hint: str) -> None:
    _say({"error": {"code": code, "cause": cause, "hint": hint}})


def _say(document: object) -> None:
    """The one line that the starter waits for; then stdout is closed to it."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def main() -> None:
    """By what the command line says."""
    options = sys.argv[4:]
    serve(
        Path(sys.argv[1]),
        int(sys.argv[2]),
        cast(Runtime, sys.argv[3]),
        open_="open" in options,
        enforce_iam="enforce-iam" in options,
    )


if __name__ == "__main__":
    main()
