"""Which machine a shared library is for, and which C library it asks for. Source: the ELF specification's `e_machine`; the names of
versions (glibc's own, "Symbol Versioning") and of libraries are strings in it that end with a NUL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

from fogbank.ground.digest import CHUNK

MACHINES = {62: "x86_64", 183: "aarch64"}

ELF, LONGEST = b"\x7fELF", 64
C_LIBRARY = re.compile(rb"GLIBC_(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?\0|(libc\.musl)-")
MUSL = (1 << 10, 0)
"""Another C library than glibc, as a version that none of glibc's reaches."""


def elf_libc(stream: IO[bytes]) -> tuple[int, int]:
    """The newest glibc that an ELF file asks for, (0, 0) for none and for another file; `MUSL` for musl. Raises OSError."""
    newest, kept = (0, 0), stream.read(len(ELF))
    if kept != ELF:
        return newest
    while piece := stream.read(CHUNK):
        kept += piece
        for major, minor, musl in C_LIBRARY.findall(kept):
            newest = max(newest, MUSL if musl else (int(major), int(minor)))
        kept = kept[-LONGEST:]
    return newest


def elf_machine(path: Path) -> str | None:
    """The machine of an ELF file, None for another file."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(20)
    if head[:4] != ELF:
        return None
    number = int.from_bytes(head[18:20], "little")
    return MACHINES.get(number, f"machine {number}")
