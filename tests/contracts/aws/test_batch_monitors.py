"""Monitors of what batch transform jobs capture: their input's data quality, their answers' quality by the labels that came."""

from __future__ import annotations

import json
from typing import Any

from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored
from tests.contracts.aws.scripts import ECHO, Scripted
from tests.contracts.aws.test_model_quality import labels
from tests.contracts.aws.test_transform_fields import LINES, run
from tests.unit.cloud.monitoring.requests import ROOT, batch_input, definition, quality_definition, schedule


def test_monitors_of_batch_transform_jobs(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker, s3 = shared_cloud.client("sagemaker"), shared_cloud.client("s3")
    model = Scripted.made(shared_cloud, unique, ECHO)
    model.put(a=b"1,1\n2,0\n", b=b"2.5,1\n")
    limits = [{"name": name, "inferred_type": "Integral", "completeness": 1.0} for name in ("n", "y")]
    s3.put_object(Bucket=unique, Key="base/constraints.json", Body=json.dumps({"features": limits}).encode())
    quality, judged = f"{unique}-q", f"{unique}-j"
    baseline = {"ConstraintsResource": {"S3Uri": f"s3://{unique}/base/constraints.json"}}
    output = {"S3Output": {"S3Uri": f"s3://{unique}/results", "LocalPath": f"{ROOT}/output"}}
    given = definition(
        quality, DataQualityJobInput=batch_input(unique), DataQualityBaselineConfig=baseline,
        DataQualityJobOutputConfig={"MonitoringOutputs": [output]},
    )  # fmt: skip
    sagemaker.create_data_quality_job_definition(**given)
    asked = quality_definition(judged, bucket=unique)
    asked["ModelQualityJobInput"].update(batch_input(unique, InferenceAttribute="1"))
    del asked["ModelQualityJobInput"]["EndpointInput"]
    sagemaker.create_model_quality_job_definition(**asked)
    sagemaker.create_monitoring_schedule(**schedule(quality, quality))
    sagemaker.create_monitoring_schedule(**schedule(judged, judged, MonitoringType="ModelQuality"))
    nothing = shared_cloud.admin.call("run-monitor", name=quality)
    capture = {"DestinationS3Uri": f"s3://{unique}/capture", "GenerateInferenceId": True}
    assert run(model, unique, LINES, "text/csv", DataCaptureConfig=capture)["TransformJobStatus"] == "Completed"
    monitored = Monitored(shared_cloud, unique)
    answers = [line.split(",") for body in model.outputs().values() for line in body.decode().splitlines()]
    labels(monitored, monitored.now(), **{row[-2]: row[1] for row in answers})
    seen = shared_cloud.admin.call("run-monitor", name=quality)
    right = shared_cloud.admin.call("run-monitor", name=judged)

    assert (nothing["MonitoringExecutionStatus"], nothing["FailureReason"]) == ("Failed", "Job inputs had no data")
    assert seen["MonitoringExecutionStatus"] == "CompletedWithViolations", seen.get("FailureReason")
    assert "EndpointName" not in seen
    [violation] = monitored.result("constraint_violations.json")["violations"]
    assert (violation["feature_name"], violation["constraint_check_type"]) == ("n", "data_type_check")
    assert right["MonitoringExecutionStatus"] == "Completed", right.get("FailureReason")
    statistics = results(s3, unique, f"results/{judged}/")["statistics.json"]
    metrics = statistics["binary_classification_metrics"]
    assert metrics["confusion_matrix"] == {"0": {"0": 1, "1": 0}, "1": {"0": 0, "1": 2}}
    merged = s3.list_objects_v2(Bucket=unique, Prefix=f"results/merge/{judged}/")["Contents"]
    assert len(merged) == 2
    points = shared_cloud.client("cloudwatch").list_metrics(Namespace="aws/sagemaker/ModelMonitoring/model-metrics")
    assert [{"Name": "MonitoringSchedule", "Value": judged}] in [item["Dimensions"] for item in points["Metrics"]]


def results(s3: Any, bucket: str, prefix: str) -> dict[str, Any]:
    """The documents below a prefix, by their files' names."""
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    return {
        key.rpartition("/")[2]: json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        for key in keys
        if key.endswith(".json")
    }
