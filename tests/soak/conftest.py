"""A cloud of a soak's own, with the reference model in a bucket and a Model of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from tests.contracts.aws.served import ROLE, Served
from tests.soak.killing import LongLived


@pytest.fixture
def served(fogbank_project: ProjectConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    cloud = LongLived(tmp_path_factory.mktemp("soak"))
    cloud.start()
    name = "soak"
    cloud.client("s3").create_bucket(Bucket=name)
    package = load_manifest(fogbank_project.package)
    cloud.client("s3").put_object(Bucket=name, Key="m.tar.gz", Body=package.artifact_path.read_bytes())
    container = {
        "Image": "i",
        "ModelDataUrl": f"s3://{name}/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    cloud.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    yield Served(cloud, name, (fogbank_project.trained / "sample.csv").read_bytes())
    cloud.stop()
