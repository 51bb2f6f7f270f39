"""Orchestration and applications on SageMaker that nobody here wrote, unmodified: Airflow's operators and sensors, langchain-aws.

They live in an environment of their own, of some 200 wheels: FOGBANK_FRAMEWORKS has `airflow` in it where they run.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY
from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.once import programs_of
from tests.waiting import until_answer

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(
        "airflow" not in os.environ.get("FOGBANK_FRAMEWORKS", ""), reason="FOGBANK_FRAMEWORKS does not name airflow"
    ),
]
HERE = Path(__file__).parent
REQUIREMENTS = HERE / "hosted.txt"
DOUBLES = "def model_fn(folder):\n    return 2\ndef predict_fn(rows, model):\n    return rows * model\n"
TALKS = r"""
def model_fn(folder):
    return None
def transform_fn(model, data, content_type, accept):
    return iter(["you said ", data, "\n"]), "application/json"
"""
LIMIT_S = 400
Flow = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment with the clients, as hosted.txt has them; kept between runs."""
    return programs_of(REQUIREMENTS) / "python"


@pytest.fixture
def flow(python: Path, shared_cloud: CloudProcess, tmp_path: Path) -> Flow:
    """A flow of theirs, as a user of the cloud runs it; the JSON of its last line."""
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path / "airflow"), "AWS_ENDPOINT_URL": shared_cloud.url,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET_KEY,
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


def put_model(cloud: CloudProcess, bucket: str, code: str) -> None:
    """`m.tar.gz` in a bucket that is made."""
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": code.encode()})
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("s3").put_object(Bucket=bucket, Key="m.tar.gz", Body=archive.getvalue())


def test_airflows_operators_and_sensors(flow: Flow, shared_cloud: CloudProcess, unique: str) -> None:
    put_model(shared_cloud, unique, DOUBLES)
    shared_cloud.client("s3").put_object(Bucket=unique, Key="in/rows.csv", Body=b"1,2\n")

    seen = flow("hosted_airflow", unique)

    assert seen == {
        "endpoint": "InService", "endpoint-s": "InService", "endpoint-q": "InService", "updated": "-next", "sensor": True,
        "transform": "Completed", "transform sensor": True, "processing": "Completed", "package": [1, "PendingManualApproval"],
        "training": "ValidationException",
    }  # fmt: skip
    assert shared_cloud.client("s3").get_object(Bucket=unique, Key="out/rows.csv.out")["Body"].read()


def test_langchain_invokes_streams_and_names_a_component(flow: Flow, shared_cloud: CloudProcess, unique: str) -> None:
    put_model(shared_cloud, unique, TALKS)
    sagemaker, hosting = shared_cloud.client("sagemaker"), f"{unique}-h"
    container = {"Image": "i", "ModelDataUrl": f"s3://{unique}/m.tar.gz"}
    sagemaker.create_model(ModelName=unique, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=unique, ProductionVariants=[{**variant, "ModelName": unique}])
    sagemaker.create_endpoint_config(EndpointConfigName=hosting, ExecutionRoleArn=ROLE, ProductionVariants=[variant])
    for name in (unique, hosting):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    for name in (unique, hosting):
        sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
    needs = {"ModelName": unique, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 512}}
    component = {"InferenceComponentName": f"{hosting}-c"}
    sagemaker.create_inference_component(
        **component, EndpointName=hosting, VariantName="v", Specification=needs, RuntimeConfig={"CopyCount": 1}
    )
    until_answer(
        lambda: sagemaker.describe_inference_component(**component)["InferenceComponentStatus"],
        lambda status: status != "Creating",
    )

    said = 'you said ["hello"]'
    assert flow("hosted_langchain", unique, hosting) == {
        "invoke": f"{said}\n",
        "stream": said,
        "component": f"{said}\n",
    }
