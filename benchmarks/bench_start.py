"""Seconds and memory until a cloud with a long history answers. Aim: under 1 s and 200 MB after 100,000 changes of moto's state.

`--objects 100000 --gb 20` puts as many objects, of so many GB together, before (2 GB in 10,000 when left out).

The changes are real requests, and entries of the journal repeated: what is measured is that a start does not read them. Beside it, the
same cloud with the last 250 changes only in the journal, which is the most that a start plays back.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from measure import ratio, tell, timed

from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.snapshot import Snapshots, user_key
from fogbank.project.workplace.installation import cached
from fogbank.testing import CloudProcess

CHANGES, QUEUES, TAIL, ROUNDS = 100_000, 500, 250, 3
WRITERS = 8
SCOPE = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=-"


def request(operation: str, **members: object) -> Request:
    """As boto3 sends it."""
    headers = {
        "host": "127.0.0.1",
        "authorization": SCOPE,
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"AmazonSQS.{operation}",
    }
    return Request(method="POST", path="/", query="", headers=headers, body=json.dumps(members).encode())


def lived(folder: Path) -> None:
    """A folder of a cloud that went through CHANGES changes, and TAIL more since its snapshot."""
    with closing(Store(folder / "cloud.db")) as store:
        gateway = MotoGateway(store, time.time, Snapshots(folder, user_key(cached("keys"))))
        for number in range(QUEUES):
            gateway.handle(request("CreateQueue", QueueName=f"q{number}"))
        for number in range(QUEUES):
            attributes = {"VisibilityTimeout": str(number)}
            url = f"http://127.0.0.1/123456789012/q{number}"
            gateway.handle(request("SetQueueAttributes", QueueUrl=url, Attributes=attributes))
        _repeat(folder / "cloud.db")
        gateway.save()
        for number in range(TAIL):
            gateway.handle(request("TagQueue", QueueUrl=f"http://127.0.0.1/123456789012/q{number}", Tags={"a": "b"}))


def _repeat(file: Path) -> None:
    """The changes of attributes over again, which leave the state as it is."""
    columns = "at, method, path, query, headers, body, object, upload"
    with closing(sqlite3.connect(file)) as database, database:
        for _ in range((CHANGES - 2 * QUEUES) // QUEUES):
            rows = f"SELECT {columns} FROM journal WHERE seq > ? AND seq <= ?"  # noqa: S608 - names of our own
            database.execute(f"INSERT INTO journal ({columns}) {rows}", (QUEUES, 2 * QUEUES))


def filled(folder: Path, objects: int, size: int) -> float:
    """Put `objects` bodies of `size` bytes, each another, as their clients do; the seconds that it took."""
    rest = os.urandom(max(0, size - 16))
    cloud = CloudProcess(folder)
    cloud.start()
    try:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="data")

        def put(number: int) -> None:
            s3.put_object(Bucket="data", Key=f"rows/{number % 1000:03d}/{number:08d}", Body=b"%016d" % number + rest)

        began = time.perf_counter()
        with ThreadPoolExecutor(WRITERS) as pool:
            for _ in pool.map(put, range(objects)):
                pass
        return time.perf_counter() - began
    finally:
        cloud.stop()


def memory(pid: int) -> float:
    """MB that a process has in memory."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def processor(pid: int) -> float:
    """Seconds of a processor that a process had so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started(folder: Path, queues: int = QUEUES) -> tuple[float, float, float]:
    """Seconds until it answers, those of a processor among them, and MB."""
    cloud = CloudProcess(folder)
    seconds = timed(cloud.start)
    try:
        busy = processor(cloud.address.pid)
        assert len(cloud.client("sqs").list_queues().get("QueueUrls", [])) == queues
        return seconds, busy, memory(cloud.address.pid)
    finally:
        cloud.kill()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--gb", type=float, default=2.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "cloud"
        folder.mkdir()
        lived(folder)
        seconds = filled(folder, options.objects, int(options.gb * 1e9) // max(1, options.objects))
        print(f"{options.objects:,} objects of {options.gb:g} GB were put in {seconds:.0f} s")
        tail = [started(folder)]
        CloudProcess(folder).start()
        CloudProcess(folder).stop()  # which writes a snapshot
        pairs = [(started(folder), started(Path(place) / f"empty{n}", 0)) for n in range(ROUNDS)]
    figures, empty = [first for first, _ in pairs], [second for _, second in pairs]
    tell(
        f"start after {CHANGES:,} changes and {options.gb:g} GB, to the first answer",
        [seconds for seconds, _, _ in figures],
        1.0,
    )
    tell("the same, of a processor", [busy for _, busy, _ in figures], 1.0)
    tell(f"the same, {TAIL} of them since the snapshot", [seconds for seconds, _, _ in tail], 2.0)
    ratio(
        "start after them, to an empty cloud's",
        [long[0] / short[0] for long, short in zip(figures, empty, strict=True)],
    )
    print(f"memory then: {max(size for _, _, size in [*figures, *tail]):.0f} MB (aim 200 MB)")


if __name__ == "__main__":
    main()
