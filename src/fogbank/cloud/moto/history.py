"""What moto went through: the journal of changes, and a snapshot now and then so that a start does not have to live through it again.

In: requests that changed something; out: after a start, the entries that are not in the snapshot. A snapshot is written when it is quiet
or when many changes came, and before the answer where moto makes what no seed brings back: key material.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass

from fogbank.cloud.ground.store import JournalEntry, Store
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.frozen import FrozenError, freeze, thaw
from fogbank.cloud.moto.journal import operation_name
from fogbank.cloud.moto.snapshot import Snapshot, SnapshotError, Snapshots

log = logging.getLogger("fogbank.cloud")
MANY = 256
"""So many changes are played back at a start at most, but for a storm of them."""
QUIET_S = 2.0
SHARE = 0.05
"""Of the time, spent on snapshots."""
UNSEEDED = {
    "kms": {"CreateKey", "ReplicateKey", "RotateKeyOnDemand", "ImportKeyMaterial"},
    "acm": {"RequestCertificate"},
    "ec2": {"CreateKeyPair"},
    "cognito-idp": {"CreateUserPool"},
}
"""What moto makes from the machine's random numbers: keys."""


@dataclass(kw_only=True)
class Timing:
    """When the last change came, when the last snapshot was written, how long it took."""

    changed: float = 0.0
    written: float = 0.0
    took: float = 0.0


class History:
    """The journal and its snapshot. Whoever calls it has the turn to write."""

    def __init__(self, store: Store, snapshots: Snapshots) -> None:
        self._store, self._snapshots = store, snapshots
        self._timing = Timing()
        self._covered = 0
        self._unwritten: list[JournalEntry] = []
        self.problem = ""

    def append(self, entry: JournalEntry, request: Request) -> None:
        """Write a change down; when this returns, it is there after whatever happens. Raises sqlite3.Error; moto remembers the change then,
        others can see it, and so it is written before any other, as soon as the disk takes it."""
        self._unwritten.append(entry)
        self.settle()
        self._timing.changed = time.monotonic()
        if operation_name(request) in UNSEEDED.get(request.service, ()):
            self.save()

    def settle(self) -> None:
        """Write what could not be written so far, in its order. Raises sqlite3.Error."""
        while self._unwritten:
            self._store.append(self._unwritten[0])
            del self._unwritten[0]

    def unread(self) -> Iterator[JournalEntry]:
        """Bring the snapshot back, and give what came after it; everything, where there is none that can be used."""
        self._covered = 0
        try:
            snapshot = self._snapshots.read()
            if snapshot:
                thaw(snapshot.data)
                self._covered = snapshot.seq
                self._store.skip_to(snapshot.seq)
        except (SnapshotError, FrozenError) as error:
            log.warning("the snapshot %s: all changes are played back, and keys of KMS are made anew", error)
        return self._store.journal(self._covered)

    def behind(self) -> int:
        """How many changes came after the snapshot."""
        return self._store.next_seq() - 1 - self._covered

    def due(self) -> bool:
        """Whether now is a time to write a snapshot."""
        now, timing = time.monotonic(), self._timing
        rested = now - timing.written >= timing.took / SHARE
        behind = self.behind()
        if self._unwritten:
            return rested
        return rested and behind > 0 and (behind >= MANY or now - timing.changed >= QUIET_S)

    def save(self) -> None:
        """Write a snapshot. Where that cannot be, `problem` says why, and the journal has everything that was acknowledged."""
        if self.behind() <= 0 and not self._unwritten:
            return
        started = time.monotonic()
        try:
            self.settle()
            seq = self._store.next_seq() - 1
            self._snapshots.write(Snapshot(seq=seq, data=freeze()))
        except (FrozenError, OSError, sqlite3.Error) as error:
            if str(error) != self.problem:
                log.warning("no snapshot, so every change is played back at a start: %s", error)
            self.problem = str(error)
        else:
            self._covered, self.problem = seq, ""
        self._timing.written = time.monotonic()
        self._timing.took = self._timing.written - started

    def forget(self) -> None:
        """Everything was reset."""
        self._snapshots.forget()
        self._unwritten.clear()
        self._covered = self._store.next_seq() - 1
