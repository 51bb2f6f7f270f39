"""What an execution continues from, in S3: the newest window of its own schedule that ended before its own began."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.monitoring import CAPTURE_FORMAT, KEPT, RESULTS, S3_URL, AnalyzerSettings
from fogbank.monitor.kept import kept
from fogbank.monitor.stream import Window
from fogbank.testing import CloudProcess
from tests.contracts.aws.test_captured_hours import credentials

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMN: dict[str, Any] = {"name": "a", "rows": 1, "windows": 1, "most": 0.0, "shifted": False, "bets": [[0.0] * 8] * 2}


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
    whole = {"test": "t", "assumptions": "a", "since": until, "windows": 1, "level": 0.05, "shifted": []}
    document = {**whole, "version": 1.0, "until": until, "reference": {"sha256": "x"}, "features": [], **others}
    return json.dumps(document).encode()


def before(found: Window | None) -> str:
    """When the window ended that another one goes on from."""
    assert found is not None
    assert found.before is not None
    return str(found.before["until"])


def test_the_newest_window_before_this_one_is_what_it_continues(
    environment: dict[str, str], shared_cloud: CloudProcess, unique: str
) -> None:
    """Not this one's own, where it is looked at again; and not another schedule's. Whether it overlaps is not for here."""
    s3 = shared_cloud.client("s3")
    places = {
        "quality/2025/12/31/23": "2025-12-31T23:00:00Z",
        "quality/2026/02/28/07": "2026-02-28T07:00:00Z",
        "quality/2026/02/28/07/30-00": "2026-02-28T07:30:00Z",
        "quality/2026/03/01/13": "2026-03-01T13:00:00Z",
        "quality/2027/01/01/00": "2027-01-01T00:00:00Z",
        "other/2026/03/01/12": "2026-03-01T12:00:00Z",
    }
    assert kept(environment, settings()) == Window(start=START, end=START + timedelta(hours=1))
    for place, until in places.items():
        s3.put_object(Bucket=unique, Key=f"results/live/{place}/stream.json", Body=stream(until))
    s3.put_object(Bucket=unique, Key="results/live/quality/2026/03/01/11/statistics.json", Body=b"{}")

    assert before(kept(environment, settings())) == "2026-02-28T07:30:00Z"
    assert before(kept(environment, settings(datetime(2026, 2, 1, tzinfo=UTC)))) == "2025-12-31T23:00:00Z"
    overlapping = "results/live/quality/2026/03/01/12/30-00/stream.json"
    s3.put_object(Bucket=unique, Key=overlapping, Body=stream("2026-03-01T12:30:00Z"))
    assert before(kept(environment, settings())) == "2026-03-01T12:30:00Z"


def test_with_offsets_a_window_continues_the_one_that_ended_where_it_begins(
    environment: dict[str, str], shared_cloud: CloudProcess, unique: str
) -> None:
    """Folders are named by the scheduled time, an hour after the window's end, also its own."""
    for hour in (12, 13, 14):
        key = f"results/live/quality/2026/03/01/{hour}/stream.json"
        body = stream(f"2026-03-01T{hour - 1}:00:00Z")
        shared_cloud.client("s3").put_object(Bucket=unique, Key=key, Body=body)
    own = {**environment, RESULTS: f"{environment[KEPT]}2026/03/01/14"}

    assert before(kept(own, settings())) == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{half", "12/stream.json is no stream.json that can be continued: Expecting property name"),
        (b"[]", "it lacks list indices"),
        (b"[" * 100_000, "recursion"),
        (b"{}", "it lacks 'until'"),
        (stream("2026-03-01T12:00:00Z", version=2.0), "it is of version 2.0"),
        (stream("yesterday"), "time data 'yesterday'"),
        (stream("2026-03-01T12:00:00Z", reference=None), "it lacks 'NoneType'"),
        (stream("2026-03-01T12:00:00Z", windows="2"), "its reference or its windows are not"),
        (stream("2026-03-01T12:00:00Z", features=[{**COLUMN, "bets": [[], []]}]), "has no bets for 'a'"),
        (stream("2026-03-01T12:00:00Z", features=[{**COLUMN, "bets": "none"}]), "could not convert string to float"),
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


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({KEPT: "s3://there-is-no-such-bucket/x/"}, "NoSuchBucket"),
        ({S3_URL: None}, f"the job's environment has no {S3_URL}"),
        ({"AWS_REGION": None}, "the job's environment has no AWS_REGION"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": ""}, "the job has no role's credentials"),
    ],
)
def test_what_cannot_be_read_now_is_left_to_the_next_execution(
    environment: dict[str, str], changed: dict[str, str | None], reason: str
) -> None:
    own = {name: value for name, value in {**environment, **changed}.items() if value is not None}
    found = kept(own, settings())

    assert found is not None
    assert (found.before, found.anew) == (None, "")
    assert reason in found.unread


def test_without_a_place_or_a_window_nothing_is_continued(environment: dict[str, str]) -> None:
    assert kept({**environment, KEPT: ""}, settings()) is kept(environment, settings(None)) is None
