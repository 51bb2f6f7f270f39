"""A function's code on the disk: its zip and those of its layers, unpacked once, by the digest of what is in them.

In: bytes; out: folders that stand for /var/task and /opt, or a CodeError.
"""

from __future__ import annotations

import io
import lzma
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from fogbank.cloud.moto.functions import Function
from fogbank.ground.archive import DEEPEST, MEMBERS_LIMIT
from fogbank.ground.digest import sha256_bytes
from fogbank.ground.paths import EscapeError, inside

DAMAGED = (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
MOST_UNPACKED = 262_144_000
"""Bytes, with all layers: Lambda's quota."""


class CodeError(Exception):
    """What was uploaded is not what Lambda runs; the text is Lambda's."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """`task` stands for /var/task, `layers` for /opt."""

    task: Path
    layers: Path

    def paths(self) -> list[Path]:
        """Where modules are looked for before the runtime's own."""
        return [
            self.task,
            self.layers / "python",
            *sorted((self.layers / "python").glob("lib/python3.*/site-packages")),
        ]


def unpacked(function: Function, folder: Path) -> Code:
    """The function's code below a folder. Raises CodeError."""
    name = sha256_bytes(b"\0".join([function.code, *function.layers]))[:20]
    home = folder / name
    code = Code(task=home / "task", layers=home / "opt")
    if home.is_dir():
        return code
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="unpack-") as fresh:
        left = MOST_UNPACKED - _unpack(function.code, Path(fresh) / "code" / "task", MOST_UNPACKED)
        (Path(fresh) / "code" / "opt").mkdir()
        for layer in function.layers:
            left -= _unpack(layer, Path(fresh) / "code" / "opt", left)
        try:
            (Path(fresh) / "code").rename(home)
        except OSError:  # another invocation was first
            if not home.is_dir():
                raise
    return code


def _unpack(data: bytes, folder: Path, most: int) -> int:
    """Unpack a zip; how many bytes it was."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise CodeError("Could not unzip uploaded file. Please check your file, then try to upload again.") from error
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        size = sum(member.file_size for member in members)
        if size > most:
            raise CodeError(f"Unzipped size must be smaller than {MOST_UNPACKED} bytes")
        if len(members) > MEMBERS_LIMIT or any(member.filename.count("/") > DEEPEST for member in members):
            raise CodeError(
                f"the local cloud takes no zip of more than {MEMBERS_LIMIT} files, or of more than {DEEPEST} folders in one another"
            )
        for member in members:
            _extract(archive, member, folder)
    return size


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    try:
        target = inside(folder, member.filename)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    except EscapeError as error:
        raise CodeError(f"the zip's {member.filename!r} would be written outside of the function's folder") from error
    except DAMAGED as error:
        raise CodeError(f"Could not unzip uploaded file: {member.filename}: {error}") from error
    target.chmod(0o700 if (member.external_attr >> 16) & 0o111 else 0o600)
