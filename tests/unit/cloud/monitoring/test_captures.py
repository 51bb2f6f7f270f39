"""Which captured files an execution reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fogbank.cloud.jobs.objects import ObjectError
from fogbank.cloud.monitoring.captures import CaptureFile, Captures, CaptureSource, Window
from fogbank.contracts.capture import CaptureRecord, captured, hour_prefix
from tests.fakes.objects import MemoryObjects

NOON = datetime(2026, 4, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = CaptureSource(uri="s3://b/capture", endpoint="ep", shadows=("c",))
WINDOW = Window(start=NOON, end=NOON + HOUR)


def line(moment: datetime) -> bytes:
    body = captured("1,\u2028x\n".encode(), "text/csv", "INPUT", ["text/csv"], [])
    return CaptureRecord(event_id="e", time=moment, input=body).line().encode() + b"\n"


def key(variant: str, moment: datetime, name: str = "x.jsonl") -> str:
    return f"capture/{hour_prefix('ep', variant, moment)}{name}"


def files(objects: MemoryObjects, window: Window = WINDOW, source: CaptureSource | None = SOURCE) -> list[CaptureFile]:
    return Captures(objects, lambda *_: source, lambda: None).files("r", "ep", window)


def test_files_of_every_variant_but_shadows_that_hold_a_record_of_the_window() -> None:
    late = NOON + HOUR - timedelta(seconds=1)
    objects = MemoryObjects(b={
        key("a", NOON): line(NOON), key("b", NOON): line(NOON - HOUR) + line(late), key("a", NOON, "y.jsonl"): line(NOON + HOUR),
        key("a", NOON + HOUR): line(NOON), key("c", NOON): line(NOON),
    })  # fmt: skip

    assert files(objects) == [
        CaptureFile(uri=f"s3://b/{key('a', NOON)}", folder="ep/a/2026/04/18/12"),
        CaptureFile(uri=f"s3://b/{key('b', NOON)}", folder="ep/b/2026/04/18/12"),
    ]


def test_every_hour_that_the_window_touches() -> None:
    window = Window(start=NOON + timedelta(minutes=59), end=NOON + 2 * HOUR + timedelta(seconds=1))

    assert list(window.hours()) == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert list(Window(start=NOON, end=NOON).hours()) == []


def test_bad_lines_keep_no_file_away() -> None:
    objects = MemoryObjects(b={
        key("a", NOON): b"{half\n" + line(NOON), key("a", NOON, "all-bad.jsonl"): b"\xff\n", key("b", NOON): b"{half\n" + line(NOON - HOUR),
        key("b", NOON, "empty.jsonl"): b"\n",
    })  # fmt: skip

    assert [file.uri.rpartition("/")[2] for file in files(objects)] == ["all-bad.jsonl", "x.jsonl"]


def test_what_is_captured_so_far_is_delivered_before_the_look() -> None:
    objects = MemoryObjects(b={})
    captures = Captures(objects, lambda *_: SOURCE, lambda: objects.put("b", key("a", NOON), line(NOON)))

    assert len(captures.files("r", "ep", WINDOW)) == 1


def test_an_endpoint_that_captures_nothing_has_no_files_and_a_bucket_that_is_gone_is_an_error() -> None:
    assert files(MemoryObjects(), source=None) == []
    with pytest.raises(ObjectError, match="NoSuchBucket"):
        files(MemoryObjects())
