"""The file of a snapshot: moto's memory after so many changes, so that a start plays back only what came later.

In: a folder and a key of the user's own; out: bytes that this user wrote, whole, under the same moto and Python, or a reason why not.
A snapshot saves time and never is the only copy: the journal stays, so one that is damaged, foreign or of another version is left alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import platform
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import moto

log = logging.getLogger("fogbank.cloud")
FILE = "moto.snapshot"
FORMAT = "fogbank moto snapshot 2"
KEY_SIZE = 32
DIGEST = hashlib.sha256().digest_size


class SnapshotError(Exception):
    """A snapshot that cannot be used, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`seq` is the number of the last change in it."""

    seq: int
    data: bytes


class Snapshots:
    """The snapshot of a cloud's folder."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._file = folder / FILE
        self._key = key

    def write(self, snapshot: Snapshot) -> None:
        """Write it in one step: before it the earlier one is there, after it this one. Raises OSError."""
        head = json.dumps({**_versions(), "seq": snapshot.seq}).encode() + b"\n"
        fresh = self._file.with_suffix(".new")
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(head)
            file.write(self._digest(head, snapshot.data))
            file.write(snapshot.data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)

    def read(self) -> Snapshot | None:
        """The snapshot, or None where there is none. Raises SnapshotError."""
        try:
            with self._file.open("rb") as file:
                head, digest, data = file.readline(), file.read(DIGEST), file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SnapshotError(f"cannot be read: {error}") from error
        if not hmac.compare_digest(digest, self._digest(head, data)):
            raise SnapshotError("is damaged, or another user's")
        versions = json.loads(head)
        seq = versions.pop("seq")
        if versions != _versions():
            raise SnapshotError(f"was written by {' '.join(versions.values())}")
        return Snapshot(seq=seq, data=data)

    def forget(self) -> None:
        """Remove it."""
        self._file.unlink(missing_ok=True)

    def _digest(self, head: bytes, data: bytes) -> bytes:
        code = hmac.new(self._key, head, hashlib.sha256)
        code.update(data)
        return code.digest()


def user_key(folder: Path) -> bytes:
    """The key of this user on this machine, made when it is first asked for; it lies outside of every project.

    Where it cannot be kept it is for this time only: then the next start has no snapshot that it can open.
    """
    file = folder / "snapshots"
    try:
        if not _is_key(file):
            _make_key(file)
        return file.read_bytes()
    except OSError as error:
        log.warning("no key for snapshots, so the next start plays back every change: %s", error)
        return secrets.token_bytes(KEY_SIZE)


def _is_key(file: Path) -> bool:
    return file.is_file() and file.stat().st_size == KEY_SIZE


def _make_key(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f".snapshots-{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(secrets.token_bytes(KEY_SIZE))
    if file.exists():  # cut short by a power cut: no key
        fresh.replace(file)
        return
    with suppress(FileExistsError):  # whoever was first has made the key
        os.link(fresh, file)
    fresh.unlink()


def _versions() -> dict[str, str]:
    return {"format": FORMAT, "moto": moto.__version__, "python": platform.python_version()}
