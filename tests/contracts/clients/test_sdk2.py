"""The SageMaker SDK, version 2, unmodified: pipelines and tuning jobs that it asks for and waits for, over real jobs.

It lives in an environment of its own, of some 60 wheels: FOGBANK_FRAMEWORKS has `sdk` in it where these run.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sklearn

from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY
from fogbank.testing import CloudProcess
from tests.once import programs_of

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(
        "sdk" not in os.environ.get("FOGBANK_FRAMEWORKS", ""), reason="FOGBANK_FRAMEWORKS does not name sdk"
    ),
]
HERE = Path(__file__).parent
REQUIREMENTS = HERE / "sdk.txt"
RELEASE, _, PATCH = sklearn.__version__.rpartition(".")
IMAGE = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{RELEASE}-{PATCH}-cpu-py3"
NO_TELEMETRY = "SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n"
LIMIT_S = 500
Flow = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment with the SDK, as sdk.txt has it; kept between runs."""
    return programs_of(REQUIREMENTS) / "python"


@pytest.fixture
def flow(python: Path, shared_cloud: CloudProcess, tmp_path: Path) -> Flow:
    """A program with the SDK, as a user of the cloud runs it; the JSON of its last line."""
    (tmp_path / "sdk.yaml").write_text(NO_TELEMETRY)
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": shared_cloud.url, "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET_KEY,
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(tmp_path / "sdk.yaml"),
    }  # fmt: skip

    def run(name: str, *arguments: str) -> dict[str, Any]:
        command = [str(python), "-P", str(HERE / "flows" / f"{name}.py"), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return seen

    return run


def test_a_pipeline_trains_evaluates_and_registers_or_fails(
    flow: Flow, shared_cloud: CloudProcess, unique: str
) -> None:
    s3, sagemaker = shared_cloud.client("s3"), shared_cloud.client("sagemaker")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="rows/rows.csv", Body=b"x,y\n1,1\n2,2\n3,3\n")
    s3.put_object(Bucket=unique, Key="in/in.csv", Body=b"1\n2\n")

    seen = flow("sdk_pipeline", unique, IMAGE)
    poor, good, again = seen["poor"], seen["good"], seen["again"]
    job = good["metadata"]["Train"]["TrainingJob"]["Arn"].rpartition("/")[2]
    trained = sagemaker.describe_training_job(TrainingJobName=job)
    packages = sagemaker.list_model_packages(ModelPackageGroupName=f"{unique}-group")["ModelPackageSummaryList"]
    package = sagemaker.describe_model_package(ModelPackageName=packages[0]["ModelPackageArn"])
    artifact = trained["ModelArtifacts"]["S3ModelArtifacts"]
    whole = {"Train", "Evaluate", "GoodEnough", "Register-RegisterModel", "Create-CreateModel", "Score"}

    assert (seen["described"], seen["executions"]) == ("the second time it is an update", 3)
    assert (poor["status"], poor["reasons"]) == ("Failed", {"Poor": "the score is below 1.5"})
    assert poor["steps"] == {"Train": "Succeeded", "Evaluate": "Succeeded", "GoodEnough": "Succeeded", "Poor": "Failed"}
    assert (good["status"], good["steps"]) == ("Succeeded", dict.fromkeys(whole, "Succeeded")), good["reasons"]
    assert {each["Name"]: each["Value"] for each in good["parameters"]} == {
        "Slope": "2", "Least": "1.5", "Approval": "PendingManualApproval",
    }  # fmt: skip
    assert [each["ModelApprovalStatus"] for each in packages] == ["PendingManualApproval", "Approved"]
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == artifact
    assert s3.head_object(Bucket=unique, Key=artifact.removeprefix(f"s3://{unique}/"))["ContentLength"] > 0
    scored = s3.get_object(Bucket=unique, Key="scored/in.csv.out")["Body"].read().decode().split()
    assert [round(float(value), 6) for value in scored] == [2.0, 4.0]
    assert (again["status"], good["cached"], again["cached"]) == ("Succeeded", [], ["Train"])
    assert again["metadata"]["Train"] == good["metadata"]["Train"]


@pytest.mark.parametrize(("strategy", "count"), [("Bayesian", 6), ("Grid", 2)])
def test_a_tuning_job_finds_the_best(
    flow: Flow, shared_cloud: CloudProcess, unique: str, strategy: str, count: int
) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="rows/rows.csv", Body=b"x,y\n1,1\n")

    seen = flow("sdk_tuning", unique, IMAGE, strategy)
    best, value, _ = seen["jobs"][0]
    artifact = s3.get_object(Bucket=unique, Key=f"tuned/{best}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(artifact)) as archive:
        model = json.loads(archive.extractfile("model.json").read())  # type: ignore[union-attr]

    assert (seen["status"], seen["best"], len(seen["jobs"])) == ("Completed", best, count)
    assert (seen["counters"]["Completed"], seen["objectives"]["Succeeded"]) == (count, count)
    assert round(model["loss"], 6) == round(value, 6) == min(round(each[1], 6) for each in seen["jobs"])
    kinds = {values["kind"] for _, _, values in seen["jobs"]}
    assert kinds == {"a", "b"} if strategy == "Grid" else kinds <= {"a", "b"}
