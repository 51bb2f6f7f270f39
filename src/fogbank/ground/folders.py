"""Folders that are the user's own: state, keys, what was sent and what was answered; and files in them that are whole or as they were."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fogbank.ground.paths import EscapeError

PRIVATE = 0o700


def private_folder(folder: Path) -> Path:
    """The folder, made where it is missing, which nobody but its user may look into. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    if stat.S_IMODE(folder.stat().st_mode) != PRIVATE:
        folder.chmod(PRIVATE)
    return folder


@contextmanager
def left_file(path: Path, limit: int) -> Iterator[BinaryIO]:
    """A file that somebody's process has left, opened to be read: a file itself, by no link and under no other name, of `limit` bytes
    at most. Raises OSError, ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
            raise ValueError(f"{path.name} is no file of its own")
        if state.st_size > limit:
            raise ValueError(f"{path.name} is larger than {limit} bytes")
        yield stream


@contextmanager
def file_below(home: Path, path: Path) -> Iterator[BinaryIO]:
    """A file below `home`, a folder that somebody's process writes to, opened to be read: by links that stay below it, and by no other.
    What the process changes meanwhile does not lead out either: each folder is opened by its name in the one before, through no link.

    Raises EscapeError for what lies elsewhere, OSError.
    """
    root, place = Path(os.path.realpath(home)), Path(os.path.realpath(path))
    if not place.is_relative_to(root):
        name = path.relative_to(home) if path.is_relative_to(home) else path.name
        raise EscapeError(f"{str(name)!r} is a link that leads out of its folder")
    *folders, name = place.relative_to(root).parts or (".",)
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            into = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = into
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    with os.fdopen(opened, "rb") as stream:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, "no file", str(path))
        yield stream


def text_below(home: Path, path: Path, limit: int) -> str | None:
    """The first bytes of such a file as text; None where there is none that may be read."""
    try:
        with file_below(home, path) as stream:
            return stream.read(limit).decode(errors="replace")
    except (EscapeError, OSError):
        return None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step: it has all of the bytes, or is as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
