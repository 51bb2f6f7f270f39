"""The analyzer on several instances, by unmodified boto3: the files of one, however the data is spread."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.contracts.monitoring import CSV_FORMAT
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.waiting import until_answer

ROOT = "/opt/ml/processing"
IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"


def started(cloud: CloudProcess, name: str, bucket: str, instances: int, distribution: str) -> None:
    place = {"S3Uri": f"s3://{bucket}/data/", "LocalPath": f"{ROOT}/input", "S3DataType": "S3Prefix"}
    item = {**place, "S3InputMode": "File", "S3DataDistributionType": distribution}
    output = {"S3Uri": f"s3://{bucket}/{name}", "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    cloud.client("sagemaker").create_processing_job(
        ProcessingJobName=name, RoleArn=ROLE, AppSpecification={"ImageUri": IMAGE},
        Environment={"dataset_format": CSV_FORMAT, "dataset_source": f"{ROOT}/input", "output_path": f"{ROOT}/output"},
        ProcessingResources={"ClusterConfig": {"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        ProcessingInputs=[{"InputName": "data", "S3Input": item}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "monitoring_output", "S3Output": output}]},
    )  # fmt: skip


def ended(cloud: CloudProcess, name: str) -> dict[str, Any]:
    sagemaker = cloud.client("sagemaker")
    return until_answer(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=name),
        lambda job: job["ProcessingJobStatus"] in {"Completed", "Failed", "Stopped"},
        300,
    )


def test_a_baseline_of_three_instances_is_that_of_one(shared_cloud: CloudProcess, unique: str, s3: Any) -> None:
    for part in range(4):
        rows = "".join(f"{number % 7},{'xyz'[number % 3]}\n" for number in range(500 * part, 500 * part + 300))
        s3.put_object(Bucket=unique, Key=f"data/{part}.csv", Body=f"a,b\n{rows}1,2,{part}\n".encode())
    asked = {"one": (1, "FullyReplicated"), "all": (3, "FullyReplicated"), "shards": (3, "ShardedByS3Key")}
    for name, (instances, distribution) in asked.items():
        started(shared_cloud, f"{unique}-{name}", unique, instances, distribution)

    jobs = {name: ended(shared_cloud, f"{unique}-{name}") for name in asked}

    assert {name: job["ProcessingJobStatus"] for name, job in jobs.items()} == dict.fromkeys(asked, "Completed"), jobs
    files = {name: written(s3, unique, f"{unique}-{name}/") for name in asked}
    assert files["all"] == files["one"]
    assert files["one"].keys() == files["shards"].keys() == {"statistics.json", "constraints.json", "bad_records.json"}
    assert files["shards"]["constraints.json"] == files["one"]["constraints.json"]
    one, shards = (json.loads(files[name]["statistics.json"]) for name in ("one", "shards"))
    assert shards["features"][1] == one["features"][1]
    number, other = (own["features"][0]["numerical_statistics"] for own in (one, shards))
    for name in ("mean", "std_dev"):  # sums of other parts, in another order
        assert other.pop(name) == pytest.approx(number.pop(name))
    assert other == number
    assert json.loads(files["shards"]["bad_records.json"])["count"] == 4
    assert jobs["shards"]["ExitMessage"].startswith(
        "Completed: Job completed successfully with no violations. Set aside: 4"
    )


def written(s3: Any, bucket: str, prefix: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    keys = [item["Key"] for item in listed]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
