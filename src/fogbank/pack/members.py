"""A member of somebody's zip, of which a small one could ask for any memory."""

from __future__ import annotations

import zipfile

MOST = 64 << 20
"""Bytes of what says how a model is built: the names of its tensors, its graph, its configuration."""


def member(archive: zipfile.ZipFile, name: str, most: int = MOST) -> bytes:
    """A member's bytes, of which zipfile reads no more than are declared. Raises KeyError for one that is not there, ValueError for one of too many."""
    size = archive.getinfo(name).file_size
    if size > most:
        raise ValueError(f"its {name} has {size} bytes, and at most {most} are read")
    return archive.read(name)
