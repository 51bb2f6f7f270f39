"""The cloud's one resettable state: documents of its own resources, the journal of moto's, and settings, in one SQLite file.

A write is in the file before its request is answered, so `kill -9` loses nothing that a client was told. (A power cut may
lose the last moments: SQLite runs with synchronous=NORMAL.)
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.cloud.ground.slots import current
from fogbank.cloud.ground.state import check_pages, refuse_emptied

Document = dict[str, Any]
"""A resource in the shape that its Describe call answers; `_state` holds what only the cloud knows."""

EventRow = tuple[float, str, str, str, str, str]
"""An event's time, topic, region, name, change and detail (JSON)."""

VERSION = 3
"""Of the tables below, and of what a document holds. Earlier ones are brought up to this one; another is refused."""
OBJECTS_IN_JOURNAL = "objects-in-journal"
"""The setting that is there while the journal still has S3's objects in it, as in version 2."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT, region TEXT, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, region, name));
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    headers TEXT NOT NULL, body BLOB NOT NULL, object TEXT, upload TEXT);
CREATE INDEX IF NOT EXISTS journal_object ON journal (object) WHERE object IS NOT NULL;
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, topic TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
    change TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS slots (name TEXT PRIMARY KEY, at REAL NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """One request that changed moto's state. `seq` seeds moto's identifiers, so a replay makes the same ones.

    `at` is the machine's time, which is the one that moto goes by.
    `object` is `bucket/key` for the plain PUT or DELETE of one S3 object, whose later entry makes the earlier one void.
    `upload` is the id that moto gave to a multipart upload: it is not made from the seed.
    """

    seq: int
    at: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    object: str | None = None
    upload: str | None = None


class StateVersionError(Exception):
    """The file was written by a fogbank with other tables."""


class Store:
    """Documents by kind, region and name; safe from many threads. Raises StateVersionError, DamagedStateError, sqlite3.Error."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        refuse_emptied(file)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        fresh = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not fresh and not 1 <= found <= VERSION:
            self._db.close()
            raise StateVersionError(f"{file} has state version {found}, and this fogbank reads version {VERSION}")
        check_pages(self._db, file)
        self._db.executescript(SCHEMA)
        if not fresh and found == 1:
            self._upgrade()
        if not fresh and found < VERSION:
            self.set_setting(OBJECTS_IN_JOURNAL, "yes")
        self._db.execute(f"PRAGMA user_version={VERSION}")

    def _upgrade(self) -> None:
        """From version 1, where what only the cloud knows lay beside the API's members, under names that begin with `_`."""
        self._db.execute("BEGIN")
        rows = self._db.execute("SELECT kind, region, name, body FROM documents").fetchall()
        for kind, region, name, body in rows:
            document = json.loads(body)
            private = {key: document.pop(key) for key in list(document) if key.startswith("_")}
            document["_state"] = {key.removeprefix("_"): value for key, value in private.items()}
            self._db.execute(
                "UPDATE documents SET body=? WHERE kind=? AND region=? AND name=?",
                (json.dumps(document), kind, region, name),
            )
        self._db.execute("PRAGMA user_version=2")
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Checkpoint and close the file."""
        with self._lock:
            self._db.close()

    def reset(self) -> None:
        """Forget everything but the settings."""
        with self._lock:
            self._db.executescript("DELETE FROM documents; DELETE FROM journal; DELETE FROM slots; VACUUM;")

    def put(self, kind: str, region: str, name: str, body: Document) -> None:
        """Write a document, replacing the one of that name."""
        text = json.dumps(body)
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (kind, region, name, text))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What is written in the block, and the mark of the slot that it is written for, if any, are there together or not at all."""
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield
                if slot := current():
                    self.mark(slot)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite ends some by itself, where the disk failed
                    self._db.execute("ROLLBACK")
                raise

    def mark(self, slot: str) -> None:
        """A slot has been done."""
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO slots VALUES (?, strftime('%s', 'now'))", (slot,))

    def marked(self, slot: str) -> bool:
        """Whether a slot has been done."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM slots WHERE name=?", (slot,)).fetchone() is not None

    def forget_marks(self, age_s: float) -> None:
        """Marks that are older than this, by the machine's clock, go."""
        with self._lock:
            self._db.execute("DELETE FROM slots WHERE at < strftime('%s', 'now') - ?", (age_s,))

    def get(self, kind: str, region: str, name: str) -> Document | None:
        """The document, or None."""
        with self._lock:
            row = self._db.execute(
                "SELECT body FROM documents WHERE kind=? AND region=? AND name=?", (kind, region, name)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def taken(self, kind: str, region: str, name: str) -> bool:
        """Whether a document has the name, in whatever case."""
        with self._lock:
            row = self._db.execute(
                "SELECT 1 FROM documents WHERE kind=? AND region=? AND name=? COLLATE NOCASE", (kind, region, name)
            ).fetchone()
        return row is not None

    def delete(self, kind: str, region: str, name: str) -> None:
        """Remove the document if it is there."""
        with self._lock:
            self._db.execute("DELETE FROM documents WHERE kind=? AND region=? AND name=?", (kind, region, name))

    def all(self, kind: str, region: str | None = None) -> list[Document]:
        """All documents of a kind, of one region or of all, by name."""
        with self._lock:
            rows = self._db.execute(
                "SELECT body FROM documents WHERE kind=? AND (? IS NULL OR region=?) ORDER BY name",
                (kind, region, region),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def named(self, kind: str, region: str | None = None) -> list[tuple[str, str, Document]]:
        """(region, name, document) of a kind, of one region or of all, by name."""
        with self._lock:
            rows = self._db.execute(
                "SELECT region, name, body FROM documents WHERE kind=? AND (? IS NULL OR region=?) ORDER BY name, region",
                (kind, region, region),
            ).fetchall()
        return [(at, name, json.loads(body)) for at, name, body in rows]

    def append_event(self, row: EventRow, kept: int) -> None:
        """Write an event; the oldest beyond `kept` go."""
        with self._lock:
            cursor = self._db.execute(
                "INSERT INTO events (at, topic, region, name, change, detail) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            self._db.execute("DELETE FROM events WHERE seq <= ?", ((cursor.lastrowid or 0) - kept,))

    def events_after(self, seq: int, limit: int) -> list[tuple[int, float, str, str, str, str, str]]:
        """Rows of events after a number, oldest first."""
        with self._lock:
            return self._db.execute("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)).fetchall()

    def update(self, kind: str, region: str, name: str, **changes: Any) -> Document | None:
        """Change keys of a document in one step; None where it is not there."""
        with self._lock:
            body = self.get(kind, region, name)
            if body is None:
                return None
            body.update(changes)
            self.put(kind, region, name, body)
            return body

    def append(self, entry: JournalEntry) -> None:
        """Write a journal entry; an entry for one S3 object voids that object's earlier ones."""
        with self._writing():
            if entry.object is not None:
                self._db.execute("DELETE FROM journal WHERE object=?", (entry.object,))
            self._db.execute(
                "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    entry.seq,
                    entry.at,
                    entry.method,
                    entry.path,
                    entry.query,
                    json.dumps(entry.headers),
                    entry.body,
                    entry.object,
                    entry.upload,
                ),
            )

    def keep(self, name: str) -> None:
        """An S3 object was copied: its entries stay, whatever is written over it later."""
        with self._lock:
            self._db.execute("UPDATE journal SET object=NULL WHERE object=?", (name,))

    def next_seq(self) -> int:
        """The number that the next journal entry will have."""
        with self._lock:
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name='journal'").fetchone()
        return (row[0] if row else 0) + 1

    def skip_to(self, seq: int) -> None:
        """Numbers up to `seq` are taken, also where a power cut took their entries."""
        with self._lock:
            if self.next_seq() > seq:
                return
            self._db.execute("DELETE FROM sqlite_sequence WHERE name='journal'")
            self._db.execute("INSERT INTO sqlite_sequence VALUES ('journal', ?)", (seq,))

    def journal(self, after: int = 0) -> Iterator[JournalEntry]:
        """The entries after a number, oldest first."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM journal WHERE seq > ? ORDER BY seq", (after,)).fetchall()
        for seq, at, method, path, query, headers, body, name, upload in rows:
            yield JournalEntry(
                seq=seq,
                at=at,
                method=method,
                path=path,
                query=query,
                headers=json.loads(headers),
                body=body,
                object=name,
                upload=upload,
            )

    def leave_objects(self, seqs: Iterable[int]) -> None:
        """Take entries out of the journal whose objects lie elsewhere from now on."""
        with self._writing():
            self._db.executemany("DELETE FROM journal WHERE seq=?", [(seq,) for seq in seqs])
            self._db.execute("DELETE FROM settings WHERE key=?", (OBJECTS_IN_JOURNAL,))

    def setting(self, key: str, default: str) -> str:
        """A setting's value."""
        with self._lock:
            row = self._db.execute("SELECT value FROM settings WHERE key=?", (key,)).fetchone()
        return row[0] if row else default

    def set_setting(self, key: str, value: str) -> None:
        """Write a setting."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))
