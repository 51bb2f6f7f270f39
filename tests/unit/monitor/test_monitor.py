from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.errors import DataError
from fogbank.contracts.monitoring import CAPTURE_FORMAT, CSV_FORMAT, AnalyzerSettings
from fogbank.monitor import drift_distances, suggest
from fogbank.monitor.analyzer import analyze
from fogbank.monitor.dataset import Dataset, DatasetError, read_csv
from fogbank.monitor.profile import statistics
from fogbank.monitor.sketch import distance, sketch

NOON = datetime(2026, 4, 18, 12, tzinfo=UTC)
RANDOM = np.random.default_rng(3)


@given(
    st.lists(st.integers(-50, 50), min_size=4, max_size=300), st.lists(st.integers(-50, 50), min_size=4, max_size=300)
)
def test_distance_is_the_kolmogorov_smirnov_statistic(base: list[int], now: list[int]) -> None:
    ours = distance(sketch(np.array(base, float)), sketch(np.array(now, float)))

    assert ours == pytest.approx(scipy_stats.ks_2samp(base, now, method="asymp").statistic, abs=1e-12)


def test_a_sketch_of_many_values_keeps_the_weight_and_the_quantiles() -> None:
    values = RANDOM.normal(size=100_001)
    levels = sketch(values)

    assert sum(len(level) * 2**i for i, level in enumerate(levels)) == 100_001
    assert max(len(level) for level in levels) <= 2048
    assert distance(levels, sketch(values)) == 0.0
    exact = np.sort(values)
    kept = np.concatenate([np.repeat(level, 2**i) for i, level in enumerate(levels)])
    assert scipy_stats.ks_2samp(exact, kept).statistic < 0.005


def test_statistics_in_sagemakers_form() -> None:
    data = read_csv("n,x,s,e\n1,1.5,red,\n2,2.5,blue,\n3,,red,\n")
    found = {item["name"]: item for item in statistics(data)["features"]}

    assert [found[name]["inferred_type"] for name in "nxse"] == ["Integral", "Fractional", "String", "Unknown"]
    numeric = found["x"]["numerical_statistics"]
    assert numeric["common"] == {"num_present": 2, "num_missing": 1}
    assert (numeric["mean"], numeric["std_dev"], numeric["min"], numeric["max"]) == (2.0, 0.5, 1.5, 2.5)
    buckets = numeric["distribution"]["kll"]["buckets"]
    assert len(buckets) == 10
    assert sum(bucket["count"] for bucket in buckets) == 2
    assert found["s"]["string_statistics"]["distribution"]["categorical"]["buckets"][0] == {"value": "red", "count": 2}


def baseline(folder: Path, rows: int = 400) -> tuple[Path, Path]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["p", "a", "b"])
    writer.writerows(
        [int(p), a, b]
        for p, a, b in zip(RANDOM.integers(0, 2, rows), RANDOM.normal(size=rows), RANDOM.normal(size=rows), strict=True)
    )
    (folder / "baseline.csv").write_text(out.getvalue())
    stats, constraints = suggest(folder / "baseline.csv", ("p", "a", "b"))
    (folder / "statistics.json").write_bytes(stats)
    (folder / "constraints.json").write_bytes(constraints)
    return folder / "statistics.json", folder / "constraints.json"


def record(answer: str, row: str, at: datetime) -> str:
    return CaptureRecord(
        event_id="e",
        time=at,
        input=captured(row.encode(), "text/csv", "INPUT", ["text/csv"], []),
        output=captured(answer.encode(), "text/csv", "OUTPUT", ["text/csv"], []),
    ).line()


def run(folder: Path, lines: list[str]) -> tuple[str, dict[str, Any]]:
    stats, constraints = baseline(folder)
    source = folder / "input" / "ep" / "AllTraffic"
    source.mkdir(parents=True)
    (source / "x.jsonl").write_text("\n".join(lines) + "\n")
    settings = AnalyzerSettings(
        dataset_format=json.loads(CAPTURE_FORMAT), dataset_source=folder / "input", output_path=folder / "output", base_dir=folder / "ml",
        baseline_statistics=stats, baseline_constraints=constraints, start=NOON, end=NOON + timedelta(hours=1), publish_metrics=True, endpoint="ep",
    )  # fmt: skip
    message = analyze(settings)
    found: dict[str, Any] = json.loads((folder / "output" / "constraint_violations.json").read_text())
    return message, found


def traffic(shift: float, rows: int = 200) -> list[str]:
    pairs = zip(RANDOM.integers(0, 2, rows), RANDOM.normal(size=rows) + shift, RANDOM.normal(size=rows), strict=True)
    return [record(f"{p}\n", f"{a},{b}\n", NOON + timedelta(minutes=5)) for p, a, b in pairs]


def test_clean_traffic_has_no_violation(tmp_path: Path) -> None:
    message, found = run(tmp_path, traffic(0.0))

    assert message == "Completed: Job completed successfully with no violations."
    assert found == {"violations": []}
    lines = [
        json.loads(line)
        for line in (tmp_path / "ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()
    ]
    assert {line["MetricName"] for line in lines} >= {
        "feature_data_a",
        "feature_non_null_a",
        "feature_baseline_drift_a",
    }


def test_shifted_traffic_names_the_shifted_feature(tmp_path: Path) -> None:
    message, found = run(tmp_path, traffic(2.0))

    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert [(v["feature_name"], v["constraint_check_type"]) for v in found["violations"]] == [
        ("a", "baseline_drift_check")
    ]
    assert found["violations"][0]["description"].endswith("exceeds threshold: 0.1")


def inside(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_types_gaps_and_columns_are_violations(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="row 2 has 3 columns, row 1 has 4"):
        run(inside(tmp_path, "mixed"), [record("0.5\n", ",1.0,9\n", NOON), *traffic(0.0)])
    _, found = run(inside(tmp_path, "types"), [record("0.5\n", ",1.0\n", NOON), *traffic(0.0)])
    checks = {(v["feature_name"], v["constraint_check_type"]) for v in found["violations"]}
    assert {("p", "data_type_check"), ("a", "completeness_check")} <= checks
    _, found = run(inside(tmp_path, "narrow"), [record("1\n", "0.1\n", NOON)] * 5)
    assert found["violations"][0]["constraint_check_type"] == "missing_column_check"


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


def test_a_baseline_with_other_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("p,a\n1,2\n")
    with pytest.raises(DataError) as caught:
        suggest(tmp_path / "b.csv", ("p", "a", "b"))

    assert caught.value.code == "baseline-columns"
    assert "the first that differs is number 3" in caught.value.cause


def test_categories_drift_by_their_largest_share() -> None:
    one = statistics(Dataset({"s": ["x"] * 300 + ["y"] * 300}))
    two = statistics(Dataset({"s": ["x"] * 600}))

    assert drift_distances(one, two)["s"] == pytest.approx(0.5 - 1.8 * np.sqrt(1200 / 360000))
