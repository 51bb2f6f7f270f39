"""Folders that are the user's own: state, keys, what was sent and what was answered; and files in them that are whole or as they were."""

from __future__ import annotations

import os
import stat
from pathlib import Path

PRIVATE = 0o700


def private_folder(folder: Path) -> Path:
    """The folder, made where it is missing, which nobody but its user may look into. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    if stat.S_IMODE(folder.stat().st_mode) != PRIVATE:
        folder.chmod(PRIVATE)
    return folder


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step: it has all of the bytes, or is as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
