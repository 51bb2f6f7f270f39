"""Whether the files of a cloud's state are whole: what is damaged is recognised and named, and a full disk is called a full disk.

In: a folder and its files; out: nothing, or an error that says which file it is. Nothing is changed by looking.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

NEXT_TO_NOTHING = 64 * 1024
"""Bytes that are free on a disk that is full."""
REMAINS = ("moto.snapshot", "cloud.json", "cloud.db-wal", "objects/index.db", "objects/bodies", "capture")
"""What lies in a cloud's folder only after its store was written."""


class DamagedStateError(Exception):
    """A file of the state is not as it was written; the text says which, and how that is seen."""


def refuse_emptied(file: Path, remains: Sequence[str] = REMAINS) -> None:
    """A store that is empty, or gone, where other files say that it was not. Raises DamagedStateError."""
    if file.is_file() and file.stat().st_size:
        return
    beside = [name for name in remains if _holds_something(file.parent / name)]
    if beside:
        state = "is empty" if file.is_file() else "is gone"
        raise DamagedStateError(f"{file} {state}, and {', '.join(beside)} beside it say that there was more")


def check_pages(db: sqlite3.Connection, file: Path) -> None:
    """Look at every page of a database. Raises DamagedStateError."""
    try:
        [said] = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):
            raise DamagedStateError(f"{file} is damaged: {error}") from error
        raise
    if said != "ok":
        raise DamagedStateError(f"{file} is damaged: {said.splitlines()[-1]}")


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether an error is a full disk's: SQLite has several words for it."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return True
    if not isinstance(error, sqlite3.OperationalError | OSError):
        return False
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < NEXT_TO_NOTHING


def _holds_something(path: Path) -> bool:
    if path.is_dir():
        return any(found.is_file() for found in path.rglob("*"))
    return path.is_file() and path.stat().st_size > 0
