"""The analyzer from its settings to its files: verdicts over windows of captured records."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.monitoring import CSV_FORMAT, AnalyzerSettings
from fogbank.monitor.analyzer import analyze
from fogbank.monitor.dataset import DatasetError
from tests.unit.monitor.traffic import NOON, record, run, traffic


def test_clean_traffic_has_no_violation(tmp_path: Path) -> None:
    message, document = run(tmp_path, traffic(0.0))

    assert message == "Completed: Job completed successfully with no violations."
    assert document == {"violations": []}
    text = (tmp_path / "ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text()
    names = {json.loads(line)["MetricName"] for line in text.split("\n") if line}
    assert names >= {"feature_data_a", "feature_non_null_a", "feature_baseline_drift_a"}


def test_shifted_traffic_names_the_shifted_feature(tmp_path: Path) -> None:
    message, document = run(tmp_path, traffic(2.0))

    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."
    checks = [(item["feature_name"], item["constraint_check_type"]) for item in document["violations"]]
    assert checks == [("a", "baseline_drift_check")]
    assert document["violations"][0]["description"].endswith("exceeds threshold: 0.1")


def inside(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_types_gaps_and_columns_are_violations(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="row 2 has 3 columns, row 1 has 4"):
        run(inside(tmp_path, "mixed"), [record("0.5\n", ",1.0,9\n", NOON), *traffic(0.0)])
    _, document = run(inside(tmp_path, "types"), [record("0.5\n", ",1.0\n", NOON), *traffic(0.0)])
    checks = {(item["feature_name"], item["constraint_check_type"]) for item in document["violations"]}
    assert {("p", "data_type_check"), ("a", "completeness_check")} <= checks
    _, document = run(inside(tmp_path, "narrow"), [record("1\n", "0.1\n", NOON)] * 5)
    assert document["violations"][0]["constraint_check_type"] == "missing_column_check"


def test_only_the_window_counts_and_an_empty_one_has_no_data(tmp_path: Path) -> None:
    outside = [record("1\n", "9,9\n", NOON - timedelta(seconds=1)), record("1\n", "9,9\n", NOON + timedelta(hours=1))]
    with pytest.raises(DatasetError, match="Job inputs had no data"):
        run(tmp_path, outside)


def test_unequal_encodings_fail_in_sagemakers_words(tmp_path: Path) -> None:
    mixed = CaptureRecord(
        event_id="e",
        time=NOON,
        input=captured(b"1,2\n", "text/csv", "INPUT", ["text/csv"], ["application/json"]),
        output=captured(b"{}", "application/json", "OUTPUT", ["text/csv"], ["application/json"]),
    )
    with pytest.raises(
        DatasetError, match="Encoding is CSV for endpointInput, but Encoding is JSON for endpointOutput"
    ):
        run(tmp_path, [mixed.line()])


def test_a_baseline_run_writes_statistics_and_constraints(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "d.csv").write_text("a,s\n1.0,x\n2.0,y\n")
    settings = AnalyzerSettings(
        dataset_format=json.loads(CSV_FORMAT),
        dataset_source=tmp_path / "in",
        output_path=tmp_path / "out",
        base_dir=tmp_path / "ml",
    )

    analyze(settings)

    constraints = json.loads((tmp_path / "out" / "constraints.json").read_text())
    assert constraints["features"][0] == {
        "name": "a", "inferred_type": "Fractional", "completeness": 1.0, "num_constraints": {"is_non_negative": True},
    }  # fmt: skip
    assert constraints["features"][1]["string_constraints"] == {"domains": ["x", "y"]}
    assert constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] == "Robust"
    assert not (tmp_path / "out" / "constraint_violations.json").exists()
