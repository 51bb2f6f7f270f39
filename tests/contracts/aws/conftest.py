"""Fixtures of the AWS API suites."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served


@pytest.fixture
def s3(shared_cloud: CloudProcess, unique: str) -> Any:
    """A client of S3, and a bucket that is called `unique`."""
    client = shared_cloud.client("s3")
    client.create_bucket(Bucket=unique)
    return client


@pytest.fixture
def served(shared_cloud: CloudProcess, unique: str, fogbank_project: ProjectConfig) -> Served:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    package = load_manifest(fogbank_project.package)
    s3.put_object(Bucket=unique, Key="m.tar.gz", Body=package.artifact_path.read_bytes())
    container = {
        "Image": "i",
        "ModelDataUrl": f"s3://{unique}/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    shared_cloud.client("sagemaker").create_model(ModelName=unique, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return Served(shared_cloud, unique, (fogbank_project.trained / "sample.csv").read_bytes())
