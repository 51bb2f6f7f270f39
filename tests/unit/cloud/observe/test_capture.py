from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.observe.capture import Recorder

CONFIG = {
    "InitialSamplingPercentage": 50,
    "DestinationS3Uri": "s3://b/capture",
    "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}
REQUEST = Request(method="POST", path="/", query="", headers={"content-type": "text/csv"}, body=b"1,2\n")


class Bucket:
    """What the recorder asks of S3: put_object, which may be away."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away = False

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803 - boto3's names
        if self.away:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        self.objects[f"{Bucket}/{Key}"] = Body


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def recorder(tmp_path: Path, bucket: Bucket, open_store: Callable[[Path], Store]) -> Callable[..., Recorder]:
    clock = Clock(open_store(tmp_path / "s.db"), wall=lambda: 1e9)
    return lambda draw=0.0: Recorder(tmp_path / "spool", clock, lambda: bucket, lambda: draw)


def test_the_sample_takes_its_share(tmp_path: Path, bucket: Bucket, recorder: Callable[..., Recorder]) -> None:
    for draw in (0.1, 0.49, 0.5, 0.9):
        recorder(draw).record(REQUEST, "ep", "v", CONFIG, b"0\n", "text/csv")
    recorder().flush()

    assert [body.count(b"\n") for body in bucket.objects.values()] == [2]
    assert next(iter(bucket.objects)).startswith("b/capture/ep/v/2001/09/09/01/46-40-000-")


def test_what_cannot_be_delivered_waits_and_a_torn_line_is_dropped(
    tmp_path: Path, bucket: Bucket, recorder: Callable[..., Recorder]
) -> None:
    recorder().record(REQUEST, "ep", "v", CONFIG, b"0\n", "text/csv")
    bucket.away = True
    assert recorder().flush() == 0
    spool = next((tmp_path / "spool").glob("*.spool"))
    kept = spool.read_text()
    with spool.open("a") as stream:
        stream.write('{"captureData": half')

    bucket.away = False
    assert recorder().flush() == 1
    assert next(iter(bucket.objects.values())).decode() == kept.partition("\n")[2]
    spool.write_text(kept)  # killed between the delivery and the removal
    assert recorder().flush() == 1
    assert len(bucket.objects) == 1


def test_a_damaged_spool_is_put_aside_once(tmp_path: Path, bucket: Bucket, recorder: Callable[..., Recorder]) -> None:
    subject = recorder()
    (tmp_path / "spool" / "ep.v.200101010000.spool").write_text('{"endpoint": "e')

    assert (subject.flush(), subject.flush()) == (0, 0)
    assert [path.suffix for path in (tmp_path / "spool").iterdir()] == [".damaged"]
