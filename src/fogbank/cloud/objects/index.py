"""Everything about objects but their bodies, in one SQLite file: versions, their pieces, uploads and parts.

In: rows; out: rows. A change is one transaction under one lock, with the files that it needs in their place before it and those that
nothing refers to any more removed after it; what a client was told is in the file (WAL, synchronous=NORMAL, as the cloud's store).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from fogbank.cloud.ground.state import check_pages, refuse_emptied
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.version import COLUMNS, Part, Pieces, Upload, Version

VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS versions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, latest INTEGER NOT NULL,
    marker INTEGER NOT NULL, modified REAL NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, facts TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS versions_named ON versions (bucket, key, version);
CREATE INDEX IF NOT EXISTS versions_latest ON versions (bucket, key) WHERE latest = 1;
CREATE TABLE IF NOT EXISTS pieces (
    owner INTEGER NOT NULL, n INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (owner, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pieces_blob ON pieces (blob);
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, started REAL NOT NULL, facts TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS uploads_key ON uploads (bucket, key);
CREATE TABLE IF NOT EXISTS parts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, upload TEXT NOT NULL, number INTEGER NOT NULL, modified REAL NOT NULL,
    size INTEGER NOT NULL, etag TEXT NOT NULL, checksums TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS parts_number ON parts (upload, number);
CREATE TABLE IF NOT EXISTS lifecycles (bucket TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
"""
PART = "seq, number, modified, size, etag, checksums"
"""A part owns its pieces under the negative of its number, a version under its own."""


