"""Which C library the libraries in a wheel ask for, where its name does not promise it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import CHUNK
from fogbank.ground.elf import MUSL, elf_libc
from fogbank.pack.libraries import check_libraries


@pytest.mark.parametrize(
    ("data", "newest"),
    [
        (b"\x7fELF\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_PRIVATE\0", (2, 17)),
        (b"\x7fELF" + bytes(CHUNK - 6) + b"GLIBC_2.34\0", (2, 34)),
        (b"\x7fELF\0libc.musl-aarch64.so.1\0", MUSL),
        (b"\x7fELF\0said GLIBC_2.99 in a text", (0, 0)),
        (b"text GLIBC_2.34\0", (0, 0)),
        (b"", (0, 0)),
    ],
)
def test_the_newest_that_a_library_asks_for(data: bytes, newest: tuple[int, int]) -> None:
    assert elf_libc(io.BytesIO(data)) == newest


def wheel(folder: Path, member: str, data: bytes) -> Path:
    file = folder / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, data)
    return file


def test_a_wheel_is_read_library_by_library(tmp_path: Path) -> None:
    newest = b"\x7fELF\0GLIBC_2.34\0"
    check_libraries("a", wheel(tmp_path, "a/text.py", newest))
    check_libraries("a", wheel(tmp_path, "a/old.so", b"\x7fELF\0GLIBC_2.28\0"))
    for member in ("a.libs/libb.so.3", "a/c.cpython-311-x86_64-linux-gnu.so"):
        with pytest.raises(PackageError, match=r"glibc 2\.34"):
            check_libraries("a", wheel(tmp_path, member, newest))


def test_what_is_no_wheel_is_told(tmp_path: Path) -> None:
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"none")
    with pytest.raises(PackageError, match="no whole wheel"):
        check_libraries("a", tmp_path / "a-1-py3-none-any.whl")
