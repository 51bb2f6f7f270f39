"""The AWS API wire: unmodified boto3 against a real local cloud process."""

from __future__ import annotations

import http.client
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.capture import read_line
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess

ROLE = "arn:aws:iam::123456789012:role/r"


@dataclass(frozen=True)
class Served:
    """A bucket with the reference model, and a Model of it."""

    cloud: CloudProcess
    name: str
    sample: bytes

    @property
    def sagemaker(self) -> Any:
        return self.cloud.client("sagemaker")

    @property
    def s3(self) -> Any:
        return self.cloud.client("s3")

    def invoke(self, body: bytes | None = None, **extra: Any) -> Any:
        runtime = self.cloud.client("sagemaker-runtime")
        return runtime.invoke_endpoint(
            EndpointName=self.name, ContentType="text/csv", Body=self.sample if body is None else body, **extra
        )

    def config(self, suffix: str = "", **extra: Any) -> str:
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": self.name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        name = self.name + suffix
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **extra)
        return name

    def endpoint(self, **extra: Any) -> None:
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.config(**extra))
        self.settled()

    def settled(self) -> dict[str, Any]:
        return until(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda d: d["EndpointStatus"] not in {"Creating", "Updating"},
        )

    def transform(self, job: str, uri: str, **extra: Any) -> dict[str, Any]:
        source = {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        }
        self.sagemaker.create_transform_job(**{
            "TransformJobName": job, "ModelName": self.name, "TransformInput": source,
            "TransformOutput": {"S3OutputPath": f"s3://{self.name}/out", "Accept": "text/csv"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}, **extra,
        })  # fmt: skip
        return until(
            lambda: self.sagemaker.describe_transform_job(TransformJobName=job),
            lambda d: d["TransformJobStatus"] not in {"InProgress", "Stopping"},
        )

    def keys(self, prefix: str) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])]


def until(
    ask: Callable[[], dict[str, Any]], done: Callable[[dict[str, Any]], bool], limit_s: float = 60
) -> dict[str, Any]:
    """Ask again until the answer is as wanted; the real state machine sets the pace."""
    deadline = time.monotonic() + limit_s
    while True:
        found = ask()
        if done(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


@pytest.fixture
def served(shared_cloud: CloudProcess, unique: str, fogbank_project: ProjectConfig) -> Served:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    package = load_manifest(fogbank_project.package)
    s3.put_object(Bucket=unique, Key="m.tar.gz", Body=package.artifact_path.read_bytes())
    container = {
        "Image": "i",
        "ModelDataUrl": f"s3://{unique}/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    shared_cloud.client("sagemaker").create_model(ModelName=unique, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return Served(shared_cloud, unique, (fogbank_project.trained / "sample.csv").read_bytes())


def code_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_an_endpoint_comes_up_answers_and_goes(served: Served) -> None:
    served.endpoint()
    described = served.sagemaker.describe_endpoint(EndpointName=served.name)
    answer = served.invoke(Accept="application/json", CustomAttributes="c", InferenceId="i")

    assert described["EndpointStatus"] == "InService"
    assert described["EndpointArn"] == f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{served.name}"
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    assert len(json.loads(answer["Body"].read())) == 5
    assert [e["EndpointName"] for e in served.sagemaker.list_endpoints(NameContains=served.name)["Endpoints"]] == [
        served.name
    ]

    served.sagemaker.delete_endpoint(EndpointName=served.name)
    served.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=served.name, WaiterConfig={"Delay": 1, "MaxAttempts": 5}
    )
    assert code_of(served.invoke) == ("ValidationError", f"Endpoint {served.name} of account 123456789012 not found.")


def test_names_that_exist_and_names_that_do_not(served: Served) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012"
    container = {"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"}
    config = served.config()

    assert code_of(lambda: served.sagemaker.create_model(ModelName=served.name, ExecutionRoleArn=ROLE, PrimaryContainer=container)) == (
        "ValidationException", f'Cannot create already existing model "{arn}:model/{served.name}".',
    )  # fmt: skip
    assert "already existing endpoint configuration" in code_of(served.config)[1]
    assert code_of(lambda: served.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="none")) == (
        "ValidationException", f'Could not find endpoint configuration "{arn}:endpoint-config/none".',
    )  # fmt: skip
    assert "Could not find model" in code_of(lambda: served.sagemaker.describe_model(ModelName="none"))[1]
    assert (
        "satisfy regular expression pattern"
        in code_of(lambda: served.sagemaker.describe_model(ModelName="no_underscores"))[1]
    )
    assert (
        served.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]
        == served.name
    )


