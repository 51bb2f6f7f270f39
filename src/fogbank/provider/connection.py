"""What one provider of one stack was told: the engine opens a connection for each, so nothing of it lies with the server.

In: a connection's address; out: the provider under that connection's configuration, the program's folder, and the engine's own
ear, for what is to be told besides an answer. Two providers, two regions, two stacks at once never see one another.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from fogbank.ground.peers import Kernel, Owner
from fogbank.ground.ports import LOOPBACK
from fogbank.ground.processes import process_of_peer, working_folder
from fogbank.provider.resource import Failure, Properties, Provider

QUIET_S = 0.4
"""A program that registers nothing for so long is taken to have come to its end, or to wait for what is refused."""
KEPT = 1000
"""Connections that are kept in mind; the engine opens a few for each run."""
LOG_LIMIT_S = 5.0
Admits = Callable[[Owner], bool]
"""Whether the owner of a connection is the user."""
SAID = sys.platform == "linux"
"""Whether the kernel says whose a connection is; elsewhere this port, which knows no signatures, answers the whole machine."""


class Connection:
    """One connection of an engine. `refused` is what of its program is refused, by URN; `ended` whether its run is over;
    `is_users` whether it comes from the user whose provider this is."""

    def __init__(self, provider: Provider, peer: str, owner: Owner | None, is_users: Admits) -> None:
        self.provider = provider
        self.owner = owner
        self.engine_address = ""
        self.refused: dict[str, str] = {}
        self.ended = False
        self.is_users = not SAID or (owner is not None and is_users(owner))
        self.process = process_of_peer(peer) if self.is_users else None

    def configure(self, config: Properties) -> None:
        """Take a provider's configuration."""
        self.provider = self.provider.configured(config, program_folder(self.process))

    def told(self, urn: str, failures: list[Failure]) -> bool:
        """Whether the engine could be told what is refused of a resource: it then shows it, and ends in an error."""
        reason = "; ".join(f"{item.property} {item.reason}".strip() for item in failures)
        if not self.engine_address or not _log(self.engine_address, urn, reason):
            return False
        self.refused[urn] = reason
        return True


class LastRefusal:
    """Lets a preview end in an error after all that is refused was told: the engine stops at the first step that fails, and counts
    none that only told something. So a refused step waits for the next refused one, which takes its place; the last one fails."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heard = time.monotonic()
        self._waiting: object = None

    def hear(self) -> None:
        """The program goes on."""
        with self._changed:
            self._heard = time.monotonic()

    def is_last(self) -> bool:
        """Wait until another refused step comes (False) or the program is quiet (True)."""
        me = object()
        with self._changed:
            self._waiting = me
            self._changed.notify_all()
            while self._waiting is me:
                left = self._heard + QUIET_S - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)
        return False


class Connections:
    """The connections of a server, by the address that they come from. An address may come to be another process's."""

    def __init__(self, provider: Provider, port: Callable[[], int], is_users: Admits) -> None:
        self._provider, self._port, self._is_users = provider, port, is_users
        self._kernel = Kernel()
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Connection] = OrderedDict()
        self._refusals: dict[int | None, LastRefusal] = {}

    def of(self, peer: str) -> Connection:
        """The connection from an address; a new one has no configuration yet."""
        owner = self._kernel.owner((LOOPBACK, self._port()), (LOOPBACK, int(peer.rpartition(":")[2]))) if SAID else None
        with self._lock:
            if peer not in self._known or self._known[peer].owner != owner:
                self._known[peer] = Connection(self._provider, peer, owner, self._is_users)
                while len(self._known) > KEPT:
                    _, forgotten = self._known.popitem(last=False)
                    self._refusals.pop(forgotten.process, None)
            self._known.move_to_end(peer)
            return self._known[peer]

    def refusals(self, connection: Connection) -> LastRefusal:
        """Those of the connection's engine."""
        with self._lock:
            return self._refusals.setdefault(connection.process, LastRefusal())

    def refused_before(self, connection: Connection) -> list[str]:
        """What the same engine was told in a run that is over: its preview, where this is its update."""
        with self._lock:
            earlier = [each for each in self._known.values() if each.ended and each.process == connection.process]
        return [reason for each in earlier for reason in each.refused.values()] if connection.process else []


def program_folder(process: int | None) -> Path | None:
    """The folder that a program's relative paths start from, by its engine's own working folder: its project's `main`."""
    folder = working_folder(process) if process else None
    if folder is None:
        return None
    root = next((each for each in (folder, *folder.parents) if (each / "Pulumi.yaml").is_file()), None)
    if root is None:
        return folder
    import yaml

    document: Any = yaml.safe_load((root / "Pulumi.yaml").read_text()) or {}
    return root / str(document.get("main") or "")


def _log(address: str, urn: str, message: str) -> bool:
    """Tell the engine an error of a resource; whether it heard it. Source: pulumi's engine.proto."""
    try:
        with grpc.insecure_channel(address) as channel:
            request = engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=message, urn=urn)
            engine_pb2_grpc.EngineStub(channel).Log(request, timeout=LOG_LIMIT_S)
    except grpc.RpcError:
        return False
    return True
