"""The ways of bench_transform.py: by this process and its children, by peers in environments of their own, by jobs of a local cloud.

Each gives the seconds of a run, and those of a processor.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
from side_by_side import ROOT, SKLEARN, Model, PeerError, python_of

from fogbank.contracts.manifest import INNER_NAME, decode_package
from fogbank.ground.digest import sha256_bytes
from fogbank.ground.processes import tree
from fogbank.testing import CloudProcess

PEERS: Mapping[str, tuple[str, ...]] = {
    "batch_polars": ("polars",),
    "batch_duckdb": ("duckdb",),
    "batch_spark": ("pyspark==4.0.1", "pyarrow", "pandas<3", "setuptools", *SKLEARN),
}
LOOK_S = 0.05
ASK_S = 1.0
"""Between two questions of how a job stands, which the cloud answers with a processor's time that is no job's."""


@dataclass(frozen=True)
class Took:
    """A run."""

    seconds: float
    processor: float


def here(work: Callable[[], None]) -> Took:
    """By this process and the children that it has waited for."""
    wall, processor = time.perf_counter(), _processor()
    work()
    return Took(time.perf_counter() - wall, _processor() - processor)


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peer(name: str, file: Path, target: Path, told: str) -> Took:
    """By a peer's script, in an environment of its own. Raises PeerError."""
    shutil.rmtree(target, ignore_errors=True)
    script = ROOT / "peers" / f"{name}.py"
    python = python_of(name, PEERS[name])
    done = subprocess.run(
        [python, str(script), str(file), str(target), told],
        env={**os.environ, "PYSPARK_PYTHON": python}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise PeerError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else name)
    return Took(*json.loads(done.stdout.splitlines()[-1]).values())


def coefficients(model: Model) -> str:
    """The pipeline of a scaler and a logistic regression as one line of weights, as JSON."""
    scaler, regression = (step for _, step in joblib.load(model.joblib).steps)
    weights = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    return json.dumps({"weights": weights.tolist(), "intercept": intercept})


class Used:
    """The seconds of a processor that a cloud and its processes take from now on. One that has ended counts as it was seen last: behind a wall
    nobody waits for it, so that it is in no parent's account."""

    def __init__(self, pid: int) -> None:
        self._pid, self._before, self._seen = pid, 0.0, dict[tuple[int, str], float]()
        self._before = self.look()

    def look(self) -> float:
        """The seconds so far."""
        for pid in tree(self._pid):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self._seen[pid, fields[19]] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return sum(self._seen.values()) - self._before


class Jobs:
    """Transform jobs of a local cloud over files that it has; `processing` is the request's DataProcessing."""

    def __init__(self, cloud: CloudProcess) -> None:
        self._cloud, self._number = cloud, 0
        self._sagemaker = cloud.client("sagemaker")

    def run(self, key: str, environment: Mapping[str, str], processing: Mapping[str, str]) -> Took:
        """One job over an object, from its creation to its end as the cloud tells them. Raises PeerError where it fails."""
        self._number += 1
        name = f"job-{self._number}"
        used = Used(self._cloud.address.pid)
        self._sagemaker.create_transform_job(
            TransformJobName=name, ModelName="bench", Environment=dict(environment), DataProcessing=dict(processing),
            TransformInput={
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://bench/{key}"}},
                "ContentType": "text/csv", "SplitType": "Line",
            },
            TransformOutput={"S3OutputPath": "s3://bench/out", "Accept": "text/csv", "AssembleWith": "Line"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )  # fmt: skip
        job, asked = self._sagemaker.describe_transform_job(TransformJobName=name), time.monotonic()
        while job["TransformJobStatus"] == "InProgress":
            used.look()
            time.sleep(LOOK_S)
            if time.monotonic() - asked >= ASK_S:
                job, asked = self._sagemaker.describe_transform_job(TransformJobName=name), time.monotonic()
        if job["TransformJobStatus"] != "Completed":
            raise PeerError(str(job.get("FailureReason")))
        return Took((job["TransformEndTime"] - job["CreationTime"]).total_seconds(), used.look())


@contextmanager
def jobs(model: Model, folder: Path, files: Mapping[str, Path]) -> Iterator[Jobs]:
    """A cloud that has the model and the files, stopped at the end."""
    cloud = CloudProcess(folder / "cloud")
    cloud.start()
    try:
        s3: Any = cloud.client("s3")
        s3.create_bucket(Bucket="bench")
        s3.upload_file(str(_with_requirements(model, folder)), "bench", "m.tar.gz")
        for key, file in files.items():
            s3.upload_file(str(file), "bench", key)
        cloud.client("sagemaker").create_model(
            ModelName="bench", ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
            PrimaryContainer={"Image": "i", "ModelDataUrl": "s3://bench/m.tar.gz"},
        )  # fmt: skip
        yield Jobs(cloud)
    finally:
        cloud.stop()


def _with_requirements(model: Model, folder: Path) -> Path:
    """The compiled package with what its environment needs."""
    base = folder / "required"
    shutil.copytree(model.compiled / "model", base)
    (base / "code").mkdir()
    lines = f"onnxruntime=={metadata.version('onnxruntime')}\n".encode()
    (base / "code" / "requirements.txt").write_bytes(lines)
    package = decode_package((base / INNER_NAME).read_bytes())
    files = {**package.files, "code/requirements.txt": sha256_bytes(lines)}
    (base / INNER_NAME).write_bytes(replace(package, files=files).encode())
    with tarfile.open(folder / "required.tar.gz", "w:gz") as tar:
        tar.add(base, ".")
    return folder / "required.tar.gz"
