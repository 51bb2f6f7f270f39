"""Explainability monitors, by unmodified boto3: a shadow endpoint is asked and gone, the live one has captured nothing of it."""

from __future__ import annotations

import json

from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored
from tests.unit.cloud.monitoring.requests import definition, schedule
from tests.waiting import until

CONFIG = {
    "headers": ["a", "b"], "dataset_type": "text/csv",
    "methods": {"shap": {"baseline": [[0, 0]]}, "pdp": {"features": ["a"]}},
}  # fmt: skip


def test_a_model_is_explained_by_its_shadow(shared_cloud: CloudProcess, unique: str) -> None:
    monitored, sagemaker, s3 = (
        Monitored.made(shared_cloud, unique),
        shared_cloud.client("sagemaker"),
        shared_cloud.client("s3"),
    )
    before = {
        "explanations": {"kernel_shap": {"label0": {"global_shap_values": {"a": 0.0, "b": 1.0}, "expected_value": 0.0}}}
    }
    for key, document in (("config.json", {**CONFIG, "predictor": {"model_name": unique}}), ("analysis.json", before)):
        s3.put_object(Bucket=unique, Key=f"base/{key}", Body=json.dumps(document).encode())
    request = {
        name.replace("DataQuality", "ModelExplainability"): value for name, value in definition(unique, unique).items()
    }
    request["ModelExplainabilityAppSpecification"] = {
        "ImageUri": "local/fogbank-monitor",
        "ConfigUri": f"s3://{unique}/base/config.json",
    }
    request["ModelExplainabilityBaselineConfig"] = {
        "ConstraintsResource": {"S3Uri": f"s3://{unique}/base/analysis.json"}
    }
    output = {"S3Output": {"S3Uri": f"s3://{unique}/results", "LocalPath": "/opt/ml/processing/output"}}
    request["ModelExplainabilityJobOutputConfig"] = {"MonitoringOutputs": [output]}
    sagemaker.create_model_explainability_job_definition(**request)
    sagemaker.create_monitoring_schedule(**schedule(unique, unique, MonitoringType="ModelExplainability"))
    monitored.captured(monitored.now(), b"3,5\n-1,2\n")
    run = shared_cloud.admin.call("run-monitor", name=unique)

    assert run["MonitoringExecutionStatus"] == "CompletedWithViolations", run.get("FailureReason")
    told = monitored.result("analysis.json")["explanations"]["kernel_shap"]["label0"]
    assert told["global_shap_values"] == {
        "a": 2.0,
        "b": 0.0,
    }  # the model answers with its request: its first cell is the score
    [plot] = monitored.result("analysis.json")["explanations"]["pdp"]
    assert (plot["feature_values"], plot["model_predictions"]) == ([-1.0, 3.0], [[-1.0, 3.0]])
    [violation] = monitored.result("constraint_violations.json")["violations"]
    assert (violation["label"], violation["constraint_check_type"]) == ("label0", "feature_attribution_drift_check")
    until(lambda: not sagemaker.list_endpoints(NameContains="sagemaker-clarify-endpoint")["Endpoints"])
