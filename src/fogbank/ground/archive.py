"""Unpack model data safely: the archive is somebody else's, and may be damaged or hostile.

In: a gzip tar; out: a folder with plain files, folders, and links that stay inside; or a ArchiveError that names the member.
Nothing is trusted of what the archive says: names cannot leave the folder, nothing is written through a link, and what it grows
to is counted while it is written.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self

from fogbank.ground.digest import CHUNK
from fogbank.ground.paths import EscapeError, inside

MEMBERS_LIMIT = 100_000
BOMB_RATIO = 200
"""Model weights shrink by a few times, text by twenty; deflate can do a thousand. Below `BOMB_SIZE` nobody minds."""
BOMB_SIZE = 1 << 30
LONGEST_HEAD = 8 << 10
"""Bytes of what stands before a member: a long name, a long link, times. tarfile reads it into memory whole, however long it is, and
looks through it in quadratic time before Python 3.11.10 (CVE-2024-6232)."""
DEEPEST = 100
"""Folders in one another: what is deeper can be made, and then not be removed."""
HEADS = frozenset({
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
})  # fmt: skip
MADE_AGAIN = "if it is yours, make it again with `COPYFILE_DISABLE=1 tar --no-xattrs -czf ...`; else do not use it"
"""macOS keeps in such a head what it knows of a file, such as where it was downloaded from."""
GZIP_MAGIC = b"\x1f\x8b"


class ArchiveError(Exception):
    """An archive that is damaged or hostile: a stable `code`, the `cause`, and a `hint`: the next step."""

    def __init__(self, code: str, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.code, self.cause, self.hint = code, cause, hint


class Member(tarfile.TarInfo):
    """A member of an archive that is somebody else's, for `tarfile.open(tarinfo=Member)`: what stands before it is short."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The header of 512 bytes. Raises ArchiveError (`archive-bomb`), and what tarfile raises."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in HEADS and not 0 <= member.size <= LONGEST_HEAD:
            raise _refused("archive-bomb", f"a member has a head of {member.size} bytes", MADE_AGAIN)
        return member


def unpack_archive(archive: Path, target: Path, *, bomb_size: int = BOMB_SIZE) -> None:
    """Unpack a gzip tar into `target`, which is made. What was unpacked before an error stays there.

    Raises ArchiveError: `archive-not-gzip`, `archive-not-tar`, `archive-truncated`, `archive-escapes`, `archive-link-out`,
    `archive-device`, `archive-bomb`, `archive-unwritable` (no room, or a name that two members share).
    """
    target.mkdir(parents=True, exist_ok=True)
    with archive.open("rb") as stream:
        if stream.read(2) != GZIP_MAGIC:
            raise _refused("archive-not-gzip", f"{archive.name} is not a gzip tar archive: it does not begin as gzip does",
                           "make it with `fogbank pack`, or `tar czf model.tar.gz -C FOLDER .`")  # fmt: skip
    writer = _Writer(target, max(bomb_size, BOMB_RATIO * archive.stat().st_size))
    try:
        with gzip.open(archive) as plain, tarfile.open(fileobj=plain, mode="r|", tarinfo=Member) as tar:
            for member in tar:
                writer.write(tar, member)
            while piece := plain.read(CHUNK):  # what follows the tar: read, so that gzip's checksum is looked at
                writer.count(len(piece), "its end")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _refused(
            "archive-truncated", f"{archive.name} is damaged or cut short: {error}", "upload it again"
        ) from error
    except tarfile.TarError as error:
        raise _damaged(archive, writer, error) from error
    except RecursionError as error:  # heads of heads
        raise _refused(
            "archive-bomb", f"{archive.name} has heads in one another without end", "do not use it"
        ) from error
    except OSError as error:
        raise _refused(
            "archive-unwritable",
            f"{archive.name} cannot be unpacked: {error}",
            "make room on the disk, or a smaller archive",
        ) from error


def _damaged(archive: Path, writer: _Writer, error: Exception) -> ArchiveError:
    if writer.members or "unexpected end" in str(error):
        return _refused("archive-truncated", f"{archive.name} is damaged or cut short: {error}", "upload it again")
    return _refused(
        "archive-not-tar", f"{archive.name} is gzip, and what is in it is no tar: {error}", "pack a folder, not a file"
    )


class _Writer:
    """Writes members, and counts."""

    def __init__(self, root: Path, limit: int) -> None:
        self._root, self._limit = root, limit
        self.members = self._written = 0

    def write(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self.members += 1
        if self.members > MEMBERS_LIMIT:
            raise _refused("archive-bomb", f"it has more than {MEMBERS_LIMIT} members", "pack fewer files")
        place = self._place(member.name)
        if place == self._root:
            return
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
        elif member.issym():
            self._link(place, member)
        elif member.islnk():
            source = self._place(member.linkname)
            self._fresh(place)
            self.count(source.lstat().st_size, member.name)  # a copy, so that nothing is ever written through it
            shutil.copyfile(source, place, follow_symlinks=False)
        elif member.isreg() and not member.sparse:
            self._file(place, tar.extractfile(member), member)
        else:
            raise _refused(
                "archive-device", f"{member.name} is a device, a pipe or a sparse file", "pack plain files alone"
            )

    def _place(self, name: str) -> Path:
        """Where a member goes: below the root, and through no link."""
        if name.count("/") > DEEPEST:
            raise _refused("archive-bomb", f"it has more than {DEEPEST} folders in one another", "pack fewer folders")
        try:
            return inside(self._root, name)
        except EscapeError as error:
            raise _refused(
                "archive-escapes",
                f"{name!r} would be written outside of the folder: {error}",
                "pack relative names alone, and none through a link",
            ) from error

    def _link(self, place: Path, member: tarfile.TarInfo) -> None:
        """A symbolic link downwards or beside itself: what has no `..` and no link of that kind behind it stays inside."""
        to = PurePosixPath(member.linkname)
        if to.is_absolute() or ".." in to.parts:
            raise _refused(
                "archive-link-out",
                f"{member.name} links to {member.linkname}, which may be outside",
                "pack the file itself",
            )
        self._fresh(place)
        place.symlink_to(member.linkname)

    def _file(self, place: Path, stream: BinaryIO | object, member: tarfile.TarInfo) -> None:
        self._fresh(place)
        with place.open("wb") as out:
            while piece := stream.read(CHUNK):  # type: ignore[union-attr]  # a regular member has a stream
                self.count(len(piece), member.name)
                out.write(piece)
        place.chmod(0o755 if member.mode & 0o100 else 0o644)

    def count(self, size: int, where: str) -> None:
        """Add to what was unpacked. Raises ArchiveError (`archive-bomb`)."""
        self._written += size
        if self._written > self._limit:
            raise _refused(
                "archive-bomb",
                f"it grows beyond {self._limit} bytes, more than {BOMB_RATIO} times its size, at {where}",
                "do not use it",
            )

    def _fresh(self, place: Path) -> None:
        """Room for a member: nothing is written over a link, or through a hard one."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)


def _refused(code: str, cause: str, hint: str) -> ArchiveError:
    return ArchiveError(code, cause, hint)
