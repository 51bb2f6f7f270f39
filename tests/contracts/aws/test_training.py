"""Training jobs by plain boto3: a script in a framework's image really trains; what nobody would do is refused.

Source: the SageMaker API reference (CreateTrainingJob), the sagemaker-training toolkit's ENVIRONMENT_VARIABLES.md.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import sklearn
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.waiting import until_answer

RELEASE, _, PATCH = sklearn.__version__.rpartition(".")
IMAGE = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{RELEASE}-{PATCH}-cpu-py3"
TRAIN = """
import argparse, json, os, sys, time, pathlib
import boto3, sklearn
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--fate", default="well")
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
known = parser.parse_args()
rows = [line for file in sorted(pathlib.Path(known.train).rglob("*.csv")) for line in file.read_text().splitlines()]
model = pathlib.Path(known.model_dir, "model.json")
for epoch in range(known.epochs):
    print(f"epoch {epoch} loss={1 / (epoch + 1):.3f};", flush=True)
    model.write_text(json.dumps({"rows": len(rows), "epochs": epoch + 1, "sklearn": sklearn.__version__}))
if known.fate == "bad":
    raise ValueError("the rows are wrong")
if known.fate == "told":
    pathlib.Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text("my own words")
    sys.exit(1)
if known.fate == "slow":
    time.sleep(600)
