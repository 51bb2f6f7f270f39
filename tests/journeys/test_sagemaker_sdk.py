"""AWS's own SageMaker SDK as a client, unmodified, in an environment of its own: it needs 132 wheels, and fogbank none of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.cloud.jobs.commands import mounts
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


PROCESSING = """
import sys
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

bucket, script = sys.argv[1:]
processor = ScriptProcessor(
    role="arn:aws:iam::123456789012:role/r", image_uri="python:3", command=["python3"], instance_count=2, instance_type="ml.m5.large")
rows = ProcessingS3Input(
    s3_uri=f"s3://{bucket}/rows/", local_path="/opt/ml/processing/rows", s3_data_type="S3Prefix", s3_input_mode="File",
    s3_data_distribution_type="ShardedByS3Key")
left = ProcessingS3Output(s3_uri=f"s3://{bucket}/out", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob")
processor.run(
    code=script, inputs=[ProcessingInput(input_name="rows", s3_input=rows)],
    outputs=[ProcessingOutput(output_name="left", s3_output=left)], logs=False)
print(processor.latest_job.refresh().processing_job_status)
"""
SHARE = """
import json, os, socket
told = json.load(open("/opt/ml/config/resourceconfig.json"))
socket.getaddrinfo("algo-2", 80)
open(f"/opt/ml/processing/output/{told['current_host']}", "w").write(",".join(sorted(os.listdir("/opt/ml/processing/rows"))))
"""


@pytest.mark.skipif(not mounts(), reason="no mounts of its own for a process here")
def test_a_script_processor_of_the_sdk_has_two_instances(
    python: Path, local_cloud: CloudProcess, tmp_path: Path
) -> None:
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="shares")
    for name in ("a", "b", "c"):
        s3.put_object(Bucket="shares", Key=f"rows/{name}", Body=b"1")
    s3.put_object(Bucket="shares", Key="code/share.py", Body=SHARE.encode())
    env = {
        **os.environ, "AWS_ENDPOINT_URL": local_cloud.url, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET_KEY, "HOME": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [str(python), "-c", PROCESSING, "shares", "s3://shares/code/share.py"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == "Completed"
    found = {
        item["Key"]: s3.get_object(Bucket="shares", Key=item["Key"])["Body"].read()
        for item in s3.list_objects_v2(Bucket="shares", Prefix="out/")["Contents"]
    }
    assert found == {"out/algo-1": b"a,c", "out/algo-2": b"b"}
