"""The Clarify container's contract: analysis_config.json and a data set in, analysis.json out; and a bias monitor's verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.quality import MERGE_FORMAT
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.tasks import task
from tests.unit.monitor.traffic import NOON

CONFIG: dict[str, Any] = {
    "dataset_type": "text/csv", "headers": ["y", "sex", "age", "guess"], "label": "y", "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}, {"name_or_index": "age", "value_or_threshold": [40.5]}],
    "group_variable": "sex", "predicted_label": "guess",
    "methods": {"pre_training_bias": {"methods": ["CI", "DPL"]}, "post_training_bias": {"methods": ["DI", "AD"]}, "report": {}},
}  # fmt: skip
ROWS = ["1,m,30.5,1", "0,m,50.5,1", "1,f,45.5,0", "0,f,20.5,0", "1,m,60.5,1"]


def clarified(folder: Path, rows: list[str], **config: Any) -> dict[str, Any]:
    for place in ("config", "data"):
        (folder / "processing/input" / place).mkdir(parents=True)
    (folder / "processing/input/config/analysis_config.json").write_text(json.dumps({**CONFIG, **config}))
    (folder / "processing/input/data/d.csv").write_text("\n".join(rows) + "\n")
    task({"SAGEMAKER_BASE_DIR": str(folder)})()
    document: dict[str, Any] = json.loads((folder / "processing/output/analysis.json").read_text())
    return document


def values(facet: dict[str, Any]) -> dict[str, float]:
    return {metric["name"]: metric["value"] for metric in facet["metrics"]}


def test_a_data_set_is_analyzed_as_its_configuration_says(tmp_path: Path) -> None:
    document = clarified(tmp_path, [*ROWS, "1,f"])

    pre, post = document["pre_training_bias_metrics"], document["post_training_bias_metrics"]
    assert (document["version"], pre["label"], pre["label_value_or_threshold"]) == ("1.0", "y", "1")
    [sex], [age] = pre["facets"]["sex"], pre["facets"]["age"]
    assert values(sex) == pytest.approx({"CI": (3 - 2) / 5, "DPL": 2 / 3 - 1 / 2})
    assert (sex["value_or_threshold"], age["value_or_threshold"]) == ("f", "(40.5, 60.5]")
    assert values(post["facets"]["sex"][0]) == pytest.approx({"DI": 0.0, "AD": 2 / 3 - 1 / 2})
    assert "Set aside: 1 records" in (tmp_path / "output/message").read_text()


def test_a_facet_without_values_is_each_of_them(tmp_path: Path) -> None:
    document = clarified(tmp_path, ROWS, facet={"name_or_index": 1})

    assert [item["value_or_threshold"] for item in document["pre_training_bias_metrics"]["facets"]["sex"]] == ["f", "m"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"label": None}, "analysis_config.json needs label"),
        ({"methods": {"shap": {}}}, "needs predictor.model_name"),
        ({"predicted_label": None}, "post_training_bias needs predicted_label"),
        ({"methods": {"pre_training_bias": {"methods": ["XX"]}}}, "has no metric 'XX'"),
        ({"facet": [{"name_or_index": "race"}]}, "there is no column 'race'; there are y, sex, age, guess"),
        ({"dataset_type": "application/x-parquet"}, "dataset_type 'application/x-parquet' is not supported here"),
    ],
)
def test_what_is_not_right_is_named(tmp_path: Path, config: dict[str, Any], reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        clarified(tmp_path, ROWS, **config)


def merged_line(asked: str, answer: str, truth: str) -> str:
    record = CaptureRecord(
        event_id="e",
        time=NOON,
        input=captured(asked.encode(), "text/csv", "INPUT", ["text/csv"], []),
        output=captured(answer.encode(), "text/csv", "OUTPUT", ["text/csv"], []),
    )
    return json.dumps({**json.loads(record.line()), "groundTruthData": {"data": truth, "encoding": "CSV"}})


def test_a_bias_monitor_is_held_to_its_baseline(tmp_path: Path) -> None:
    config = {**CONFIG, "headers": ["y", "sex", "age"], "facet": CONFIG["facet"][:1]}
    del config["predicted_label"]
    (tmp_path / "in").mkdir()
    (tmp_path / "config.json").write_text(json.dumps(config))
    lines = [merged_line(f"{sex},{age}", guess, y) for y, sex, age, guess in (row.split(",") for row in ROWS)]
    (tmp_path / "in" / "x.jsonl").write_text("\n".join(lines) + "\n")
    fair = {
        "label": "y",
        "facets": {
            "sex": [
                {"value_or_threshold": "f", "metrics": [{"name": "DI", "value": 0.9}, {"name": "AD", "value": -0.5}]}
            ]
        },
    }
    (tmp_path / "analysis.json").write_text(json.dumps({"version": "1.0", "post_training_bias_metrics": fair}))
    message = task({
        "analysis_type": "MODEL_BIAS", "analysis_config": str(tmp_path / "config.json"), "dataset_format": MERGE_FORMAT,
        "dataset_source": str(tmp_path / "in"), "output_path": str(tmp_path / "out"), "SAGEMAKER_BASE_DIR": str(tmp_path / "ml"),
        "inference_attribute": "0", "baseline_constraints": str(tmp_path / "analysis.json"), "publish_cloudwatch_metrics": "Enabled",
    })()  # fmt: skip

    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert json.loads((tmp_path / "out/constraint_violations.json").read_text())["violations"] == [{
        "facet": "sex", "facet_value": "f", "metric_name": "DI", "constraint_check_type": "bias_drift_check",
        "description": "Metric value 0.0 doesn't meet the baseline constraint requirement 0.9",
    }]  # fmt: skip
    metric = json.loads(
        (tmp_path / "ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()[0]
    )
    assert metric["MetricName"] == "bias_metric_CI"
    assert {item["Name"]: item["Value"] for item in metric["Dimensions"]}["FacetValue"] == "f"
