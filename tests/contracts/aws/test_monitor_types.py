"""Schedules of NOW with a definition and scripts of their own, and their alerts, by unmodified boto3."""

from __future__ import annotations

import json

from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored
from tests.unit.cloud.monitoring.requests import CLUSTER, ROLE, ROOT
from tests.waiting import until_answer

SCRIPTS = """
import json, os

def preprocess_handler(record):
    return {"n": record.endpoint_input.data.strip(), "batch": False}

def postprocess_handler():
    place = "/opt/ml/processing/output"
    place = place if os.path.isdir(place) else os.environ["output_path"]
    with open(f"{place}/constraint_violations.json") as found, open(f"{place}/seen.json", "w") as seen:
        json.dump({"violations": len(json.load(found)["violations"])}, seen)
"""
"""As AWS's own sample of a postprocessor, which reads its files below /opt/ml."""
ENDED = {"Completed", "CompletedWithViolations", "Failed", "Stopped"}


def test_a_schedule_of_now_looks_at_its_window_and_its_alert_knows(shared_cloud: CloudProcess, unique: str) -> None:
    monitored, sagemaker = Monitored.made(shared_cloud, unique), shared_cloud.client("sagemaker")
    constraints = {"version": 0.0, "features": [{"name": "n", "inferred_type": "Integral", "completeness": 1.0}]}
    shared_cloud.client("s3").put_object(
        Bucket=unique, Key="base/constraints.json", Body=json.dumps(constraints).encode()
    )
    shared_cloud.client("s3").put_object(Bucket=unique, Key="code/mine.py", Body=SCRIPTS.encode())
    monitored.captured(monitored.now(), b"1.5\n", times=3)
    output = {"S3Output": {"S3Uri": f"s3://{unique}/results", "LocalPath": f"{ROOT}/output"}}
    config = {
        "ScheduleConfig": {
            "ScheduleExpression": "NOW",
            "DataAnalysisStartTime": "-PT1H",
            "DataAnalysisEndTime": "PT1M",
        },
        "MonitoringJobDefinition": {
            "BaselineConfig": {"ConstraintsResource": {"S3Uri": f"s3://{unique}/base/constraints.json"}},
            "MonitoringInputs": [{"EndpointInput": {"EndpointName": unique, "LocalPath": f"{ROOT}/input/endpoint"}}],
            "MonitoringOutputConfig": {"MonitoringOutputs": [output]},
            "MonitoringResources": {"ClusterConfig": CLUSTER},
            "MonitoringAppSpecification": {
                "ImageUri": "local/fogbank-monitor",
                "RecordPreprocessorSourceUri": f"s3://{unique}/code/mine.py",
                "PostAnalyticsProcessorSourceUri": f"s3://{unique}/code/mine.py",
            },
            "RoleArn": ROLE,
        },
    }
    sagemaker.create_monitoring_schedule(MonitoringScheduleName=unique, MonitoringScheduleConfig=config)
    [run] = until_answer(
        lambda: sagemaker.list_monitoring_executions(MonitoringScheduleName=unique)["MonitoringExecutionSummaries"],
        lambda runs: bool(runs) and runs[0]["MonitoringExecutionStatus"] in ENDED,
        120,
    )

    assert run["MonitoringExecutionStatus"] == "CompletedWithViolations", run.get("FailureReason")
    violations = monitored.result("constraint_violations.json")["violations"]
    assert {item["constraint_check_type"] for item in violations} == {"data_type_check", "extra_column_check"}
    assert monitored.result("seen.json") == {"violations": 2}
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=unique)
    assert described["MonitoringScheduleConfig"]["MonitoringJobDefinition"]["RoleArn"] == ROLE
    [alert] = sagemaker.list_monitoring_alerts(MonitoringScheduleName=unique)["MonitoringAlertSummaries"]
    assert alert["AlertStatus"] == "InAlert"
    sagemaker.update_monitoring_alert(
        MonitoringScheduleName=unique,
        MonitoringAlertName=alert["MonitoringAlertName"],
        DatapointsToAlert=2,
        EvaluationPeriod=2,
    )
    history = sagemaker.list_monitoring_alert_history(
        MonitoringScheduleName=unique, SortBy="CreationTime", SortOrder="Ascending"
    )
    assert [entry["AlertStatus"] for entry in history["MonitoringAlertHistory"]] == ["InAlert", "OK"]
