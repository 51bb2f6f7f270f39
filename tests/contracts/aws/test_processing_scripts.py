"""Processing jobs of scripts, as ScriptProcessor and SKLearnProcessor ask for them, by boto3."""

from __future__ import annotations

import json
from pathlib import Path
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


def run(
    cloud: CloudProcess,
    name: str,
    image: str,
    command: list[str],
    *arguments: str,
    instances: int = 1,
    sharded: str = "",
) -> dict[str, Any]:
    sagemaker = cloud.client("sagemaker")

    def given(part: str) -> dict[str, Any]:
        place = {"S3Uri": f"s3://{name}/{part}/", "LocalPath": f"{ROOT}/input/{part}"}
        kind = "ShardedByS3Key" if part == sharded else "FullyReplicated"
        item = {**place, "S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": kind}
        return {"InputName": part, "S3Input": item}

    output = {"S3Uri": f"s3://{name}/out", "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName=name, RoleArn=ROLE, Environment={"WHAT": "a column"},
        AppSpecification={"ImageUri": image, "ContainerEntrypoint": command, **({"ContainerArguments": list(arguments)} if arguments else {})},
        ProcessingResources={"ClusterConfig": {"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
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


SERVER = """
import json, os, socket, time
config = json.load(open("/opt/ml/config/resourceconfig.json"))
me, hosts = config["current_host"], config["hosts"]
rows = sorted(os.listdir("/opt/ml/processing/input/rows"))
if me == "algo-1":
    with socket.create_server((me, 5005)) as server:
        heard = [server.accept()[0].makefile().read() for _ in hosts[1:]]
    json.dump([rows, *sorted(heard)], open("/opt/ml/processing/output/heard.json", "w"))
else:
    while True:
        try:
            with socket.create_connection(("algo-1", 5005)) as line:
                line.sendall(f"{me} {rows}".encode())
            break
        except OSError:
            time.sleep(0.05)
print("I am", me)
open(f"/opt/ml/processing/output/{me}.txt", "w").write(me)
"""


@pytest.mark.skipif(not mounts(), reason="no mounts of its own for a process here")
def test_hosts_of_three_instances_see_one_another_by_name(shared_cloud: CloudProcess, unique: str, s3: Any) -> None:
    s3.put_object(Bucket=unique, Key="code/hosts.py", Body=SERVER.encode())
    for name in ("a", "b", "c", "d"):
        s3.put_object(Bucket=unique, Key=f"rows/{name}", Body=b"1\n")

    job = run(shared_cloud, unique, "python:3", ["python3", f"{ROOT}/input/code/hosts.py"], instances=3, sharded="rows")

    assert job["ProcessingJobStatus"] == "Completed", job
    told = s3.get_object(Bucket=unique, Key="out/heard.json")["Body"].read()
    assert json.loads(told) == [["a", "d"], "algo-2 ['b']", "algo-3 ['c']"]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=unique, Prefix="out/")["Contents"]]
    assert keys == ["out/algo-1.txt", "out/algo-2.txt", "out/algo-3.txt", "out/heard.json"]
    logs, group = shared_cloud.client("logs"), "/aws/sagemaker/ProcessingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{unique}/")["logStreams"]
    lines = [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]
    assert [stream["logStreamName"].split("/")[1][:6] for stream in streams] == ["algo-1", "algo-2", "algo-3"]
    assert lines == ["I am algo-1", "I am algo-2", "I am algo-3"]


LEAVES = 'mkdir -p "$SAGEMAKER_BASE_DIR/output"; cd "$SAGEMAKER_BASE_DIR/processing/output"; echo in > file; '


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ('ln -s "$1" taken', "Failed"),
        ('mkdir d; ln -s "$(dirname "$1")" d/all; ln -s d/all/secret.txt s', "Failed"),
        ('cd ..; rm -r output; ln -s "$(dirname "$1")" output', "Failed"),
        ('ln -s "$1" "$SAGEMAKER_BASE_DIR/output/message"', "Completed"),
        ("ln -s file beside", "Completed"),
    ],
)
def test_no_link_of_a_jobs_brings_a_file_of_the_users_out(
    shared_cloud: CloudProcess, unique: str, s3: Any, tmp_path: Path, command: str, end: str
) -> None:
    put(s3, unique)
    secret = tmp_path / "secret.txt"
    secret.write_text("the user's own")
    job = run(shared_cloud, unique, "python:3", ["/bin/sh", "-c", LEAVES + command, "sh"], str(secret))
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=unique, Prefix="out/").get("Contents", [])]
    bodies = b"".join(s3.get_object(Bucket=unique, Key=key)["Body"].read() for key in keys)

    assert job["ProcessingJobStatus"] == end, job
    assert ("leads out of its folder" in job.get("FailureReason", "")) is (end == "Failed")
    assert b"own" not in bodies
    assert "own" not in job.get("ExitMessage", "")
    assert ("out/beside" in keys) is command.endswith("beside")
