"""AWS's own SageMaker SDK as a client, unmodified, in an environment of its own: it needs 132 wheels, and fogbank none of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY
from fogbank.testing import CloudProcess, Deployment
from tests.contracts.aws.monitored import HOURLY
from tests.sdk import sdk_python
from tests.unit.cloud.monitoring.requests import definition, schedule

SCRIPT = """
import json, sys
from sagemaker.core.resources import Endpoint, EndpointConfig, MonitoringSchedule, TransformJob
from sagemaker.core.shapes import TransformDataSource, TransformInput, TransformOutput, TransformResources, TransformS3DataSource

model, bucket, sample = sys.argv[1:]
endpoint = Endpoint.get(endpoint_name="tumours-live")
answer = endpoint.invoke(body=open(sample).read(), content_type="text/csv", accept="text/csv").body.read().decode()
config = EndpointConfig.get(endpoint_config_name=endpoint.endpoint_config_name)
schedule = MonitoringSchedule.get(monitoring_schedule_name="hourly")
job = TransformJob.create(
    transform_job_name="from-the-sdk", model_name=model,
    transform_input=TransformInput(
        data_source=TransformDataSource(s3_data_source=TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/in/")),
        content_type="text/csv", split_type="Line"),
    transform_output=TransformOutput(s3_output_path=f"s3://{bucket}/out", accept="text/csv"),
    transform_resources=TransformResources(instance_type="ml.m5.large", instance_count=1))
job.wait(poll=1, logs=False)
json.dump({
    "status": endpoint.endpoint_status, "answer": answer, "capture": config.data_capture_config.initial_sampling_percentage,
    "schedule": schedule.monitoring_schedule_status, "job": job.refresh().transform_job_status}, sys.stdout)
"""


@pytest.fixture(scope="module")
def python() -> Path:
    return sdk_python()


def test_the_sdk_finds_invokes_and_batch_scores(
    python: Path,
    fogbank_project: ProjectConfig,
    local_cloud: CloudProcess,
    deploy: Callable[..., Deployment],
    tmp_path: Path,
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    sample = fogbank_project.trained / "sample.csv"
    sagemaker = local_cloud.client("sagemaker")
    sagemaker.create_data_quality_job_definition(**definition("hourly", "tumours-live"))
    sagemaker.create_monitoring_schedule(**schedule("hourly", "hourly", ScheduleConfig=HOURLY))
    local_cloud.client("s3").put_object(Bucket=outputs["bucket"], Key="in/a.csv", Body=sample.read_bytes())
    env = {
        **os.environ, "AWS_ENDPOINT_URL": local_cloud.url, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET_KEY, "HOME": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [str(python), "-c", SCRIPT, outputs["model"], outputs["bucket"], str(sample)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout[done.stdout.rindex("{") :])

    assert len(found.pop("answer").splitlines()) == 5
    assert found == {"status": "InService", "capture": 100, "schedule": "Scheduled", "job": "Completed"}
