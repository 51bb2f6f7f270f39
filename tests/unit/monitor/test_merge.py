"""Ground truth, merged by inference id and judged: late, missing and duplicate labels; regression, and classes with probabilities."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.quality import MERGE_FORMAT
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.tasks import task
from tests.unit.monitor.traffic import NOON

WINDOW = {"start_time": "2026-04-18T12:00:00Z", "end_time": "2026-04-18T13:00:00Z"}


def put(folder: Path, *lines: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.jsonl").write_text("\n".join(lines) + "\n")


def answer(event: str, body: str, inference: str | None = None, minutes: int = 5, kind: str = "text/csv") -> str:
    side = captured(body.encode(), kind, "OUTPUT", ["text/csv"], ["application/json"])
    at = NOON + timedelta(minutes=minutes)
    return CaptureRecord(event_id=event, inference_id=inference, time=at, output=side).line()


def label(event: str, data: str) -> str:
    return json.dumps(
        {"groundTruthData": {"data": data, "encoding": "CSV"}, "eventMetadata": {"eventId": event}, "eventVersion": "0"}
    )


def merged(folder: Path, **env: str) -> dict[str, Any]:
    asked = {
        "dataset_source": str(folder / "in"), "ground_truth_source": str(folder / "truth"), "output_path": str(folder / "merged"),
        "SAGEMAKER_BASE_DIR": str(folder / "ml"), **WINDOW, **env,
    }  # fmt: skip
    task(asked)()
    document: dict[str, Any] = json.loads((folder / "merged" / "merge_report.json").read_text())
    return document


def judged(folder: Path, problem: str, **env: str) -> tuple[str, dict[str, Any]]:
    asked = {
        "analysis_type": "MODEL_QUALITY", "dataset_format": MERGE_FORMAT, "dataset_source": str(folder / "merged"),
        "output_path": str(folder / "out"), "SAGEMAKER_BASE_DIR": str(folder / "ml"), "problem_type": problem,
        "publish_cloudwatch_metrics": "Enabled", "sagemaker_endpoint_name": "ep", "sagemaker_monitoring_schedule_name": "s", **WINDOW, **env,
    }  # fmt: skip
    message = task(asked)()
    document: dict[str, Any] = json.loads((folder / "out" / "statistics.json").read_text())
    return message, document


def test_labels_find_their_records(tmp_path: Path) -> None:
    put(
        tmp_path / "in/ep/v/2026/04/18/12",
        answer("a", "1,0.9\n"), answer("b", "0,0.2\n", "mine"), answer("c", "0,0.1\n"), answer("d", "1,0.8\n", minutes=70), "{half",
    )  # fmt: skip
    put(tmp_path / "truth/2026/04/18/12", label("a", "0"), label("mine", "0"), label("b", "1"), "{}")
    put(tmp_path / "truth/2026/04/18/15", label("a", "1"))  # late, and the newest of two

    report = merged(tmp_path)

    bad = report.pop("set_aside")
    assert report == {
        "records": 3, "merged": 2, "without_label": 1, "labels": 3, "labels_without_record": 1, "duplicate_labels": 1,
    }  # fmt: skip
    assert [(item["file"], item["line"]) for item in bad["records"]] == [("x.jsonl", 4), ("x.jsonl", 5)]
    [file] = (tmp_path / "merged/ep/v/2026/04/18/12").iterdir()
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["eventMetadata"]["eventId"], first["groundTruthData"]) == ("a", {"data": "1", "encoding": "CSV"})
    assert second["eventMetadata"]["inferenceId"] == "mine"

    message, document = judged(tmp_path, "BinaryClassification", inference_attribute="0", probability_attribute="1")
    assert message == "Completed: Job completed successfully with no violations."
    assert document["dataset"] == {"item_count": 2}
    assert document["binary_classification_metrics"]["auc"]["value"] == 1.0
    promised = json.loads((tmp_path / "out" / "estimate.json").read_text())
    assert (promised["rows"], promised["metrics"]["accuracy"]["realised"], promised["metrics"]["accuracy"]["held"]) == (
        2,
        1.0,
        True,
    )
    lines = (tmp_path / "ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    assert first["Namespace"] == "aws/sagemaker/Endpoints/model-metrics"
    assert first["Dimensions"] == [{"Name": "Endpoint", "Value": "ep"}, {"Name": "MonitoringSchedule", "Value": "s"}]


def test_probabilities_alone_are_cut_at_the_threshold(tmp_path: Path) -> None:
    put(
        tmp_path / "merged/ep",
        *(line for event, body in (("a", "0.7"), ("b", "0.5")) for line in [with_label(event, body, "1")]),
    )

    _, document = judged(
        tmp_path, "BinaryClassification", probability_attribute="0", probability_threshold_attribute="0.6"
    )

    assert document["binary_classification_metrics"]["confusion_matrix"]["1"] == {"0": 1, "1": 1}


def with_label(event: str, body: str, truth: str, kind: str = "text/csv") -> str:
    document = json.loads(answer(event, body, kind=kind))
    document["groundTruthData"] = {"data": truth, "encoding": "CSV"}
    return json.dumps(document)


def test_a_worse_metric_is_a_violation_in_sagemakers_words(tmp_path: Path) -> None:
    put(
        tmp_path / "merged",
        with_label("a", '{"p": [{"y": 2}]}', "1", "application/json"),
        with_label("b", '{"p": [{"y": 1}]}', "1.0", "application/json"),
    )
    limits = {
        "mae": {"threshold": 0.25, "comparison_operator": "GreaterThanThreshold"},
        "mse": {"threshold": 0.5, "comparison_operator": "GreaterThanThreshold"},
    }
    (tmp_path / "constraints.json").write_text(json.dumps({"version": 0.0, "regression_constraints": limits}))

    message, document = judged(
        tmp_path, "Regression", inference_attribute="$.p[0].y", baseline_constraints=str(tmp_path / "constraints.json")
    )

    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert json.loads((tmp_path / "out" / "constraint_violations.json").read_text())["violations"] == [{
        "constraint_check_type": "GreaterThanThreshold", "metric_name": "mae", "description": "Metric mae with 0.5 was GreaterThanThreshold '0.25'",
    }]  # fmt: skip
    assert document["regression_metrics"]["r2"]["value"] == 0.0


def test_a_baseline_of_names_suggests_its_own_values(tmp_path: Path) -> None:
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "d.csv").write_text("y,guess\ncat,cat\ndog,cat\n,cat\n")
    _, document = judged(
        tmp_path,
        "MulticlassClassification",
        inference_attribute="guess",
        ground_truth_attribute="y",
        dataset_format='{"csv": {"header": true}}',
    )

    assert document["multiclass_classification_metrics"]["accuracy"]["value"] == 0.5
    constraints = json.loads((tmp_path / "out" / "constraints.json").read_text())[
        "multiclass_classification_constraints"
    ]
    assert constraints["accuracy"] == {"threshold": 0.5, "comparison_operator": "LessThanThreshold"}
    assert (
        json.loads((tmp_path / "out" / "bad_records.json").read_text())["records"][0]["reason"]
        == "it has no ground truth"
    )


@pytest.mark.parametrize(
    ("captured_lines", "labels", "reason"),
    [
        ([answer("a", "1")], [], "Job inputs had no data: there is no ground truth"),
        ([answer("a", "1")], ["{"], "there is no ground truth that can be read: x.jsonl line 1"),
        ([answer("a", "1")], [label("b", "1")], "of 1 captured records and 1 labels none have one id"),
        ([answer("a", "1", minutes=-1)], [label("a", "1")], "^Job inputs had no data$"),
    ],
)
def test_where_nothing_matches_it_says_why(
    tmp_path: Path, captured_lines: list[str], labels: list[str], reason: str
) -> None:
    put(tmp_path / "in", *captured_lines)
    put(tmp_path / "truth", *labels)

    with pytest.raises(DatasetError, match=reason):
        merged(tmp_path)


@pytest.mark.parametrize(
    ("env", "error"),
    [
        ({"problem_type": "Ranking"}, "problem_type must be one of Regression"),
        ({"problem_type": "Regression"}, "inference_attribute"),
        (
            {"problem_type": "Regression", "probability_attribute": "1", "probability_threshold_attribute": "half"},
            "must be a number, not 'half'",
        ),
    ],
)
def test_what_an_environment_lacks_is_named(env: dict[str, str], error: str) -> None:
    with pytest.raises((KeyError, ValueError), match=error):
        task(
            {
                "analysis_type": "MODEL_QUALITY",
                "dataset_format": MERGE_FORMAT,
                "dataset_source": "i",
                "output_path": "o",
                **env,
            }
        )


def test_several_instances_are_refused(tmp_path: Path) -> None:
    """With ShardedByS3Key each would have a share of the data, and none all of it."""
    (tmp_path / "config").mkdir()
    place = tmp_path / "config" / "resourceconfig.json"
    env = {"SAGEMAKER_BASE_DIR": str(tmp_path)}
    place.write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}))
    with pytest.raises(
        ValueError, match="the job has 2 instances, and the analyzer runs on one: set InstanceCount to 1"
    ):
        task(env)
    place.write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    with pytest.raises(KeyError, match="dataset_format"):
        task(env)