def test_a_bad_body_is_a_model_error_with_the_containers_words(served: Served) -> None:
    served.endpoint()
    with pytest.raises(ClientError) as caught:
        served.invoke(served.sample.replace(b",", b",x", 1))

    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert "row 1, column 'mean_texture'" in response["OriginalMessage"]
    assert 'Received client error (400) from primary with message "' in response["Error"]["Message"]
    assert "Variant none" in code_of(lambda: served.invoke(TargetVariant="none"))[1]
    assert "refused, not ignored" in code_of(lambda: served.invoke(TargetModel="m.tar.gz"))[1]


def test_an_update_moves_and_a_bad_one_stays_with_the_reason(served: Served) -> None:
    served.endpoint()
    served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=served.config("-2"))
    assert served.settled()["EndpointConfigName"] == f"{served.name}-2"
    container = {
        "Image": "i",
        "ModelDataUrl": f"s3://{served.name}/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "none.py"},
    }
    served.sagemaker.create_model(ModelName=f"{served.name}-bad", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {
        "VariantName": "v",
        "ModelName": f"{served.name}-bad",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    served.sagemaker.create_endpoint_config(EndpointConfigName=f"{served.name}-bad", ProductionVariants=[variant])
    served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=f"{served.name}-bad")
    found = served.settled()

    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{served.name}-2")
    assert "no handler at code/none.py" in found["FailureReason"]
    assert len(served.invoke(Accept="text/csv")["Body"].read().splitlines()) == 5


def test_while_an_update_runs_the_old_fleet_answers_and_a_second_update_waits(served: Served, tmp_path: Path) -> None:
    """The new model loads when the test says so."""
    served.endpoint()
    go = tmp_path / "go"
    code = f"import os, time\ndef model_fn(d):\n    while not os.path.exists({str(go)!r}):\n        time.sleep(0.01)\ndef predict_fn(x, m):\n    return [[9]]\n"
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": code.encode()})
    served.s3.put_object(Bucket=served.name, Key="slow.tar.gz", Body=archive.getvalue())
    container = {"Image": "i", "ModelDataUrl": f"s3://{served.name}/slow.tar.gz"}
    served.sagemaker.create_model(ModelName=f"{served.name}-slow", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {
        "VariantName": "v",
        "ModelName": f"{served.name}-slow",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    served.sagemaker.create_endpoint_config(EndpointConfigName=f"{served.name}-slow", ProductionVariants=[variant])
    served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=f"{served.name}-slow")

    updating = served.sagemaker.describe_endpoint(EndpointName=served.name)
    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", served.name)
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == f"{served.name}-slow"
    assert len(served.invoke(Accept="text/csv")["Body"].read().splitlines()) == 5
    assert (
        "in-progress"
        in code_of(
            lambda: served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=f"{served.name}-slow")
        )[1]
    )
    assert "in-progress" in code_of(lambda: served.sagemaker.delete_endpoint(EndpointName=served.name))[1]

    go.touch()
    assert served.settled()["EndpointConfigName"] == f"{served.name}-slow"
    assert served.invoke(Accept="text/csv")["Body"].read() == b"9\n"


def test_a_broken_archive_fails_with_its_cause(served: Served) -> None:
    served.s3.put_object(Bucket=served.name, Key="m.tar.gz", Body=b"not a tar")
    served.endpoint()

    found = served.sagemaker.describe_endpoint(EndpointName=served.name)
    assert found["EndpointStatus"] == "Failed"
    assert "not a gzip tar archive" in found["FailureReason"]
    assert "is not InService (it is Failed)" in code_of(served.invoke)[1]


def test_what_the_data_plane_lacks_is_refused_and_what_nobody_has_is_a_501(served: Served) -> None:
    async_config = {"OutputConfig": {"S3OutputPath": "s3://b/o"}}
    assert (
        "does not have AsyncInferenceConfig yet" in code_of(lambda: served.config(AsyncInferenceConfig=async_config))[1]
    )
    container = {"Image": "i", "ModelDataUrl": "s3://b/m", "Mode": "MultiModel"}
    many = partial(served.sagemaker.create_model, ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    assert "does not have multi-model containers" in code_of(many)[1]
    rolling = {
        "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}
    }
    update = partial(
        served.sagemaker.update_endpoint, EndpointName="e", EndpointConfigName="c", DeploymentConfig=rolling
    )
    assert "does not have DeploymentConfig yet; it is refused, not ignored" in code_of(update)[1]
    code, said = code_of(lambda: served.sagemaker.describe_device_fleet(DeviceFleetName="f"))
    assert (code, "sagemaker:DescribeDeviceFleet" in said) == ("NotImplemented", True)
    stream = served.cloud.client("sagemaker-runtime").invoke_endpoint_with_response_stream
    assert code_of(lambda: stream(EndpointName=served.name, Body=b"x"))[0] == "NotImplemented"


def test_capture_is_sampled_encoded_and_delivered(served: Served) -> None:
    capture = {
        "EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": f"s3://{served.name}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}], "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }  # fmt: skip
    served.endpoint(DataCaptureConfig=capture)
    served.invoke(Accept="text/csv", InferenceId="mine")
    served.invoke(Accept="application/json")
    served.cloud.admin.call("flush")

    described = served.sagemaker.describe_endpoint(EndpointName=served.name)["DataCaptureConfig"]
    assert (described["CaptureStatus"], described["CurrentSamplingPercentage"]) == ("Started", 100)
    keys = served.keys(f"capture/{served.name}/AllTraffic/")
    lines = [
        line
        for key in keys
        for line in served.s3.get_object(Bucket=served.name, Key=key)["Body"].read().decode().splitlines()
    ]
    first, second = sorted((read_line(line) for line in lines), key=lambda r: r.inference_id is None)
    assert first.inference_id == "mine"
    assert first.input is not None
    assert first.input.data.encode() == served.sample
    assert first.output is not None
    assert first.output.encoding == "CSV"
    assert second.output is not None
    assert second.output.encoding == "BASE64"


def test_invocations_are_counted_in_cloudwatch(served: Served) -> None:
    served.endpoint()
    for _ in range(3):
        served.invoke()
    with pytest.raises(ClientError):
        served.invoke(b"1")
    query = {
        "Namespace": "AWS/SageMaker",
        "StartTime": time.time() - 600,
        "EndTime": time.time() + 86400 * 30,
        "Period": 86400 * 60,
    }
    dimensions = [{"Name": "EndpointName", "Value": served.name}, {"Name": "VariantName", "Value": "AllTraffic"}]

    def total(metric: str) -> float:
        points = served.cloud.client("cloudwatch").get_metric_statistics(
            **query, MetricName=metric, Dimensions=dimensions, Statistics=["Sum"]
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    assert (total("Invocations"), total("Invocation4XXErrors"), total("Invocation5XXErrors")) == (4.0, 1.0, 0.0)
    assert 100 < total("ModelLatency") < 4e6


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
    assert job["FailureReason"].startswith(f"ClientError: {served.name}/in/bad.csv: 400:")
    assert served.keys("out/") == ["out/good.csv.out"]


@pytest.mark.parametrize(
    ("uri", "said"),
    [("s3://{name}/empty/", "there is nothing to transform"), ("s3://no-such-bucket-{name}/in/", "NoSuchBucket")],
)
def test_no_data_and_no_bucket_fail_with_the_reason(served: Served, uri: str, said: str) -> None:
    job = served.transform(served.name, uri.format(name=served.name))

    assert (job["TransformJobStatus"], said in job["FailureReason"]) == ("Failed", True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"DataProcessing": {"JoinSource": "Input"}}, "does not have DataProcessing"),
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
    served.s3.put_object(Bucket=served.name, Key="in/a.csv", Body=served.sample * 200)
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
    found = until(
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
    job = until(
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
    job = until(
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

    assert (run["MonitoringExecutionStatus"], run["FailureReason"]) == ("Failed", "Job inputs had no data")
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=served.name)
    assert described["MonitoringScheduleStatus"] == "Scheduled"
    assert described["LastMonitoringExecutionSummary"]["FailureReason"] == "Job inputs had no data"
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


def test_two_variants_share_the_traffic_by_weight(served: Served) -> None:
    variants = [
        {
            "VariantName": name,
            "ModelName": served.name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for name, weight in (("a", 1.0), ("b", 0.0))
    ]
    served.sagemaker.create_endpoint_config(EndpointConfigName=served.name, ProductionVariants=variants)
    served.sagemaker.create_endpoint(EndpointName=served.name, EndpointConfigName=served.name)
    served.settled()

    assert {served.invoke()["InvokedProductionVariant"] for _ in range(20)} == {"a"}
    assert served.invoke(TargetVariant="b")["InvokedProductionVariant"] == "b"
    served.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=served.name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0},
            {"VariantName": "b", "DesiredWeight": 2},
        ],
    )
    assert {served.invoke()["InvokedProductionVariant"] for _ in range(20)} == {"b"}


def test_models_services_of_moto_are_behind_the_same_port(shared_cloud: CloudProcess, unique: str) -> None:
    sqs = shared_cloud.client("sqs", "eu-west-1")
    queue = sqs.create_queue(QueueName=unique)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")

    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    assert "NoSuchBucket" in code_of(lambda: shared_cloud.client("s3").list_objects_v2(Bucket=f"none-{unique}"))[0]


def test_tags_of_ours_and_of_motos(served: Served) -> None:
    arn = served.sagemaker.describe_model(ModelName=served.name)["ModelArn"]
    served.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    served.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    group = served.sagemaker.create_model_package_group(
        ModelPackageGroupName=served.name, Tags=[{"Key": "g", "Value": "3"}]
    )

    assert served.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert served.sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"] == [{"Key": "g", "Value": "3"}]


def test_metadata_keys_keep_their_underscores(shared_cloud: CloudProcess, unique: str) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="ü/k", Body=b"x", Metadata={"my_key": "v", "other-key": "w"})

    assert s3.head_object(Bucket=unique, Key="ü/k")["Metadata"] == {"my_key": "v", "other-key": "w"}


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_foreign_hosts_and_origins_are_refused(shared_cloud: CloudProcess, header: dict[str, str]) -> None:
    port = shared_cloud.address.port
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_fogbank/status", headers={"Host": f"127.0.0.1:{port}", **header})
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.status == 403


def test_everything_is_there_after_kill_9(local_cloud: CloudProcess, tmp_path: Path) -> None:
    s3, iam = local_cloud.client("s3"), local_cloud.client("iam")
    s3.create_bucket(Bucket="kept")
    for i in range(20):
        s3.put_object(Bucket="kept", Key=f"k{i % 7}", Body=bytes([i]) * 1000, Metadata={"n": str(i)})
    s3.delete_object(Bucket="kept", Key="k0")
    s3.copy_object(Bucket="kept", Key="copy", CopySource="kept/k1")
    s3.put_object(Bucket="kept", Key="k1", Body=b"later")
    upload = s3.create_multipart_upload(Bucket="kept", Key="big")["UploadId"]
    part = s3.upload_part(Bucket="kept", Key="big", UploadId=upload, PartNumber=1, Body=b"b" * 100)["ETag"]
    s3.complete_multipart_upload(
        Bucket="kept", Key="big", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    scheduler = local_cloud.client("scheduler")
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob", "RoleArn": ROLE}
    scheduler.create_schedule(
        Name="kept", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    created = scheduler.get_schedule(Name="kept")["CreationDate"]
    role = iam.create_role(RoleName="kept", AssumeRolePolicyDocument="{}")["Role"]["RoleId"]
    queue = local_cloud.client("sqs").create_queue(QueueName="kept")["QueueUrl"]

    def picture(cloud: CloudProcess) -> dict[str, Any]:
        client = cloud.client("s3")
        listed = {
            item["Key"]: (item["ETag"], item["LastModified"])
            for item in client.list_objects_v2(Bucket="kept")["Contents"]
        }
        bodies = {key: client.get_object(Bucket="kept", Key=key) for key in listed}
        return {key: (listed[key], found["Body"].read(), found["Metadata"]) for key, found in bodies.items()}

    before = picture(local_cloud)
    local_cloud.kill()
    local_cloud.start()
    after = picture(local_cloud)

    assert before.keys() == after.keys()
    assert before["big"][0][0] == after["big"][0][0]
    for key in before.keys() - {"big"}:
        assert (before[key][0][0], before[key][1:]) == (after[key][0][0], after[key][1:])
        assert key == "copy" or abs((before[key][0][1] - after[key][0][1]).total_seconds()) <= 1
    assert (after["copy"][1], after["k1"][1], after["big"][1]) == (bytes([15]) * 1000, b"later", b"b" * 100)
    assert local_cloud.client("iam").get_role(RoleName="kept")["Role"]["RoleId"] == role
    again = local_cloud.client("scheduler").get_schedule(Name="kept")["CreationDate"]
    assert abs((again - created).total_seconds()) <= 1
    assert local_cloud.client("sqs").list_queues()["QueueUrls"][0].rpartition("/")[2] == queue.rpartition("/")[2]
