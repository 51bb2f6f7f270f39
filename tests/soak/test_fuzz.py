"""Requests that no client should send, thousands of them: no 500, none that hangs, and the cloud answers and holds as before.

FUZZ is how many; `FUZZ=100000 make soak ARGS="-k fuzz"` is an evening's. The server's own are in tests/contracts/container/test_faults.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fogbank.ground.processes import memory
from fogbank.testing import CloudProcess
from tests.soak.budget import seed
from tests.soak.fuzz import a_call, a_path, fuzz, spoiled

COUNT = int(os.environ.get("FUZZ", "2000"))
GROWTH = 64 << 20
"""Bytes that the second half may add: services are loaded as they are asked for the first time."""


@pytest.fixture
def cloud(tmp_path: Path) -> CloudProcess:
    return CloudProcess(tmp_path / "fuzzed")


def test_no_request_is_answered_with_a_500_or_not_at_all(cloud: CloudProcess) -> None:
    cloud.start()
    try:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="kept", Body=b"kept")
        begun = seed()
        kinds = (a_call, a_path, spoiled)
        first = fuzz(cloud.address.port, COUNT // 2, begun, kinds)
        held = memory(cloud.address.pid)
        second = fuzz(cloud.address.port, COUNT // 2, begun + 1, kinds)
        grown = memory(cloud.address.pid) - held
        kept = s3.get_object(Bucket="kept", Key="kept")["Body"].read()
    finally:
        cloud.stop()

    bad = [(status, data[:400], answer[-300:]) for status, data, answer in (*first.bad, *second.bad)]
    assert bad == []
    assert sum(first.statuses.values()) + sum(second.statuses.values()) == COUNT // 2 * 2
    assert kept == b"kept"
    assert grown < GROWTH
    print(f"{first.statuses + second.statuses}, {grown >> 20} MiB more")
