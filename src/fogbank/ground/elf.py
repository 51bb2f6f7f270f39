"""Which machine a shared library is for, by its first bytes. Source: the ELF specification's `e_machine`."""

from __future__ import annotations

from pathlib import Path

MACHINES = {62: "x86_64", 183: "aarch64"}


def elf_machine(path: Path) -> str | None:
    """The machine of an ELF file, None for another file."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(20)
    if head[:4] != b"\x7fELF":
        return None
    number = int.from_bytes(head[18:20], "little")
    return MACHINES.get(number, f"machine {number}")
