"""Packages and files for what scores without a server: the local engine, Spark and Ray."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from fogbank.contracts.manifest import INNER_NAME, Column, Manifest, Schema, decode_package
from fogbank.contracts.transform import (
    DataProcessing,
    TransformInput,
    TransformOutput,
    TransformRequest,
    TransformResources,
)
from fogbank.ground.digest import sha256_bytes, sha256_file
from tests.packages import signed

SUMS = """
def model_fn(model_dir):
    return 10.0

def predict_fn(data, model):
    if (data == 13).any():
        raise ValueError("not this one")
    return (data.sum(axis=1) * model).reshape(-1, 1)
"""
ONE = Schema(columns=(Column(name="total"),))


def packed_sums(folder: Path) -> Manifest:
    """A package of two columns, a and b, that answers ten times their sum."""
    shutil.rmtree(folder / "made", ignore_errors=True)
    signed(folder / "made", SUMS, output=ONE, kind="handler")
    artifact = folder / "model.tar.gz"
    with tarfile.open(artifact, "w:gz") as tar:
        tar.add(folder / "made" / "model", ".")
    inner = (folder / "made" / "model" / INNER_NAME).read_bytes()
    return Manifest(
        artifact=artifact.name, artifact_sha256=sha256_file(artifact), package_sha256=sha256_bytes(inner),
        package=decode_package(inner), statistics_sha256="", constraints_sha256="", folder=folder,
    )  # fmt: skip


def request_of(
    before: str = "$", after: str = "$", *, join: bool = False, strategy: str = "MultiRecord", split: str = "Line"
) -> TransformRequest:
    """A job over rows of text/csv."""
    return TransformRequest(
        job="j", model="m", batch_strategy=None if split == "None" else strategy, max_payload_mb=1,
        source=TransformInput(data_type="S3Prefix", uri="s3://b/in/", content_type="text/csv", split_type=split),
        target=TransformOutput(uri="s3://b/out", accept="text/csv", assemble_with=split),
        resources=TransformResources(instance_type="ml.m5.large", instance_count=1),
        processing=DataProcessing(input_filter=before, output_filter=after, join_source="Input" if join else "None"),
    )  # fmt: skip


def rows(count: int) -> bytes:
    """Rows of an id and two numbers, some with an id that must be quoted."""
    return b"".join(
        b"%b,%d.5,%d\n" % (b'"id, %d"' % number if number % 1000 == 7 else b"id%d" % number, number, 2 * number + 20)
        for number in range(count)
    )
