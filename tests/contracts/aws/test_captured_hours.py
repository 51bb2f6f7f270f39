"""A scheduled analysis reads the hours of its window out of S3, and no others, under its role."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.monitoring import BATCHES, CAPTURE_FORMAT, CAPTURED, S3_URL, AnalyzerSettings
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.hours import bring
from fogbank.testing import CloudProcess

START = datetime(2026, 11, 25, 10, 50, tzinfo=UTC)
END = datetime(2026, 11, 25, 12, 50, tzinfo=UTC)


@contextmanager
def credentials(held: dict[str, str]) -> Iterator[str]:
    """What gives a container its role's credentials, to who has the token; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = self.headers.get("Authorization") == "token"
            body = json.dumps(held if good else {"message": "who are you?"}).encode()
            self.send_response(200 if good else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/role"
        server.shutdown()
        thread.join()


@pytest.fixture
def environment(shared_cloud: CloudProcess, unique: str) -> Iterator[dict[str, str]]:
    """A job's, with a bucket in which two variants were captured, and another endpoint."""
    s3: Any = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    for key in (
        *(f"capture/live/AllTraffic/2026/11/25/{hour:02}/00-00-000-a b+&.jsonl" for hour in (9, 10, 11, 12, 13)),
        "capture/live/shadow/2026/11/25/11/30-00-000-x.jsonl",
        "capture/live/shadow/2026/11/24/11/30-00-000-x.jsonl",
        "capture/live-2/AllTraffic/2026/11/25/11/00-00-000-a.jsonl",
    ):
        s3.put_object(Bucket=unique, Key=key, Body=key.encode())
    keys = s3._request_signer._credentials
    held = {
        "AccessKeyId": keys.access_key,
        "SecretAccessKey": keys.secret_key,
        "Expiration": f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    with credentials(held) as url:
        yield {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
            "AWS_REGION": "us-east-1",
            S3_URL: shared_cloud.url,
            CAPTURED: f"s3://{unique}/capture/live/",
        }


def settings(folder: Path) -> AnalyzerSettings:
    return AnalyzerSettings(
        dataset_format=json.loads(CAPTURE_FORMAT), dataset_source=folder / "in", output_path=folder / "out",
        base_dir=folder, start=START, end=END,
    )  # fmt: skip


def test_the_windows_hours_are_there_of_every_variant_and_no_others(
    environment: dict[str, str], tmp_path: Path
) -> None:
    bring(environment, settings(tmp_path))

    there = {str(path.relative_to(tmp_path / "in")): path.read_text() for path in (tmp_path / "in").rglob("*.jsonl")}
    assert set(there) == {
        *(f"AllTraffic/2026/11/25/{hour}/00-00-000-a b+&.jsonl" for hour in (10, 11, 12)),
        "shadow/2026/11/25/11/30-00-000-x.jsonl",
    }
    assert {f"capture/live/{name}" for name in there} == set(there.values()), "each is what its key says"


def test_where_nothing_was_captured_nothing_is_there(environment: dict[str, str], tmp_path: Path) -> None:
    bring({**environment, CAPTURED: environment[CAPTURED].replace("/live/", "/never/")}, settings(tmp_path))

    assert list((tmp_path / "in").iterdir()) == []


def test_what_manifests_of_the_windows_hours_name_is_there_each_jobs_apart(
    environment: dict[str, str], shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    s3 = shared_cloud.client("s3")
    for name in ("in/a.csv", "in/b/a.csv", "in/late.csv"):
        s3.put_object(Bucket=unique, Key=name, Body=name.encode())
    folder = f"s3://{unique}/in/"
    manifests = {
        "10/x": [{"prefix": folder}, "a.csv", "b/a.csv"],
        "12/x": [{"prefix": folder}, "a.csv"],
        "12/y": [{"prefix": f"{folder}b/a.csv"}, ""],
        "13/x": [{"prefix": folder}, "late.csv"],
    }
    for name, manifest in manifests.items():
        s3.put_object(Bucket=unique, Key=f"c/input/2026/11/25/{name}.json", Body=json.dumps(manifest).encode())
    batches = {**environment, CAPTURED: "", BATCHES: f"s3://{unique}/c/input/"}
    bring(batches, settings(tmp_path))
    s3.put_object(Bucket=unique, Key="c/input/2026/11/25/12/z.json", Body=b"{}")

    there = {str(path.relative_to(tmp_path / "in")) for path in (tmp_path / "in").rglob("*.csv")}
    assert there == {f"2026/11/25/{name}" for name in ("10/1/a.csv", "10/1/b/a.csv", "12/1/a.csv", "12/2/a.csv")}
    with pytest.raises(DatasetError, match="names no captured objects"):
        bring(batches, settings(tmp_path / "again"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({CAPTURED: "s3://no-such-bucket-at-all/capture/live/"}, "NoSuchBucket"),
        ({"AWS_CONTAINER_AUTHORIZATION_TOKEN": "another"}, "401"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": ""}, "no role's credentials"),
    ],
)
def test_what_cannot_be_read_says_why(
    environment: dict[str, str], tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        bring({**environment, **change}, settings(tmp_path))
