"""The AWS API wire: transform jobs, processing jobs and monitoring schedules."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served, code_of
from tests.waiting import until_answer


def test_a_transform_job_scores_every_object_of_a_prefix(served: Served) -> None:
    for key in ("in/a.csv", "in/deep/b.csv"):
        served.s3.put_object(Bucket=served.name, Key=key, Body=served.sample)
    job = served.transform(
        served.name, f"s3://{served.name}/in/", BatchStrategy="SingleRecord", MaxConcurrentTransforms=4
    )

    assert job["TransformJobStatus"] == "Completed"
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    assert served.keys("out/") == ["out/a.csv.out", "out/deep/b.csv.out"]
    out = [served.s3.get_object(Bucket=served.name, Key=key)["Body"].read() for key in served.keys("out/")]
    assert out[0] == out[1]
    assert len(out[0].splitlines()) == 5
    assert code_of(lambda: served.transform(served.name, "s3://b/in"))[0] == "ResourceInUse"
    assert (
        "is in status Completed"
        in code_of(lambda: served.sagemaker.stop_transform_job(TransformJobName=served.name))[1]
    )


def test_a_bad_object_fails_the_job_and_writes_no_output_for_itself(served: Served) -> None:
    served.s3.put_object(Bucket=served.name, Key="in/bad.csv", Body=b"1,2\n")
    served.s3.put_object(Bucket=served.name, Key="in/good.csv", Body=served.sample)
    job = served.transform(served.name, f"s3://{served.name}/in/")

    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(f"ClientError: {served.name}/in/bad.csv: record 1: 400:")
    assert served.keys("out/") == ["out/good.csv.out"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, 'No S3 objects found under S3 URL "s3://b/in/" given in input data source.'),
        ({"DataProcessing": {"JoinSource": "Input"}}, "needs a SplitType and an AssembleWith that are the same"),
        ({"DataProcessing": {"InputFilter": "$..x"}}, "not a supported JSONPath"),
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "must not exceed 100 MB"),
        ({"ModelName": "none"}, "Could not find model"),
        ({"TransformOutput": {"S3OutputPath": "/not/a/uri"}}, "S3OutputPath"),
    ],
)
def test_jobs_that_are_refused(served: Served, change: dict[str, Any], said: str) -> None:
    code, message = code_of(lambda: served.transform(served.name, "s3://b/in/", **change))

    assert code == "ValidationException"
    assert said.lower() in message.lower()


def test_a_job_can_be_stopped(served: Served) -> None:
    served.s3.put_object(
        Bucket=served.name, Key="in/a.csv", Body=served.sample * 20_000
    )  # a request a row: half a minute
    job = served.name
    source = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{served.name}/in/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    served.sagemaker.create_transform_job(
        TransformJobName=job, ModelName=served.name, BatchStrategy="SingleRecord", TransformInput=source,
        TransformOutput={"S3OutputPath": f"s3://{served.name}/out"}, TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )  # fmt: skip
    served.sagemaker.stop_transform_job(TransformJobName=job)
    found = until_answer(
        lambda: served.sagemaker.describe_transform_job(TransformJobName=job),
        lambda d: d["TransformJobStatus"] == "Stopped",
    )

    assert "FailureReason" not in found
    assert served.keys("out/") == []


def test_a_baseline_job_of_the_analyzers_image_really_computes(served: Served, fogbank_project: ProjectConfig) -> None:
    served.s3.put_object(
        Bucket=served.name, Key="train/baseline.csv", Body=(fogbank_project.trained / "baseline.csv").read_bytes()
    )
    root = "/opt/ml/processing"
    served.sagemaker.create_processing_job(
        ProcessingJobName=served.name, RoleArn=ROLE,
        AppSpecification={"ImageUri": "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        Environment={"dataset_format": '{"csv":{"header":true}}', "dataset_source": f"{root}/input/data", "output_path": f"{root}/output"},
        ProcessingInputs=[{"InputName": "i", "S3Input": {
            "S3Uri": f"s3://{served.name}/train/", "LocalPath": f"{root}/input/data", "S3DataType": "S3Prefix", "S3InputMode": "File",
        }}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": {
            "S3Uri": f"s3://{served.name}/base", "LocalPath": f"{root}/output", "S3UploadMode": "EndOfJob",
        }}]},
    )  # fmt: skip
    job = until_answer(
        lambda: served.sagemaker.describe_processing_job(ProcessingJobName=served.name),
        lambda d: d["ProcessingJobStatus"] != "InProgress",
    )

    assert job["ProcessingJobStatus"] == "Completed", job
    assert served.keys("base/") == ["base/constraints.json", "base/statistics.json"]
    ours = load_manifest(fogbank_project.package).statistics_path.read_bytes()
    assert served.s3.get_object(Bucket=served.name, Key="base/statistics.json")["Body"].read() == ours


def test_a_processing_job_of_another_image_says_that_it_cannot_run(served: Served) -> None:
    resources = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}}
    served.sagemaker.create_processing_job(
        ProcessingJobName=served.name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": "python:3"},
        ProcessingResources=resources,
    )
    job = until_answer(
        lambda: served.sagemaker.describe_processing_job(ProcessingJobName=served.name),
        lambda d: d["ProcessingJobStatus"] != "InProgress",
    )

    assert (job["ProcessingJobStatus"], "no container engine for python:3" in job["FailureReason"]) == ("Failed", True)


def test_a_monitor_without_traffic_had_no_data(shared_cloud: CloudProcess, served: Served) -> None:
    sagemaker = served.sagemaker
    output = {"S3Output": {"S3Uri": f"s3://{served.name}/o", "LocalPath": "/opt/ml/processing/output"}}
    sagemaker.create_data_quality_job_definition(
        JobDefinitionName=served.name, RoleArn=ROLE, DataQualityAppSpecification={"ImageUri": "local/fogbank-monitor"},
        DataQualityJobInput={"EndpointInput": {"EndpointName": served.name, "LocalPath": "/opt/ml/processing/input"}},
        DataQualityJobOutputConfig={"MonitoringOutputs": [output]},
        JobResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
    )  # fmt: skip
    schedule = {"MonitoringJobDefinitionName": served.name, "MonitoringType": "DataQuality"}
    sagemaker.create_monitoring_schedule(MonitoringScheduleName=served.name, MonitoringScheduleConfig=schedule)
    run = shared_cloud.admin.call("run-monitor", name=served.name)

    assert run["MonitoringExecutionStatus"] == "Failed"
    assert run["FailureReason"].startswith("Job inputs had no data: endpoint")
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=served.name)
    assert described["MonitoringScheduleStatus"] == "Scheduled"
    assert described["LastMonitoringExecutionSummary"]["FailureReason"] == run["FailureReason"]
    sagemaker.stop_monitoring_schedule(MonitoringScheduleName=served.name)
    assert (
        sagemaker.describe_monitoring_schedule(MonitoringScheduleName=served.name)["MonitoringScheduleStatus"]
        == "Stopped"
    )
    assert (
        sagemaker.list_monitoring_executions(MonitoringScheduleName=served.name)["MonitoringExecutionSummaries"][0][
            "EndpointName"
        ]
        == served.name
    )
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName=served.name)
    assert (
        code_of(lambda: sagemaker.describe_monitoring_schedule(MonitoringScheduleName=served.name))[0]
        == "ResourceNotFound"
    )
