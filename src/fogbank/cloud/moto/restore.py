"""After a replay: what moto does not make from the seed is put right, so that clients find what they were told.

In: a journal entry that was just played back; out: the object's time or the upload's id as they were.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fogbank.cloud.ground.store import JournalEntry
from fogbank.cloud.moto.internals import bucket


def restore(entry: JournalEntry) -> None:
    """Put right what the entry made."""
    if entry.object is not None and entry.method == "PUT":
        _object_time(entry.object, entry.at)
    if entry.upload is not None:
        _upload_id(entry.path.lstrip("/").partition("/")[0], entry.upload)


def _object_time(name: str, at: float) -> None:
    owner, _, key = name.partition("/")
    known = bucket(owner)
    stored = known.keys.get(key) if known else None
    if stored is not None:
        stored.last_modified = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def _upload_id(owner: str, upload_id: str) -> None:
    """Clients and later entries know the upload by the id that it had."""
    known = bucket(owner)
    if known is None or not known.multiparts:
        return
    newest = next(reversed(known.multiparts))
    upload = known.multiparts.pop(newest)
    upload.id = upload_id
    known.multiparts[upload_id] = upload
