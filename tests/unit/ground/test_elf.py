"""The machine of a shared library is read from its first bytes, and nothing else is taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fogbank.ground.elf import elf_machine


def elf(machine: int) -> bytes:
    return b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little")


@pytest.mark.parametrize(("number", "machine"), [(62, "x86_64"), (183, "aarch64"), (40, "machine 40")])
def test_machines_of_elf_files(tmp_path: Path, number: int, machine: str) -> None:
    (tmp_path / "f.so").write_bytes(elf(number) + b"more")

    assert elf_machine(tmp_path / "f.so") == machine


@pytest.mark.parametrize("content", [b"", b"\x7fEL", b"text", b"MZ" + bytes(30), b"#!/bin/sh\n"])
def test_another_file_has_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)

    assert elf_machine(tmp_path / "f") is None


def test_a_folder_and_what_is_not_there_have_none(tmp_path: Path) -> None:
    assert elf_machine(tmp_path) is None
    assert elf_machine(tmp_path / "none") is None


def test_this_pythons_own_program_is_for_this_machine() -> None:
    assert elf_machine(Path("/proc/self/exe")) == os.uname().machine
