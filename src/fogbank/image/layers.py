"""Layers that are the same bytes for the same content: sorted names, zero times, fixed modes and owners, one compressor.

In: entries; out: a gzip tar in a store of blobs by digest. The compressor is libdeflate, whose output depends on neither the
machine nor the zlib that Python was linked with; it works on pieces, each a gzip member (RFC 1952 section 2.2), so that memory
is bounded.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import deflate

from fogbank.ground.digest import CHUNK, canonical_json, sha256_file
from fogbank.ground.folders import write_whole

FORMAT = 3
"""Part of every layer's key: raise it when the same entries become other bytes."""
LEVEL = 6
PIECE = 32 << 20


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One member of a layer: a file (bytes, or a path to them), a symbolic link, or with neither a folder. Names are relative."""

    name: str
    data: bytes | Path | None = None
    link: str = ""
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer's blob: `digest` of the compressed bytes, `diff_id` of the tar in them, both as `sha256:<hex>`; `size` compressed."""

    digest: str
    diff_id: str
    size: int


class Writer(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Take them."""


class LayerStore:
    """Blobs by their digest in one folder, and the layers that were made, by the key of what they were made from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def blob(self, digest: str) -> Path:
        """Where the blob of that digest lies, or would."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def has(self, digest: str, size: int) -> bool:
        """Whether the blob is there in its full length; its bytes are checked by whoever copies it."""
        path = self.blob(digest)
        return path.is_file() and path.stat().st_size == size

    def layer(self, key: str, entries: Callable[[Path], Iterable[Entry]]) -> Layer:
        """The layer of that key; made, if it is not there whole, from entries that may use a folder to work in."""
        record = self.folder / "layers" / f"{key}.json"
        if record.is_file():
            known = Layer(**json.loads(record.read_bytes()))
            if self.has(known.digest, known.size) and f"sha256:{sha256_file(self.blob(known.digest))}" == known.digest:
                return known
        with tempfile.TemporaryDirectory(prefix="fogbank-layer-") as work:
            made = self.add(entries(Path(work)))
        write_whole(record, canonical_json(asdict(made)))
        return made

    def add(self, entries: Iterable[Entry]) -> Layer:
        """Write a layer's blob."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix="layer-", delete=False) as out:
            try:
                packed = _Packed(out.file)
                write_tar(packed, entries)
                layer = packed.finish()
                out.close()
                self.take(Path(out.name), layer.digest)
            except BaseException:
                Path(out.name).unlink(missing_ok=True)
                raise
        return layer

    def take(self, file: Path, digest: str) -> None:
        """Move a file that has this digest to its place."""
        path = self.blob(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.chmod(0o644)
        file.replace(path)


def write_tar(out: Any, entries: Iterable[Entry]) -> None:
    """The entries, sorted and with every folder above them, as a tar (POSIX.1-2001 where a name is long, else ustar).

    `out` is a `Writer`; tarfile's types ask for a whole file, of which a stream of members needs nothing else.
    """
    by_name = {entry.name: entry for entry in entries}
    for name in list(by_name):
        for parent in list(Path(name).parents)[:-1]:
            by_name.setdefault(str(parent), Entry(name=str(parent), mode=0o755))
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:
        for name in sorted(by_name):
            _add(tar, by_name[name])


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    member = tarfile.TarInfo(entry.name)
    member.mode = entry.mode
    if entry.link:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
        tar.addfile(member)
    elif entry.data is None:
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif isinstance(entry.data, bytes):
        member.size = len(entry.data)
        tar.addfile(member, io.BytesIO(entry.data))
    else:
        with entry.data.open("rb") as stream:
            member.size = os.fstat(stream.fileno()).st_size
            tar.addfile(member, stream)


class _Packed:
    """A writer that compresses piece by piece, and digests both sides."""

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._waiting = bytearray()
        self._plain, self._packed, self._size = hashlib.sha256(), hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) >= PIECE:
            self._flush_piece(bytes(self._waiting[:PIECE]))
            del self._waiting[:PIECE]
        return len(data)

    def finish(self) -> Layer:
        self._flush_piece(bytes(self._waiting))
        return Layer(
            digest=f"sha256:{self._packed.hexdigest()}", diff_id=f"sha256:{self._plain.hexdigest()}", size=self._size
        )

    def _flush_piece(self, piece: bytes) -> None:
        packed = bytes(deflate.gzip_compress(piece, LEVEL))
        self._plain.update(piece)
        self._packed.update(packed)
        self._size += len(packed)
        self._out.write(packed)


def copy_checked(source: Path, target: Path, digest: str) -> bool:
    """Copy a blob; whether its bytes had the digest. One that had not is not left behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hasher = hashlib.sha256()
    with source.open("rb") as stream, target.open("wb") as out:
        while piece := stream.read(CHUNK):
            hasher.update(piece)
            out.write(piece)
    if f"sha256:{hasher.hexdigest()}" == digest:
        return True
    target.unlink()
    return False
