"""Captured records: the sample, the spools, what is delivered when, and that nobody waits for anybody else's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.observe.capture import FULL_BYTES, Capture, Recorder, Source
from tests.fakes.bucket import Bucket
from tests.fakes.wall import Wall

CONFIG = {
    "InitialSamplingPercentage": 50,
    "DestinationS3Uri": "s3://b/capture",
    "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}
REQUEST = Request(method="POST", path="/", query="", headers={"content-type": "text/csv"}, body=b"1,2\n")
SOURCE = Source(region="us-east-1", endpoint="ep", variant="v")


def capture() -> Capture:
    found = Capture.of(CONFIG)
    assert found is not None
    return found


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def wall() -> Wall:
    return Wall(1e9 - 40)


@pytest.fixture
def recorder(
    tmp_path: Path, bucket: Bucket, wall: Wall, open_store: Callable[[Path], Store]
) -> Callable[..., Recorder]:
    clock = Clock(open_store(tmp_path / "s.db"), wall=wall)
    return lambda draw=0.0: Recorder(tmp_path / "spool", clock, lambda: bucket, lambda: draw)


def add(recorder: Recorder, source: Source = SOURCE, config: Capture | None = None) -> None:
    recorder.record(REQUEST, source, config or capture(), b"0\n", "text/csv")
    recorder.write()


def test_the_sample_takes_its_share(bucket: Bucket, recorder: Callable[..., Recorder]) -> None:
    for draw in (0.1, 0.49, 0.5, 0.9):
        subject = recorder(draw)
        add(subject)
        subject.flush()

    assert sum(body.count(b"\n") for body in bucket.objects.values()) == 2
    assert next(iter(bucket.objects)).startswith("b/capture/ep/v/2001/09/09/01/46-00-000-")


def test_what_cannot_be_delivered_waits_and_a_torn_line_is_dropped(
    tmp_path: Path, bucket: Bucket, recorder: Callable[..., Recorder]
) -> None:
    subject = recorder()
    add(subject)
    bucket.away = True
    assert subject.flush() == 0
    spool = next((tmp_path / "spool").glob("*.ready"))
    kept = spool.read_text()
    with spool.open("a") as stream:
        stream.write('{"captureData": half')

    bucket.away = False
    assert recorder().flush() == 1
    assert next(iter(bucket.objects.values())).decode() == kept.partition("\n")[2]
    spool.write_text(kept)  # killed between the delivery and the removal
    assert recorder().flush() == 1
    assert len(bucket.objects) == 1


def test_what_a_killed_process_left_open_is_delivered_by_the_next(
    bucket: Bucket, recorder: Callable[..., Recorder]
) -> None:
    killed = recorder()
    add(killed)

    assert recorder().turn() == 1
    assert len(bucket.objects) == 1
    killed.reset()


def test_a_damaged_spool_is_put_aside_once(tmp_path: Path, recorder: Callable[..., Recorder]) -> None:
    recorder()
    (tmp_path / "spool" / "r.ep.v.200101010000.x.spool").write_text('{"endpoint": "e')
    subject = recorder()

    assert (subject.flush(), subject.flush()) == (0, 0)
    assert [path.suffix for path in (tmp_path / "spool").iterdir()] == [".damaged"]


def test_under_traffic_there_is_one_file_a_minute_and_at_rest_it_does_not_wait_for_the_minute(
    bucket: Bucket, wall: Wall, recorder: Callable[..., Recorder]
) -> None:
    subject = recorder()
    for second in range(30):
        wall.now += second > 0
        add(subject)
        assert subject.turn() == 0, "records come: the minute's file is not closed"
    wall.now += 2
    assert subject.turn() == 1
    add(subject)
    wall.now += 1
    assert subject.turn() == 0
    wall.now += 60
    add(subject)
    assert subject.turn() == 1, "the last minute's"
    assert subject.flush() == 1

    assert sorted(body.count(b"\n") for body in bucket.objects.values()) == [1, 1, 30]


def test_what_is_full_is_delivered_before_its_minute_is_over_and_nothing_is_lost(
    bucket: Bucket, recorder: Callable[..., Recorder]
) -> None:
    subject = recorder()
    long = replace(REQUEST, payload=Payload.of(b"1" * (FULL_BYTES // 2)))
    for _ in range(5):
        subject.record(long, SOURCE, capture(), b"0\n", "text/csv")
        subject.write()
    assert subject.turn() == 2
    assert subject.flush() == 1

    assert sorted(body.count(b"\n") for body in bucket.objects.values()) == [1, 2, 2]


def test_what_ends_at_one_moment_is_on_disk_in_one_file_when_it_is_written(
    tmp_path: Path, recorder: Callable[..., Recorder]
) -> None:
    subject = recorder()
    for _ in range(3):
        subject.record(REQUEST, SOURCE, capture(), b"0\n", "text/csv")
    assert not list((tmp_path / "spool").iterdir())
    subject.write()

    [spool] = (tmp_path / "spool").iterdir()
    assert spool.read_bytes().count(b"\n") == 4, "what it is about, and three records"
    subject.flush()


def test_no_record_waits_while_another_is_delivered(bucket: Bucket, recorder: Callable[..., Recorder]) -> None:
    subject = recorder()
    add(subject)
    bucket.go.clear()
    delivery = threading.Thread(target=subject.flush)
    delivery.start()
    assert bucket.asked.wait(20)

    for source in (SOURCE, SOURCE._replace(endpoint="other")):
        recording = threading.Thread(target=add, args=(subject, source))
        recording.start()
        recording.join(10)
        assert not recording.is_alive(), f"{source.endpoint} waits for S3"
    bucket.go.set()
    delivery.join(20)
    assert subject.flush() == 2


def test_regions_variants_and_destinations_do_not_meet_in_a_file(
    bucket: Bucket, recorder: Callable[..., Recorder]
) -> None:
    subject = recorder()
    add(subject)
    add(subject, SOURCE._replace(region="eu-west-1"), replace(capture(), destination="s3://eu/capture"))
    add(subject, SOURCE._replace(variant="w"))
    add(subject, config=replace(capture(), destination="s3://elsewhere"))

    assert subject.flush() == 4
    assert sorted("/".join(key.split("/")[:-5]) for key in bucket.objects) == [
        "b/capture/ep/v",
        "b/capture/ep/w",
        "elsewhere/ep/v",
        "eu/capture/ep/v",
    ]


def test_a_reset_forgets_what_was_not_delivered(bucket: Bucket, recorder: Callable[..., Recorder]) -> None:
    subject = recorder()
    add(subject)
    bucket.away = True
    subject.flush()
    add(subject)
    subject.reset()

    bucket.away = False
    assert subject.flush() == 0
    assert bucket.objects == {}


def test_a_full_disk_stops_capture_and_nothing_else(
    tmp_path: Path, bucket: Bucket, recorder: Callable[..., Recorder], said: list[str]
) -> None:
    subject = recorder()
    (tmp_path / "spool").rmdir()
    (tmp_path / "spool").write_text("no room")

    add(subject)
    assert "invocations of endpoint ep were not captured" in "\n".join(said)
    assert bucket.objects == {}


def test_a_config_that_captures_nothing_is_none() -> None:
    assert Capture.of(None) is None
    assert Capture.of({**CONFIG, "EnableCapture": False}) is None
