"""The analyzer from its settings to its files: verdicts over windows of captured records."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.monitoring import CSV_FORMAT, analyzer_settings
from fogbank.monitor import suggest
from fogbank.monitor.analyzer import analyze
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.stream import Window
from tests.unit.monitor.traffic import NOON, baseline, judged, record, run, traffic


def test_clean_traffic_has_no_violation(tmp_path: Path) -> None:
    message, document = run(tmp_path, traffic(0.0))

    assert message == "Completed: Job completed successfully with no violations."
    assert document == {"violations": []}
    text = (tmp_path / "ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text()
    names = {json.loads(line)["MetricName"] for line in text.split("\n") if line}
    assert names >= {"feature_data_a", "feature_non_null_a", "feature_baseline_drift_a"}


def test_values_that_cloudwatch_does_not_take_are_bounded(tmp_path: Path) -> None:
    run(tmp_path, [record("1\n", "1e300,-1e300\n", NOON)])

    lines = map(
        json.loads, (tmp_path / "ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()
    )
    values = {line["MetricName"]: line.get("StatisticValues") for line in lines}
    assert (values["feature_data_a"]["Maximum"], values["feature_data_b"]["Sum"]) == (2.0**360, -(2.0**360))


def test_shifted_traffic_names_the_shifted_feature(tmp_path: Path) -> None:
    message, document = run(tmp_path, traffic(2.0))

    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."
    checks = [(item["feature_name"], item["constraint_check_type"]) for item in document["violations"]]
    assert checks == [("a", "baseline_drift_check")]
    assert document["violations"][0]["description"].endswith("exceeds threshold: 0.1")
    found = json.loads((tmp_path / "output" / "shifts.json").read_text())
    assert found["shifted"] == ["a"]
    assert {item["name"]: item["role"] for item in found["features"]} == {
        "p": "prediction",
        "a": "feature",
        "b": "feature",
    }


def test_a_window_that_is_left_out_of_its_stream_says_why_and_writes_none(tmp_path: Path) -> None:
    stats, constraints = baseline(tmp_path)
    own = Window(start=NOON, end=NOON + timedelta(hours=1))

    def found(name: str, window: Window) -> tuple[dict[str, Any], dict[str, Any], bool]:
        (tmp_path / name).mkdir()
        judged(tmp_path / name, traffic(2.0), stats, constraints, window)
        shifts = json.loads((tmp_path / name / "output" / "shifts.json").read_text())
        columns = {item["name"]: item.get("stream") for item in shifts["features"]}
        return shifts["stream"], columns, (tmp_path / name / "output" / "stream.json").exists()

    first, columns, written = found("first", own)
    assert (first["shifted"], columns["a"]["windows"], written) == (["a"], 1, True)
    before = json.loads((tmp_path / "first" / "output" / "stream.json").read_text())
    again, repeated, written = found("again", replace(own, start=NOON + timedelta(minutes=30), before=before))
    assert again.pop("left_out").startswith("The window begins before 2026-04-18T13:00:00Z")
    assert (again, repeated, written) == (first, columns, False)
    unread, none, written = found("unread", replace(own, unread="S3 answers 503"))
    assert unread == {"left_out": "S3 answers 503. The stream stays as it is, and the next execution goes on with it."}
    assert (set(none.values()), written) == ({None}, False)


def test_what_the_baseline_knows_as_text_is_compared_as_text_also_where_a_window_looks_like_numbers(
    tmp_path: Path,
) -> None:
    rows = "".join(f"1,{code}\n" for code in ["02134", "90210"] * 50)
    (tmp_path / "baseline.csv").write_text(f"p,zip\n{rows}")
    files = dict(zip(("stats", "constraints"), suggest(tmp_path / "baseline.csv", ("p", "zip"), ["zip"]), strict=True))
    for name, encoded in files.items():
        (tmp_path / name).write_bytes(encoded)
    lines = [record("1\n", f"{code}\n", NOON + timedelta(minutes=1)) for code in ["02134"] * 190 + ["11111"] * 10]

    _, document = judged(tmp_path, lines, tmp_path / "stats", tmp_path / "constraints")

    checks = {(item["feature_name"], item["constraint_check_type"]) for item in document["violations"]}
    assert checks == {("zip", "categorical_values_check"), ("zip", "baseline_drift_check")}
    now = json.loads((tmp_path / "output" / "statistics.json").read_text())["features"][1]
    assert now["inferred_type"] == "String"


def inside(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_types_gaps_and_columns_are_violations(tmp_path: Path) -> None:
    _, document = run(inside(tmp_path, "types"), [record("0.5\n", ",1.0\n", NOON), *traffic(0.0)])
    checks = {(item["feature_name"], item["constraint_check_type"]) for item in document["violations"]}
    assert {("p", "data_type_check"), ("a", "completeness_check")} <= checks
    _, document = run(inside(tmp_path, "narrow"), [record("1\n", "0.1\n", NOON)] * 5)
    assert document["violations"][0]["constraint_check_type"] == "missing_column_check"


def test_a_bad_record_is_counted_and_named_beside_the_verdict(tmp_path: Path) -> None:
    message, _ = run(tmp_path, [record("0.5\n", ",1.0,9\n", NOON), *traffic(0.0), "{half"])

    assert message.startswith("Completed: Job completed successfully with no violations. Set aside: 2 records")
    assert "x.jsonl line 202: not a captured record" in message
    document = json.loads((tmp_path / "output" / "bad_records.json").read_text())
    assert [(item["file"], item["line"]) for item in document["records"]] == [("x.jsonl", 202), ("x.jsonl", 1)]
    statistics = json.loads((tmp_path / "output" / "statistics.json").read_text())
    assert statistics["dataset"]["item_count"] == 200


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


def baseline_run(folder: Path, body: str, dataset_format: str) -> dict[str, Any]:
    """constraints.json of a baseline job over one file."""
    (folder / "in").mkdir()
    (folder / "in" / "d.csv").write_text(body)
    settings = analyzer_settings({
        "dataset_format": dataset_format, "dataset_source": str(folder / "in"), "output_path": str(folder / "out"), "SAGEMAKER_BASE_DIR": str(folder / "ml"),
    })  # fmt: skip
    analyze(settings)
    document: dict[str, Any] = json.loads((folder / "out" / "constraints.json").read_text())
    return document


def test_a_baseline_without_a_header_keeps_its_first_row(tmp_path: Path) -> None:
    constraints = baseline_run(tmp_path, "1,2.5,a\n2,3.5,b\n", '{"csv": {"header": false}}')

    assert [item["name"] for item in constraints["features"]] == ["_c0", "_c1", "_c2"]
    statistics = json.loads((tmp_path / "out" / "statistics.json").read_text())
    assert statistics["dataset"]["item_count"] == 2


@pytest.mark.parametrize("dataset_format", ['{"avro": {}}', "[]", '{"csv": 1}', "csv"])
def test_a_format_that_is_not_there_is_refused_by_its_name(tmp_path: Path, dataset_format: str) -> None:
    with pytest.raises((DatasetError, ValueError)) as refusal:
        baseline_run(tmp_path, "a\n1\n", dataset_format)

    assert "dataset_format" in str(refusal.value)


def test_a_baseline_run_writes_statistics_and_constraints(tmp_path: Path) -> None:
    constraints = baseline_run(tmp_path, "a,s\n1.0,x\n2.0,y\n", CSV_FORMAT)

    assert constraints["features"][0] == {
        "name": "a", "inferred_type": "Fractional", "completeness": 1.0, "num_constraints": {"is_non_negative": True},
    }  # fmt: skip
    assert constraints["features"][1]["string_constraints"] == {"domains": ["x", "y"]}
    assert constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] == "Robust"
    assert not (tmp_path / "out" / "constraint_violations.json").exists()
