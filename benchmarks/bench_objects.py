"""Objects of the local cloud's S3: small ones put, got and listed beside moto's own server in the same run; a large one in flat memory.

`--large-mb 1024` (256 when left out) is the size of the large one, `--small 2000` the number of small ones. Aims: a page of a listing under
20 ms; under 150 MB more memory for a large body.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config
from measure import ratio, tell

from fogbank.testing import CloudProcess

KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
PAGE = 1000


def client(url: str) -> Any:
    """A plain client of an S3."""
    settings = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=600)
    return boto3.client("s3", endpoint_url=url, config=settings, **KEYS)


@contextmanager
def moto_server() -> Iterator[str]:
    """moto's own server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib3.request("GET", f"{url}/moto-api/", retries=False, timeout=2)
                break
            except urllib3.exceptions.HTTPError:
                time.sleep(0.01)
        yield url
    finally:
        process.terminate()
        process.wait()


def small(s3: Any, count: int) -> dict[str, list[float]]:
    """Seconds of each call: PUT, GET, a page of a listing."""
    s3.create_bucket(Bucket="small")
    seconds: dict[str, list[float]] = {"put": [], "get": [], "page": []}

    def timed(what: str, **arguments: Any) -> Any:
        calls = {"put": s3.put_object, "get": s3.get_object, "page": s3.list_objects_v2}
        started = time.perf_counter()
        answer = calls[what](Bucket="small", **arguments)
        if what == "get":
            answer["Body"].read()
        seconds[what].append(time.perf_counter() - started)
        return answer

    for number in range(count):
        timed("put", Key=f"data/{number:06d}", Body=b"0123456789" * 20)
    for number in range(0, count, 4):
        timed("get", Key=f"data/{number:06d}")
    token: dict[str, str] = {}
    while True:
        page = timed("page", MaxKeys=PAGE, **token)
        if not page["IsTruncated"]:
            return seconds
        token = {"ContinuationToken": page["NextContinuationToken"]}


def peak_mb(pid: int) -> float:
    """The most resident memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def large(s3: Any, pid: int, megabytes: int) -> tuple[float, float, float]:
    """Seconds to PUT and to GET one large object, and how much the peak of memory rose."""
    s3.create_bucket(Bucket="large")
    before = peak_mb(pid)
    with tempfile.TemporaryFile() as source:
        for number in range(megabytes):
            source.write(number.to_bytes(4, "big") * (1 << 18))
        source.seek(0)
        started = time.perf_counter()
        s3.put_object(Bucket="large", Key="k", Body=source)
        put = time.perf_counter() - started
    started = time.perf_counter()
    size = sum(len(part) for part in s3.get_object(Bucket="large", Key="k")["Body"].iter_chunks(1 << 20))
    got = time.perf_counter() - started
    assert size == megabytes << 20
    return put, got, peak_mb(pid) - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=2000)
    parser.add_argument("--large-mb", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, moto_server() as moto:
        cloud = CloudProcess(Path(folder))
        cloud.start()
        try:
            s3 = client(cloud.url)
            ours, peer = small(s3, options.small), small(client(moto), options.small)
            for what, aim in (("put", 0.02), ("get", 0.02), ("page", 0.02)):
                tell(f"objects, {what} ({len(ours[what])} of {options.small})", ours[what], aim)
                ratio(
                    "the same, to moto's own server",
                    [sorted(ours[what])[len(ours[what]) // 2] / sorted(peer[what])[len(peer[what]) // 2]],
                )
            put, got, rise = large(s3, int(cloud.admin.call("status")["pid"]), options.large_mb)
            rate = options.large_mb
            print(
                f"one object of {rate} MB: PUT {put:.1f} s ({rate / put:.0f} MB/s), GET {got:.1f} s ({rate / got:.0f} MB/s), memory +{rise:.0f} MB (aim 150)"
            )
        finally:
            cloud.stop()


if __name__ == "__main__":
    main()