class Index:
    """The rows of one folder; safe from many threads. Raises DamagedStateError, sqlite3.Error."""

    def __init__(self, file: Path, blobs: Blobs) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        refuse_emptied(file, ("bodies",))
        self.blobs = blobs
        self._lock = threading.RLock()
        self._dropped: set[str] = set()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        check_pages(self._db, file)
        self._db.executescript(SCHEMA)
        self._db.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        """Checkpoint and close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction, alone; afterwards the files go that nothing refers to. What is raised undoes it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._dropped = set()
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            for name in self._dropped:
                if not self._referred(name):
                    self.blobs.discard(name)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """No change comes between two reads."""
        with self._lock:
            yield

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def _row(self, statement: str, *values: Any) -> Any:
        with self._lock:
            return self._db.execute(statement, values).fetchone()

    def _referred(self, name: str) -> bool:
        return self._row("SELECT 1 FROM pieces WHERE blob=? LIMIT 1", name) is not None

    def sweep(self) -> int:
        """Remove files that nothing refers to; returns how many those were."""
        swept = 0
        for name in self.blobs.names():
            with self._lock:
                if not self._referred(name):
                    self.blobs.discard(name)
                    swept += 1
        return swept

    def clear(self) -> None:
        """Forget every object."""
        with self.change():
            self._dropped = {row[0] for row in self._rows("SELECT DISTINCT blob FROM pieces")}
            for table in ("versions", "pieces", "uploads", "parts", "lifecycles"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this module's own

    def current(self, bucket: str, key: str) -> Version | None:
        """The latest version, a delete marker as well."""
        row = self._row(f"SELECT {COLUMNS} FROM versions WHERE bucket=? AND key=? AND latest=1", bucket, key)  # noqa: S608
        return Version.of_row(row) if row else None

    def version(self, bucket: str, key: str, name: str) -> Version | None:
        """A version by its id."""
        row = self._row(f"SELECT {COLUMNS} FROM versions WHERE bucket=? AND key=? AND version=?", bucket, key, name)  # noqa: S608
        return Version.of_row(row) if row else None

    def pieces(self, owner: int) -> Pieces:
        """The files of a body."""
        return self._rows("SELECT blob, size FROM pieces WHERE owner=? ORDER BY n", owner)

    def add(self, version: Version, pieces: Pieces) -> int:
        """Write a version, the latest of its key from now on; one of the same id goes. Within a change."""
        earlier = self.version(version.bucket, version.key, version.id)
        if earlier:
            self.drop(earlier)
        if version.latest:
            self._db.execute(
                "UPDATE versions SET latest=0 WHERE bucket=? AND key=? AND latest=1", (version.bucket, version.key)
            )
        cursor = self._db.execute(
            f"INSERT INTO versions ({COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                version.bucket,
                version.key,
                version.id,
                version.latest,
                version.marker,
                version.modified,
                version.size,
                version.etag,
                orjson.dumps(version.facts).decode(),
            ),
        )
        seq = int(cursor.lastrowid or 0)
        self._own(seq, pieces)
        return seq

    def _own(self, owner: int, pieces: Pieces) -> None:
        rows = [(owner, number, name, size) for number, (name, size) in enumerate(pieces)]
        self._db.executemany("INSERT INTO pieces VALUES (?, ?, ?, ?)", rows)

    def _disown(self, owners: Sequence[int]) -> None:
        for owner in owners:
            self._dropped |= {row[0] for row in self._rows("SELECT blob FROM pieces WHERE owner=?", owner)}
            self._db.execute("DELETE FROM pieces WHERE owner=?", (owner,))

    def drop(self, version: Version) -> None:
        """Remove a version; the one before it is the latest then. Within a change."""
        self._disown([version.seq])
        self._db.execute("DELETE FROM versions WHERE seq=?", (version.seq,))
        if version.latest:
            self._db.execute(
                "UPDATE versions SET latest=1 WHERE seq=(SELECT max(seq) FROM versions WHERE bucket=? AND key=?)",
                (version.bucket, version.key),
            )

    def describe(self, version: Version, facts: dict[str, Any]) -> None:
        """Write what else is known of a version. Within a change."""
        self._db.execute("UPDATE versions SET facts=? WHERE seq=?", (orjson.dumps(facts).decode(), version.seq))

    def has_versions(self, bucket: str) -> bool:
        """Whether anything is in a bucket."""
        return self._row("SELECT 1 FROM versions WHERE bucket=? LIMIT 1", bucket) is not None

    def totals(self, bucket: str) -> tuple[int, int]:
        """The number of objects in a bucket, every version of them, and their bytes."""
        row = self._row("SELECT count(*), coalesce(sum(size), 0) FROM versions WHERE bucket=? AND marker=0", bucket)
        return int(row[0]), int(row[1])

    def latest(self, bucket: str, start: str, end: str | None, limit: int, *, after: bool) -> list[Version]:
        """Objects from `start` on (or after it), in the order of their keys, up to `limit`."""
        rows = self._rows(
            f"SELECT {COLUMNS} FROM versions WHERE bucket=? AND latest=1 AND marker=0 AND key {'>' if after else '>='} ?"  # noqa: S608
            " AND (? IS NULL OR key < ?) ORDER BY key LIMIT ?",
            bucket,
            start,
            end,
            end,
            limit,
        )
        return [Version.of_row(row) for row in rows]

    def history(self, bucket: str, start: str, before: int | None, end: str | None, limit: int) -> list[Version]:
        """Versions and markers from a key on, newest first within a key; of the first key only those before a number."""
        rows = self._rows(
            f"SELECT {COLUMNS} FROM versions WHERE bucket=? AND key >= ? AND (? IS NULL OR key > ? OR seq < ?)"  # noqa: S608
            " AND (? IS NULL OR key < ?) ORDER BY key, seq DESC LIMIT ?",
            bucket,
            start,
            before,
            start,
            before,
            end,
            end,
            limit,
        )
        return [Version.of_row(row) for row in rows]

    def put_upload(self, upload: Upload) -> None:
        """Begin an upload. Within a change."""
        row = (upload.id, upload.bucket, upload.key, upload.started, orjson.dumps(upload.facts).decode())
        self._db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", row)

    def upload(self, bucket: str, key: str, name: str) -> Upload | None:
        """An upload under way."""
        row = self._row("SELECT * FROM uploads WHERE id=? AND bucket=? AND key=?", name, bucket, key)
        return _upload(row) if row else None

    def uploads(self, bucket: str) -> list[Upload]:
        """Uploads under way in a bucket, by key and time."""
        return [
            _upload(row) for row in self._rows("SELECT * FROM uploads WHERE bucket=? ORDER BY key, started", bucket)
        ]

    def put_part(self, upload: str, part: Part, pieces: Pieces) -> None:
        """Write a part, over the one of its number. Within a change."""
        earlier = self._row("SELECT seq FROM parts WHERE upload=? AND number=?", upload, part.number)
        if earlier:
            self._disown([-earlier[0]])
            self._db.execute("DELETE FROM parts WHERE seq=?", earlier)
        cursor = self._db.execute(
            "INSERT INTO parts VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (upload, part.number, part.modified, part.size, part.etag, orjson.dumps(part.checksums).decode()),
        )
        self._own(-int(cursor.lastrowid or 0), pieces)

    def parts(self, upload: str, after: int = 0, limit: int = -1) -> list[Part]:
        """Parts of an upload by number."""
        rows = self._rows(
            f"SELECT {PART} FROM parts WHERE upload=? AND number>? ORDER BY number LIMIT ?",  # noqa: S608
            upload,
            after,
            limit,
        )
        return [
            Part(seq=seq, number=number, modified=modified, size=size, etag=etag, checksums=orjson.loads(checksums))
            for seq, number, modified, size, etag, checksums in rows
        ]

    def drop_upload(self, upload: str) -> None:
        """Forget an upload and its parts; what was made of them keeps its files. Within a change."""
        self._disown([-part.seq for part in self.parts(upload)])
        self._db.execute("DELETE FROM parts WHERE upload=?", (upload,))
        self._db.execute("DELETE FROM uploads WHERE id=?", (upload,))

    def lifecycle(self, bucket: str) -> str | None:
        """The lifecycle that was put on a bucket, as a document."""
        row = self._row("SELECT document FROM lifecycles WHERE bucket=?", bucket)
        return str(row[0]) if row else None

    def put_lifecycle(self, bucket: str, document: str | None) -> None:
        """Keep a bucket's lifecycle, or none."""
        with self.change():
            self._db.execute("DELETE FROM lifecycles WHERE bucket=?", (bucket,))
            if document is not None:
                self._db.execute("INSERT INTO lifecycles VALUES (?, ?)", (bucket, document))

    def drop_uploads(self, uploads: Iterable[Upload]) -> None:
        """Forget several."""
        with self.change():
            for upload in uploads:
                self.drop_upload(upload.id)


def _upload(row: Sequence[Any]) -> Upload:
    name, bucket, key, started, facts = row
    return Upload(id=name, bucket=bucket, key=key, started=started, facts=orjson.loads(facts))
