"""Bias monitors and Clarify's processing jobs, by unmodified boto3."""

from __future__ import annotations

import json
from typing import Any

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored
from tests.contracts.aws.test_model_quality import labels
from tests.unit.cloud.monitoring.requests import CLUSTER, ROLE, ROOT, quality_definition, schedule
from tests.waiting import until_answer

CONFIG: dict[str, Any] = {
    "dataset_type": "text/csv", "headers": ["sex", "y"], "label": "y", "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
}  # fmt: skip


def test_a_bias_monitor_is_held_to_its_baseline(shared_cloud: CloudProcess, unique: str) -> None:
    monitored, sagemaker, s3 = (
        Monitored.made(shared_cloud, unique),
        shared_cloud.client("sagemaker"),
        shared_cloud.client("s3"),
    )
    fair = {"label": "y", "facets": {"sex": [{"value_or_threshold": "f", "metrics": [{"name": "DPPL", "value": 0.1}]}]}}
    for key, document in (
        ("config.json", CONFIG),
        ("analysis.json", {"version": "1.0", "post_training_bias_metrics": fair}),
    ):
        s3.put_object(Bucket=unique, Key=f"base/{key}", Body=json.dumps(document).encode())
    request = quality_definition(unique, unique, unique)
    request = {name.replace("ModelQuality", "ModelBias"): value for name, value in request.items()}
    request["ModelBiasAppSpecification"] = {
        "ImageUri": "local/fogbank-monitor",
        "ConfigUri": f"s3://{unique}/base/config.json",
    }
    request["ModelBiasBaselineConfig"] = {"ConstraintsResource": {"S3Uri": f"s3://{unique}/base/analysis.json"}}
    sagemaker.create_model_bias_job_definition(**request)
    sagemaker.create_monitoring_schedule(**schedule(unique, unique, MonitoringType="ModelBias"))
    moment, rows = monitored.now(), {"a": ("m", "1,0.9"), "b": ("m", "1,0.8"), "c": ("f", "0,0.1"), "d": ("f", "1,0.7")}
    lines = [
        CaptureRecord(
            event_id=name, time=moment,
            input=captured(sex.encode(), "text/csv", "INPUT", ["text/csv"], []),
            output=captured(answer.encode(), "text/csv", "OUTPUT", ["text/csv"], []),
        ).line()
        for name, (sex, answer) in rows.items()
    ]  # fmt: skip
    monitored.put(moment, ("\n".join(lines) + "\n").encode())
    labels(monitored, moment, a="1", b="0", c="0", d="1")
    run = shared_cloud.admin.call("run-monitor", name=unique)

    assert run["MonitoringExecutionStatus"] == "CompletedWithViolations", run.get("FailureReason")
    [violation] = monitored.result("constraint_violations.json")["violations"]
    assert (violation["metric_name"], violation["facet"], violation["facet_value"]) == ("DPPL", "sex", "f")
    [facet] = monitored.result("analysis.json")["post_training_bias_metrics"]["facets"]["sex"]
    assert {item["name"]: item["value"] for item in facet["metrics"]}["DI"] == 0.5


def test_a_clarify_job_writes_its_analysis(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker, s3 = shared_cloud.client("sagemaker"), shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    config = {**CONFIG, "methods": {"pre_training_bias": {"methods": "all"}}}
    s3.put_object(Bucket=unique, Key="config/analysis_config.json", Body=json.dumps(config).encode())
    s3.put_object(Bucket=unique, Key="data/d.csv", Body=b"m,1\nm,0\nf,1\n")
    places = (("analysis_config", "config/analysis_config.json", "config"), ("dataset", "data", "data"))
    inputs = [
        {"InputName": name, "S3Input": {
            "S3Uri": f"s3://{unique}/{uri}", "LocalPath": f"{ROOT}/input/{place}", "S3DataType": "S3Prefix", "S3InputMode": "File",
        }}
        for name, uri, place in places
    ]  # fmt: skip
    output = {"S3Uri": f"s3://{unique}/out", "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName=unique,
        AppSpecification={"ImageUri": "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"},
        ProcessingInputs=inputs,
        ProcessingOutputConfig={"Outputs": [{"OutputName": "analysis_result", "S3Output": output}]},
        ProcessingResources={"ClusterConfig": CLUSTER},
        RoleArn=ROLE,
    )
    job = until_answer(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=unique),
        lambda found: found["ProcessingJobStatus"] in {"Completed", "Failed"},
        120,
    )

    assert job["ProcessingJobStatus"] == "Completed", job
    document = json.loads(s3.get_object(Bucket=unique, Key="out/analysis.json")["Body"].read())
    [facet] = document["pre_training_bias_metrics"]["facets"]["sex"]
    assert {item["name"]: item["value"] for item in facet["metrics"]}["DPL"] == -0.5
