"""What the benchmarks share: a project of their own in a temporary folder, and how figures are printed."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fogbank.contracts.manifest import load_manifest
from fogbank.project.scaffolding.scaffold import write_project
from fogbank.project.workplace.config import load_config
from fogbank.testing import CloudProcess

ROLE = "arn:aws:iam::123456789012:role/r"

FOGBANK = [sys.executable, "-m", "fogbank"]


@contextmanager
def project(name: str = "bench") -> Iterator[Path]:
    """A fresh project, its cloud stopped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / name
        write_project(name, root)
        text = (root / "pyproject.toml").read_text()
        (root / "pyproject.toml").write_text(text.replace("[tool.fogbank]\n", "[tool.fogbank]\nport = 0\n"))
        try:
            yield root
        finally:
            fogbank(root, "cloud", "stop")
            shutil.rmtree(root, ignore_errors=True)


def fogbank(root: Path, *arguments: str) -> str:
    """Run a fogbank command in a project; its standard output."""
    done = subprocess.run([*FOGBANK, "-q", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"fogbank {' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


def timed(work: object, *arguments: object) -> float:
    """Seconds that a call took."""
    started = time.perf_counter()
    work(*arguments)  # type: ignore[operator]  # any callable
    return time.perf_counter() - started


def tell(what: str, seconds: Sequence[float], aim: float) -> None:
    """One line: median, range, and the aim."""
    middle = statistics.median(seconds)
    verdict = "met" if middle <= aim else "MISSED"
    spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
    print(f"{what:<58} median {middle:6.2f} s  ({spread}, n={len(seconds)})  aim {aim:g} s: {verdict}")


def ratio(what: str, ratios: Sequence[float]) -> None:
    """One line: the median ratio to a peer or a limit that was measured in the same run."""
    print(
        f"{what:<58} median {statistics.median(ratios):6.2f} x  ({min(ratios):.2f}-{max(ratios):.2f}, n={len(ratios)})"
    )


@contextmanager
def cloud_with_model(root: Path) -> Iterator[CloudProcess]:
    """A cloud with the reference model `m`, in the bucket `bench`."""
    fogbank(root, "train")
    fogbank(root, "pack")
    artifact = load_manifest(load_config(root).package).artifact_path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        cloud = CloudProcess(Path(folder))
        cloud.start()
        try:
            s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
            s3.create_bucket(Bucket="bench")
            s3.put_object(Bucket="bench", Key="m.tar.gz", Body=artifact)
            container = {"Image": "i", "ModelDataUrl": "s3://bench/m.tar.gz"}
            sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
            yield cloud
        finally:
            cloud.stop()
