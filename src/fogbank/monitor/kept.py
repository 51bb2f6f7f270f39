"""What an execution continues from: the stream.json of the newest earlier window of its schedule.

In: where the schedule's results lie, and a window; out: that document, or why there is none. Windows that are looked at are one chain: each
goes on from the newest folder before its own, so that one that is looked at again continues from where it did before and its result is the
same. Whether that document's own window had ended by then is for its reader (monitor/stream.py): a folder's name does not tell it, for
with offsets it is that of the scheduled time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from fogbank.contracts.monitoring import KEPT, RESULTS, STREAM, AnalyzerSettings
from fogbank.monitor.bucket import Bucket
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.stream import Window, stream_document

PLACE = re.compile(rf"(\d{{4}})/(\d\d)/(\d\d)/(\d\d)/(?:(\d\d)-(\d\d)/)?{re.escape(STREAM)}$")


def kept(env: Mapping[str, str], settings: AnalyzerSettings) -> Window | None:
    """The window of an execution that continues a stream, with what it continues from; None of one that does not.

    What cannot be read now may be at another time: such a window is `unread`, and leaves the stream to the next one. What is read and is no
    stream.json never will be: such a window begins anew.
    """
    if not env.get(KEPT) or settings.start is None or settings.end is None:
        return None
    window = Window(start=settings.start, end=settings.end)
    bucket, _, prefix = env[KEPT].removeprefix("s3://").partition("/")
    try:
        source = Bucket(env, bucket)
        key = next(_before(source, prefix, _time(f"{env.get(RESULTS)}/{STREAM}") or settings.end), None)
        body = None if key is None else source.read(key)
    except KeyError as error:
        return replace(
            window, unread=f"the earlier windows cannot be read: the job's environment has no {error.args[0]}"
        )
    except (DatasetError, OSError, TypeError, ValueError) as error:
        return replace(window, unread=f"the earlier windows cannot be read: {error}")
    if body is None:
        return window
    try:
        return replace(window, before=stream_document(json.loads(body)))
    except (ValueError, RecursionError) as error:
        return replace(window, anew=f"{key} is no stream.json that can be continued: {error}")


def _before(source: Bucket, prefix: str, end: datetime) -> Iterator[str]:
    """The keys of those in earlier folders than the one of that time, the newest first."""
    for year in _down(source, prefix, f"{end:%Y}"):
        for month in _down(source, f"{prefix}{year}/", f"{end:%m}" if year == f"{end:%Y}" else "12"):
            last = f"{end:%d}" if f"{year}/{month}" == f"{end:%Y/%m}" else "31"
            for day in _down(source, f"{prefix}{year}/{month}/", last):
                times = {key: time for key in source.keys(f"{prefix}{year}/{month}/{day}/") if (time := _time(key))}
                yield from sorted((key for key in times if times[key] < end), key=times.__getitem__, reverse=True)


def _down(source: Bucket, prefix: str, last: str) -> list[str]:
    """The folders of numbers up to a last one, the greatest first."""
    return sorted((name for name in source.folders(prefix) if name.isdigit() and name <= last), reverse=True)


def _time(key: str) -> datetime | None:
    """When the execution of a stream.json was scheduled, as its folder says.

    >>> _time("r/live/quality/2026/11/25/13/30-00/stream.json")
    datetime.datetime(2026, 11, 25, 13, 30, tzinfo=datetime.timezone.utc)
    """
    found = PLACE.search(key)
    try:
        return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC) if found else None  # type: ignore[misc, arg-type]  # six
    except ValueError:
        return None
