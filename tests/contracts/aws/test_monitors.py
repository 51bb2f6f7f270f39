"""Monitors over real traffic: any text, JSON by name, a bad line, a definition that is gone."""

from __future__ import annotations

from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored

ENDS_OF_LINES = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x00"


def test_any_text_is_captured_and_monitored_and_a_bad_line_is_set_aside(
    shared_cloud: CloudProcess, unique: str
) -> None:
    monitored = Monitored.made(shared_cloud, unique)
    monitored.scheduled(unique)
    for sign in ENDS_OF_LINES:
        monitored.invoke(f'"review{sign}text",1\n'.encode(), "text/csv")
    monitored.captured(moment := monitored.now(), b"plain,1\n")
    shared_cloud.client("s3").put_object(
        Bucket=unique, Key=f"capture/{unique}/v/{moment:%Y/%m/%d/%H}/half.jsonl", Body=b'{"captureData": {"end\n'
    )
    run = shared_cloud.admin.call("run-monitor", name=unique)

    assert run["MonitoringExecutionStatus"] == "Completed", run
    statistics = monitored.result("statistics.json")
    assert statistics["dataset"]["item_count"] == len(ENDS_OF_LINES) + 1
    text = statistics["features"][0]["string_statistics"]
    assert text["common"] == {"num_present": len(ENDS_OF_LINES) + 1, "num_missing": 0}
    assert [item["file"] for item in monitored.result("bad_records.json")["records"]] == ["half.jsonl"]
    job = run["ProcessingJobArn"].rpartition("/")[2]
    message = shared_cloud.client("sagemaker").describe_processing_job(ProcessingJobName=job)["ExitMessage"]
    assert "the first half.jsonl line 1" in message


def test_captured_json_is_put_together_by_name(shared_cloud: CloudProcess, unique: str) -> None:
    monitored = Monitored.made(shared_cloud, unique)
    monitored.scheduled(unique)
    for body in (b'{"a": 1, "b": "x"}', b'{"b": "x", "a": 1}', b'{"a": 1, "z": 2}'):
        monitored.invoke(body, "application/json")
    run = shared_cloud.admin.call("run-monitor", name=unique)

    assert run["MonitoringExecutionStatus"] == "Completed", run
    features = {item["name"]: item for item in monitored.result("constraints.json")["features"]}
    assert {name: (item["inferred_type"], item["completeness"]) for name, item in features.items()} == {
        "a": ("Integral", 1.0),
        "b": ("String", 2 / 3),
        "z": ("Integral", 1 / 3),
    }


def test_a_schedule_whose_definition_is_gone_fails_alone(local_cloud: CloudProcess) -> None:
    monitored = Monitored.made(local_cloud, "bucket")
    for name in ("broken", "whole"):
        monitored.scheduled(name)
    monitored.captured(monitored.now(), b"1\n")
    local_cloud.client("sagemaker").delete_data_quality_job_definition(JobDefinitionName="broken")
    fired = {item["name"]: item["result"] for item in local_cloud.advance(3600)}

    assert fired["monitoring schedule broken"].startswith("Failed (ClientError: Could not find job definition")
    assert fired["monitoring schedule whole"] == "Completed"
    assert len(local_cloud.advance(3600)) == 2  # the clock goes on, and nothing is fired twice
