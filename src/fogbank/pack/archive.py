"""A gzip tar that is the same bytes for the same content: sorted names, zero times, fixed modes and owners."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from typing import BinaryIO


def write_archive(target: BinaryIO, files: Mapping[str, bytes]) -> None:
    """Write `files` (path to content) to `target`."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(files[name]))
