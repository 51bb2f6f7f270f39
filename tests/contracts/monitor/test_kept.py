"""What an execution continues from, in S3: the newest window of its own schedule that ended before its own began."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.monitoring import CAPTURE_FORMAT, KEPT, S3_URL, AnalyzerSettings
from fogbank.monitor.kept import kept
from fogbank.testing import CloudProcess
from tests.contracts.aws.test_captured_hours import credentials

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def environment(shared_cloud: CloudProcess, unique: str) -> Iterator[dict[str, str]]:
    """A job's, whose results lie in a bucket of its own."""
    s3: Any = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    keys = s3._request_signer._credentials
    held = {
        "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key,
        "Expiration": f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    with credentials(held) as url:
        yield {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token", "AWS_REGION": "us-east-1",
            S3_URL: shared_cloud.url, KEPT: f"s3://{unique}/results/live/quality/",
        }  # fmt: skip


def settings(start: datetime | None = START) -> AnalyzerSettings:
    return AnalyzerSettings(
        dataset_format=json.loads(CAPTURE_FORMAT), dataset_source=Path("in"), output_path=Path("out"), base_dir=Path("ml"),
        start=start, end=start and start + timedelta(hours=1),
    )  # fmt: skip


def stream(until: str, **others: Any) -> bytes:
    return json.dumps({"version": 1.0, "until": until, "features": [], **others}).encode()


def test_the_newest_window_before_this_one_is_what_it_continues(
    environment: dict[str, str], shared_cloud: CloudProcess, unique: str
) -> None:
    """Not this one's own, where it is looked at again; not one that overlaps it; and not another schedule's."""
    s3 = shared_cloud.client("s3")
    places = {
        "quality/2025/12/31/23": "2025-12-31T23:00:00Z",
        "quality/2026/02/28/07": "2026-02-28T07:00:00Z",
        "quality/2026/02/28/07/30-00": "2026-02-28T07:30:00Z",
        "quality/2026/03/01/12/30-00": "2026-03-01T12:30:00Z",
        "quality/2026/03/01/13": "2026-03-01T13:00:00Z",
        "quality/2027/01/01/00": "2027-01-01T00:00:00Z",
        "other/2026/03/01/12": "2026-03-01T12:00:00Z",
    }
    assert kept(environment, settings()) == kept(environment, settings())
    first = kept(environment, settings())
    assert first is not None
    assert (first.before, first.anew) == (None, "")
    for place, until in places.items():
        s3.put_object(Bucket=unique, Key=f"results/live/{place}/stream.json", Body=stream(until))
    s3.put_object(Bucket=unique, Key="results/live/quality/2026/03/01/11/statistics.json", Body=b"{}")

    found = kept(environment, settings())
    assert found is not None
    assert found.before is not None
    assert found.before["until"] == "2026-02-28T07:30:00Z"
    older = kept(environment, settings(datetime(2026, 2, 1, tzinfo=UTC)))
    assert older is not None
    assert older.before is not None
    assert older.before["until"] == "2025-12-31T23:00:00Z"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{half", "what was kept cannot be read: Expecting property name"),
        (b"[]", "what was kept cannot be read: list indices"),
        (stream("2026-03-01T12:00:00Z", version=2.0), "is of version 2.0"),
        (stream("2026-03-01T12:00:01Z"), "until 2026-03-01T12:00:01Z"),
        (stream("2026-03-01T12:00:00Z", features=[{"name": "a", "bets": [[], []]}]), "has no bets for 'a'"),
    ],
)
def test_what_cannot_be_continued_begins_anew_and_says_why(
    environment: dict[str, str], shared_cloud: CloudProcess, unique: str, body: bytes, reason: str
) -> None:
    key = "results/live/quality/2026/03/01/12/stream.json"
    shared_cloud.client("s3").put_object(Bucket=unique, Key=key, Body=body)
    found = kept(environment, settings())

    assert found is not None
    assert found.before is None
    assert reason in found.anew


def test_a_bucket_that_may_not_be_read_begins_anew(environment: dict[str, str]) -> None:
    found = kept({**environment, KEPT: "s3://there-is-no-such-bucket/x/"}, settings())

    assert found is not None
    assert "NoSuchBucket" in found.anew
    assert kept({**environment, KEPT: ""}, settings()) is kept(environment, settings(None)) is None
