"""A transform job of any size in flat memory: the cloud's process and its instances together stay under 500 MB.

SIZE_ROWS rows of the reference model (100,000 in CI; 10,000,000 are 2 GB), or SIZE_GB gigabytes of them (5 is the aim), in one object that is
sent in parts. It takes twice as much of the disk while it is sent.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig

from fogbank.ground.processes import cpu_seconds, memory
from tests.contracts.aws.served import Served

ROWS = int(os.environ.get("SIZE_ROWS") or 100_000)
BYTES = int(float(os.environ.get("SIZE_GB") or 0) * 1e9)
LIMIT = 500 << 20
LIMIT_S = 3600.0
PART = 1 << 20
LOOK_S = 0.2


def test_a_job_of_any_size_runs_in_flat_memory(served: Served, tmp_path: Path) -> None:
    lines = served.sample.splitlines(keepends=True)
    block = b"".join(lines) * max(1, 10_000 // len(lines))
    blocks = -(-BYTES // len(block)) or max(1, ROWS // block.count(b"\n"))
    size = _sent(served, tmp_path / "rows.csv", block, blocks)
    one = _answers(served, block)
    pid = served.cloud.address.pid

    before, began, busy = memory(pid), time.monotonic(), cpu_seconds(pid)
    status, peak = _run(served, pid)
    seconds = time.monotonic() - began
    rows = blocks * block.count(b"\n")
    print(
        f"{rows} rows, {size >> 20} MB: {rows / seconds:.0f} rows/s, {cpu_seconds(pid) - busy:.0f} s of processor time,"
        f" {before >> 20} MB before and {peak >> 20} MB at most"
    )

    assert status == "Completed"
    assert _digest(served) == _digest_of(one, blocks)
    assert peak < LIMIT


def _sent(served: Served, file: Path, block: bytes, blocks: int) -> int:
    with file.open("wb") as out:
        for _ in range(blocks):
            out.write(block)
    size = file.stat().st_size
    served.s3.upload_file(str(file), served.name, "in/rows.csv", Config=TransferConfig(max_concurrency=2))
    file.unlink()
    return size


def _answers(served: Served, block: bytes) -> bytes:
    """What the model answers to the block, by a job of its own."""
    served.s3.put_object(Bucket=served.name, Key="one/block.csv", Body=block)
    served.transform("block", f"s3://{served.name}/one/")
    body: bytes = served.s3.get_object(Bucket=served.name, Key="out/block.csv.out")["Body"].read()
    assert body.count(b"\n") == block.count(b"\n")
    return body


def _run(served: Served, pid: int) -> tuple[str, int]:
    """How the job ended, and the most memory that was held."""
    source: dict[str, Any] = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{served.name}/in/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    served.sagemaker.create_transform_job(
        TransformJobName="large", ModelName=served.name, BatchStrategy="MultiRecord", TransformInput=source,
        TransformOutput={"S3OutputPath": f"s3://{served.name}/out", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )  # fmt: skip
    peak, deadline = 0, time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        status: str = served.sagemaker.describe_transform_job(TransformJobName="large")["TransformJobStatus"]
        peak = max(peak, memory(pid))
        if status not in {"InProgress", "Stopping"}:
            return status, peak
        time.sleep(LOOK_S)
    return "InProgress", peak


def _digest(served: Served) -> str:
    digest = hashlib.sha256()
    for part in served.s3.get_object(Bucket=served.name, Key="out/rows.csv.out")["Body"].iter_chunks(PART):
        digest.update(part)
    return digest.hexdigest()


def _digest_of(block: bytes, blocks: int) -> str:
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(block)
    return digest.hexdigest()