names = ("SM_HPS", "SM_CHANNELS", "SM_HOSTS", "SM_CURRENT_HOST", "SM_USER_ARGS", "SM_HP_EPOCHS", "TRAINING_JOB_NAME")
who = boto3.client("sts").get_caller_identity()["Arn"]
about = {**{name: os.environ[name] for name in names}, "who": who, "own": os.environ.get("OWN")}
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "about.json").write_text(json.dumps(about))
"""


def archived(**files: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def request(name: str, fate: str = "well", **more: Any) -> dict[str, Any]:
    source = {
        "S3DataSource": {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://{name}/data/",
            "S3DataDistributionType": "FullyReplicated",
        }
    }
    given = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"s3://{name}/code.tar.gz",
        "epochs": 3,
        "fate": fate,
    }
    return {
        "TrainingJobName": f"{name}-{fate}",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}],
        },
        "HyperParameters": {key: json.dumps(value) for key, value in given.items()},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": source, "ContentType": "text/csv"}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{name}/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        "Environment": {"OWN": "yes"},
        **more,
    }  # fmt: skip


@pytest.fixture
def bucket(s3: Any, unique: str) -> str:
    s3.put_object(Bucket=unique, Key="data/a.csv", Body=b"1,2\n3,4\n")
    s3.put_object(Bucket=unique, Key="data/deep/b.csv", Body=b"5,6\n")
    s3.put_object(Bucket=unique, Key="code.tar.gz", Body=archived(**{"train.py": TRAIN}))
    return unique


def trained(cloud: CloudProcess, call: dict[str, Any]) -> dict[str, Any]:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_training_job(**call)
    name = call["TrainingJobName"]
    ended = {"Completed", "Failed", "Stopped"}
    return until_answer(
        lambda: sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in ended,
        seconds=240,
    )


def unpacked(s3: Any, bucket: str, key: str) -> dict[str, bytes]:
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def test_a_script_trains_and_leaves_a_real_artifact(shared_cloud: CloudProcess, s3: Any, bucket: str) -> None:
    job = trained(shared_cloud, request(bucket))
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    name = job["TrainingJobName"]
    model = unpacked(s3, bucket, uri.removeprefix(f"s3://{bucket}/"))
    about = json.loads(unpacked(s3, bucket, f"out/{name}/output/output.tar.gz")["about.json"])
    stages = [stage["Status"] for stage in job["SecondaryStatusTransitions"]]
    log = shared_cloud.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name
    )

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed"), job.get("FailureReason")
    assert uri == f"s3://{bucket}/out/{name}/output/model.tar.gz"
    assert json.loads(model["model.json"]) == {"rows": 3, "epochs": 3, "sklearn": sklearn.__version__}
    assert stages == ["Downloading", "Training", "Uploading", "Completed"]
    assert [(metric["MetricName"], round(metric["Value"], 3)) for metric in job["FinalMetricDataList"]] == [
        ("loss", 0.333)
    ]
    assert json.loads(about["SM_HPS"]) == {"epochs": 3, "fate": "well"}
    assert json.loads(about["SM_USER_ARGS"]) == ["--epochs", "3", "--fate", "well"]
    assert (about["SM_CHANNELS"], about["SM_CURRENT_HOST"], about["SM_HP_EPOCHS"]) == ('["train"]', "algo-1", "3")
    assert (about["TRAINING_JOB_NAME"], about["own"]) == (name, "yes")
    assert ":assumed-role/r/" in about["who"]
    assert next(event["message"] for event in log["events"]) == "epoch 0 loss=1.000;"


@pytest.mark.parametrize(
    ("fate", "words"), [("bad", "ValueError: the rows are wrong"), ("told", "AlgorithmError: my own words")]
)
def test_a_script_that_fails_says_why(shared_cloud: CloudProcess, s3: Any, bucket: str, fate: str, words: str) -> None:
    job = trained(shared_cloud, request(bucket, fate))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert words in job["FailureReason"]
    assert s3.list_objects_v2(Bucket=bucket, Prefix="out/")["KeyCount"] == 0


def test_a_job_is_stopped_by_the_call_and_by_its_limit_with_what_it_has(
    shared_cloud: CloudProcess, s3: Any, bucket: str
) -> None:
    limited = trained(shared_cloud, request(bucket, "slow", StoppingCondition={"MaxRuntimeInSeconds": 25}))
    sagemaker = shared_cloud.client("sagemaker")
    call = {**request(bucket, "slow"), "TrainingJobName": f"{bucket}-stopped"}
    sagemaker.create_training_job(**call)

    def job() -> dict[str, Any]:
        return dict(sagemaker.describe_training_job(TrainingJobName=call["TrainingJobName"]))

    until_answer(job, lambda found: found["SecondaryStatus"] == "Training", seconds=120)
    sagemaker.stop_training_job(TrainingJobName=call["TrainingJobName"])
    stopped = until_answer(job, lambda found: found["TrainingJobStatus"] == "Stopped")

    assert (limited["TrainingJobStatus"], limited["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "model.json" in unpacked(s3, bucket, f"out/{limited['TrainingJobName']}/output/model.tar.gz")
    assert stopped["SecondaryStatus"] == "Stopped"


def test_what_is_no_job_here_is_refused_at_once(shared_cloud: CloudProcess, bucket: str) -> None:
    sagemaker = shared_cloud.client("sagemaker")
    good = request(bucket)
    algorithm = good["AlgorithmSpecification"]
    refused = []
    for more in (
        {
            "AlgorithmSpecification": {
                **algorithm,
                "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
            }
        },
        {"HyperParameters": {"epochs": "3"}},
        {"AlgorithmSpecification": {**algorithm, "TrainingInputMode": "Pipe"}},
        {"ResourceConfig": {**good["ResourceConfig"], "InstanceCount": 2}},
        {"CheckpointConfig": {"S3Uri": f"s3://{bucket}/c"}},
    ):
        with pytest.raises(ClientError) as error:
            sagemaker.create_training_job(**{**good, **more})
        refused.append(error.value.response["Error"]["Code"])
    missing = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/nothing/"}}
    job = trained(shared_cloud, {**good, "InputDataConfig": [{"ChannelName": "train", "DataSource": missing}]})

    assert refused == ["ValidationException"] * 5
    assert "no object lies under" in job["FailureReason"]


def test_what_moto_would_can_is_refused_by_name(shared_cloud: CloudProcess) -> None:
    with pytest.raises(ClientError, match="compilation jobs") as compilation:
        shared_cloud.client("sagemaker").create_compilation_job(
            CompilationJobName="c",
            RoleArn=ROLE,
            OutputConfig={"S3OutputLocation": "s3://b/c"},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )

    assert compilation.value.response["Error"]["Code"] == "NotImplemented"


LINKS = """
import os, sys
base, secret = os.environ["SM_MODEL_DIR"], os.environ["SECRET"]
open(os.path.join(base, "weights"), "w").write("2")
os.symlink("weights", os.path.join(base, "latest"))
if os.environ["HOW"] == "failure":
    os.makedirs(os.environ["SM_OUTPUT_DIR"], exist_ok=True)
    os.symlink(secret, os.path.join(os.environ["SM_OUTPUT_DIR"], "failure"))
    sys.exit(1)
if os.environ["HOW"] == "model":
    os.symlink(secret, os.path.join(base, "taken"))
"""


@pytest.mark.parametrize(("how", "end"), [("model", "Failed"), ("failure", "Failed"), ("inside", "Completed")])
def test_no_link_of_a_script_brings_a_file_of_the_users_out(
    shared_cloud: CloudProcess, s3: Any, bucket: str, tmp_path: Path, how: str, end: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the user's own")
    s3.put_object(Bucket=bucket, Key="code.tar.gz", Body=archived(**{"train.py": LINKS}))
    job = trained(shared_cloud, request(bucket, Environment={"SECRET": str(secret), "HOW": how}))

    assert job["TrainingJobStatus"] == end, job.get("FailureReason")
    assert "own" not in job.get("FailureReason", "")
    assert ("leads out of its folder" in job.get("FailureReason", "")) is (how == "model")
    if end == "Completed":
        model = unpacked(s3, bucket, job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{bucket}/"))
        assert model == {"weights": b"2", "latest": b"2"}
