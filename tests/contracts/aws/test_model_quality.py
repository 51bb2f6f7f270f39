"""Model quality monitors over captured answers and labels in S3, by unmodified boto3."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored
from tests.contracts.aws.served import code_of
from tests.unit.cloud.monitoring.requests import quality_definition, schedule


def answers(monitored: Monitored, moment: datetime, *rows: tuple[str, str]) -> None:
    """Captured answers by their inference ids."""
    lines = [
        CaptureRecord(
            event_id=f"event-{name}",
            inference_id=name,
            time=moment,
            output=captured(body.encode(), "text/csv", "OUTPUT", ["text/csv"], []),
        ).line()
        for name, body in rows
    ]
    monitored.put(moment, "".join(line + "\n" for line in lines).encode())


def labels(monitored: Monitored, moment: datetime, **truth: str) -> None:
    """Labels as an application uploads them: in the folder of the hour at which it does."""
    lines = [
        json.dumps(
            {
                "groundTruthData": {"data": data, "encoding": "CSV"},
                "eventMetadata": {"eventId": name},
                "eventVersion": "0",
            }
        )
        for name, data in truth.items()
    ]
    monitored.cloud.client("s3").put_object(
        Bucket=monitored.name, Key=f"truth/{moment:%Y/%m/%d/%H}/{moment:%M%S}.jsonl", Body="\n".join(lines).encode()
    )


def constrained(monitored: Monitored, **limits: dict[str, Any]) -> dict[str, Any]:
    """A baseline configuration of thresholds."""
    body = json.dumps({"version": 0.0, "binary_classification_constraints": limits}).encode()
    monitored.cloud.client("s3").put_object(Bucket=monitored.name, Key="base/constraints.json", Body=body)
    return {"ConstraintsResource": {"S3Uri": f"s3://{monitored.name}/base/constraints.json"}}


def test_answers_are_judged_by_the_labels_that_came(shared_cloud: CloudProcess, unique: str) -> None:
    monitored, sagemaker = Monitored.made(shared_cloud, unique), shared_cloud.client("sagemaker")
    baseline = constrained(monitored, accuracy={"threshold": 0.9, "comparison_operator": "LessThanThreshold"})
    sagemaker.create_model_quality_job_definition(
        **quality_definition(unique, unique, unique), ModelQualityBaselineConfig=baseline
    )
    sagemaker.create_monitoring_schedule(**schedule(unique, unique, MonitoringType="ModelQuality"))
    scripted_monitor(monitored, f"{unique}-scripted")
    moment = monitored.now()
    answers(monitored, moment, ("a", "1,0.9"), ("b", "0,0.4"), ("c", "1,0.6"), ("d", "1,0.7"))
    without = shared_cloud.admin.call("run-monitor", name=unique)
    labels(monitored, moment, a="1", b="0", c="0")
    run = shared_cloud.admin.call("run-monitor", name=unique)  # what had no label is looked at again

    assert without["MonitoringExecutionStatus"] == "Failed"
    assert "there is no ground truth" in without["FailureReason"]
    assert run["MonitoringExecutionStatus"] == "CompletedWithViolations", run
    [violation] = monitored.result("constraint_violations.json")["violations"]
    assert violation == {
        "constraint_check_type": "LessThanThreshold", "metric_name": "accuracy",
        "description": f"Metric accuracy with {2 / 3} was LessThanThreshold '0.9'",
    }  # fmt: skip
    metrics = monitored.result("statistics.json")["binary_classification_metrics"]
    assert metrics["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 0, "1": 1}}
    assert monitored.result("merge_report.json")["without_label"] == 1
    jobs = sagemaker.list_processing_jobs(NameContains="groundtruth-merge")["ProcessingJobSummaries"]
    assert any(job["ProcessingJobStatus"] == "Completed" for job in jobs)
    point = shared_cloud.client("cloudwatch").get_metric_statistics(
        Namespace="aws/sagemaker/Endpoints/model-metrics", MetricName="accuracy", Period=3600, Statistics=["Average"],
        Dimensions=[{"Name": "Endpoint", "Value": unique}, {"Name": "MonitoringSchedule", "Value": unique}],
        StartTime=moment - timedelta(days=1), EndTime=moment + timedelta(days=1),
    )["Datapoints"]  # fmt: skip
    assert [round(each["Average"], 6) for each in point] == [round(2 / 3, 6)]

    scripted = shared_cloud.admin.call("run-monitor", name=f"{unique}-scripted")
    assert scripted["MonitoringExecutionStatus"] == "Completed", scripted["FailureReason"]
    judged = monitored.result("statistics.json", f"results/{unique}/{unique}-scripted/")
    assert judged["binary_classification_metrics"]["accuracy"]["value"] == 1.0


def scripted_monitor(monitored: Monitored, name: str) -> None:
    """One of the same endpoint, whose script knows better than the answers do."""
    cloud = monitored.cloud
    text = b"def preprocess_handler(record): return {'guess': record.ground_truth.data, 'score': record.endpoint_output.data[2:]}"
    cloud.client("s3").put_object(Bucket=monitored.name, Key="code/mine.py", Body=text)
    request = quality_definition(
        name, monitored.name, monitored.name, InferenceAttribute="guess", ProbabilityAttribute="score"
    )
    request["ModelQualityAppSpecification"]["RecordPreprocessorSourceUri"] = f"s3://{monitored.name}/code/mine.py"
    cloud.client("sagemaker").create_model_quality_job_definition(**request)
    cloud.client("sagemaker").create_monitoring_schedule(**schedule(name, name, MonitoringType="ModelQuality"))


def test_what_a_definition_lacks_is_refused(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker = shared_cloud.client("sagemaker")
    request = quality_definition(unique, unique, StartTimeOffset="Pyesterday")

    code, message = code_of(lambda: sagemaker.create_model_quality_job_definition(**request))

    assert code == "ValidationException"
    assert "is no time offset" in message
