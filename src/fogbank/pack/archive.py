"""A gzip tar that is the same bytes for the same content: sorted names, zero times, fixed modes and owners, one compressor.

libdeflate's output depends on neither the machine nor the zlib that Python was linked with.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import BinaryIO

import deflate

LEVEL = 6


def write_archive(target: BinaryIO, files: Mapping[str, bytes]) -> None:
    """Write `files` (path to content) to `target`."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    target.write(deflate.gzip_compress(plain.getvalue(), LEVEL))
