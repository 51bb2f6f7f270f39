"""Processing jobs of scripts, as ScriptProcessor and SKLearnProcessor ask for them, by boto3."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.jobs.commands import mounts
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.waiting import until_answer

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ROOT = "/opt/ml/processing"
SCRIPT = """
import argparse, os
import pandas as pd
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--column")
parser.add_argument("--out", default="/opt/ml/processing/output")
said = parser.parse_args()
frame = pd.read_csv("/opt/ml/processing/input/rows/rows.csv")
frame[said.column] = StandardScaler().fit_transform(frame[[said.column]])
frame.to_csv(os.path.join(said.out, "scaled.csv"), index=False)
os.makedirs("/opt/ml/output", exist_ok=True)
open("/opt/ml/output/message", "w").write("scaled " + os.environ["WHAT"])
"""


def run(cloud: CloudProcess, name: str, image: str, command: list[str], *arguments: str) -> dict[str, Any]:
    sagemaker = cloud.client("sagemaker")

    def given(part: str) -> dict[str, Any]:
        place = {"S3Uri": f"s3://{name}/{part}/", "LocalPath": f"{ROOT}/input/{part}"}
        return {"InputName": part, "S3Input": {**place, "S3DataType": "S3Prefix", "S3InputMode": "File"}}

    output = {"S3Uri": f"s3://{name}/out", "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName=name, RoleArn=ROLE, Environment={"WHAT": "a column"},
        AppSpecification={"ImageUri": image, "ContainerEntrypoint": command, "ContainerArguments": list(arguments)},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        ProcessingInputs=[given("code"), given("rows")],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": output}]},
    )  # fmt: skip
    return until_answer(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=name),
        lambda job: job["ProcessingJobStatus"] in {"Completed", "Failed", "Stopped"},
        300,
    )


def put(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="code/prepare.py", Body=SCRIPT.encode())
    s3.put_object(Bucket=bucket, Key="rows/rows.csv", Body=b"id,x\n1,1\n2,3\n")


@pytest.mark.skipif(not mounts(), reason="no mounts of its own for a process here")
def test_a_script_of_a_frameworks_image(shared_cloud: CloudProcess, unique: str, s3: Any) -> None:
    put(s3, unique)
    job = run(shared_cloud, unique, SKLEARN, ["python3", f"{ROOT}/input/code/prepare.py"], "--column", "x")

    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"] == "scaled a column"
    assert s3.get_object(Bucket=unique, Key="out/scaled.csv")["Body"].read() == b"id,x\n1,-1.0\n2,1.0\n"


def test_any_program_and_its_end(shared_cloud: CloudProcess, unique: str, s3: Any) -> None:
    put(s3, unique)
    words = [
        "/bin/sh",
        "-c",
        'mkdir -p "$SAGEMAKER_BASE_DIR/output"; printf "%s" "$1" > "$SAGEMAKER_BASE_DIR/output/message"; exit 3',
        "sh",
    ]
    job = run(shared_cloud, unique, "python:3", words, "no luck")

    assert (job["ProcessingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: no luck")
    assert "Contents" not in s3.list_objects_v2(Bucket=unique, Prefix="out/")


def test_a_program_that_is_not_there(shared_cloud: CloudProcess, unique: str, s3: Any) -> None:
    put(s3, unique)
    job = run(shared_cloud, unique, "python:3", ["no-such-program"], "x")

    assert job["FailureReason"] == "AlgorithmError: the container's command cannot be run: no-such-program"
