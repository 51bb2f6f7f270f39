"""What an execution continues from: the stream.json of the newest window of its schedule that ended before its own began.

In: where the schedule's results lie, and a window; out: that document, or why there is none. A window that is looked at again continues from
where it did before, so that its result is the same; and no row is counted twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fogbank.contracts.capture import TIME_FORMAT
from fogbank.contracts.monitoring import KEPT, STREAM, AnalyzerSettings
from fogbank.monitor.bucket import Bucket
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.stream import VERSION, Window

PLACE = re.compile(rf"(\d{{4}})/(\d\d)/(\d\d)/(\d\d)/(?:(\d\d)-(\d\d)/)?{re.escape(STREAM)}$")


def kept(env: Mapping[str, str], settings: AnalyzerSettings) -> Window | None:
    """The window of an execution that continues a stream, with what it continues from; None of one that does not."""
    if not env.get(KEPT) or settings.start is None or settings.end is None:
        return None
    own = Window(start=settings.start, end=settings.end)
    bucket, _, prefix = env[KEPT].removeprefix("s3://").partition("/")
    source = Bucket(env, bucket)
    try:
        key = next(_before(source, prefix, settings.start), None)
        return own if key is None else Window(start=own.start, end=own.end, before=_read(source, key, own.start))
    except (DatasetError, KeyError, TypeError, ValueError) as error:
        return Window(start=own.start, end=own.end, anew=f"what was kept cannot be read: {error}")


def _read(source: Bucket, key: str, start: datetime) -> dict[str, Any]:
    """Raises DatasetError, KeyError, TypeError, ValueError."""
    document: dict[str, Any] = json.loads(source.read(key))
    until = datetime.strptime(document["until"].replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S%z")
    if document["version"] != VERSION or until > start:
        raise ValueError(f"{key} is of version {document['version']}, until {until.strftime(TIME_FORMAT)}")
    for item in document["features"]:
        if len(item["bets"]) != 2 or not {"name", "rows", "windows", "most", "shifted"} <= item.keys():
            raise ValueError(f"{key} has no bets for {item.get('name')!r}")
    return document


def _before(source: Bucket, prefix: str, start: datetime) -> Iterator[str]:
    """The keys of the windows that ended by then, the newest first."""
    for year in _down(source, prefix, f"{start:%Y}"):
        for month in _down(source, f"{prefix}{year}/", f"{start:%m}" if year == f"{start:%Y}" else "12"):
            last = f"{start:%d}" if f"{year}/{month}" == f"{start:%Y/%m}" else "31"
            for day in _down(source, f"{prefix}{year}/{month}/", last):
                ended = {key: end for key in source.keys(f"{prefix}{year}/{month}/{day}/") if (end := _end(key))}
                yield from sorted((key for key in ended if ended[key] <= start), key=ended.__getitem__, reverse=True)


def _down(source: Bucket, prefix: str, last: str) -> list[str]:
    """The folders of numbers up to a last one, the greatest first."""
    return sorted((name for name in source.folders(prefix) if name.isdigit() and name <= last), reverse=True)


def _end(key: str) -> datetime | None:
    """When the window of a stream.json ended, as its folder says.

    >>> _end("r/live/quality/2026/11/25/13/30-00/stream.json")
    datetime.datetime(2026, 11, 25, 13, 30, tzinfo=datetime.timezone.utc)
    """
    found = PLACE.search(key)
    try:
        return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC) if found else None  # type: ignore[misc, arg-type]  # six
    except ValueError:
        return None
