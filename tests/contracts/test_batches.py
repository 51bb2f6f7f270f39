"""A batch that runs once: scored by `up`, again when what it is changes, taken up after a kill, by the real engine on the local cloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fogbank.components import BatchTransform, DataProcessing, Failures, ModelService, Once
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.testing import CloudProcess, Deployment

Deploy = Callable[..., Deployment]


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def program(package: Manifest, bucket: str, version: str = "1") -> Callable[[], dict[str, Any]]:
    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="local/churn", bucket=bucket)
        batch = BatchTransform(
            "scores",
            service=service,
            schedule=Once(triggers={"rows": version}),
            processing=DataProcessing(join_source="Input"),
            capture_prefix="batch/captured/",
        )
        return {"job": batch.job_name}

    return declare


def outputs(cloud: CloudProcess, bucket: str) -> list[str]:
    """The rows that were written."""
    s3 = cloud.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix="batch/out/").get("Contents", [])
    return [s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode() for item in found]


def jobs(cloud: CloudProcess) -> list[str]:
    """The names of jobs, oldest first."""
    listed = cloud.client("sagemaker").list_transform_jobs(SortBy="CreationTime", SortOrder="Ascending")
    return [job["TransformJobName"] for job in listed["TransformJobSummaries"]]


def test_a_batch_is_scored_joined_and_captured_by_its_up(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig, unique: str
) -> None:
    s3, rows = local_cloud.client("s3"), (fogbank_project.trained / "sample.csv").read_bytes()
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="batch/in/rows.csv", Body=rows)
    job = deploy(program(package, unique), mocks=True).outputs["job"]

    assert jobs(local_cloud) == [job]
    [written] = outputs(local_cloud, unique)
    first = rows.decode().splitlines()[0]
    assert written.splitlines()[0].startswith(f"{first},"), "the row, and its answer beside it"
    assert s3.list_objects_v2(Bucket=unique, Prefix="batch/captured/").get("KeyCount", 0) > 0


def test_a_batch_runs_again_when_a_trigger_changes_and_fails_its_up(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig, unique: str
) -> None:
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="batch/in/rows.csv", Body=b"these,are,no,numbers\n")
    with pytest.raises(EngineError, match=r"is Failed: .*row 1"):
        deploy(program(package, unique))
    s3.put_object(Bucket=unique, Key="batch/in/rows.csv", Body=(fogbank_project.trained / "sample.csv").read_bytes())
    deployed = deploy(program(package, unique))
    assert deployed.driver is not None
    deployed.driver.preview(lambda _: None, expect_no_changes=True)
    assert deployed.driver.refresh(lambda _: None).changed is False
    again = deploy(program(package, unique, version="2"))

    names = jobs(local_cloud)
    assert len(names) == 3, "one failed, one for each version"
    assert [deployed.outputs["job"], again.outputs["job"]] == names[1:]
    assert again.driver is not None
    again.driver.destroy(lambda _: None)
    assert len(outputs(local_cloud, unique)) == 1, "what was scored is the program's, and stays"


def test_a_job_that_runs_once_has_no_schedule(package: Manifest) -> None:
    with pytest.raises(ValueError, match="are a schedule's"):
        BatchTransform("b", service=None, schedule=Once(), failures=Failures())  # type: ignore[arg-type]  # not looked at
