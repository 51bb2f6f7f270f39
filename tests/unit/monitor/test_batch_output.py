"""Outputs of batch transform jobs: merged with ground truth by their inference ids, and judged; metrics without an endpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.monitoring import analyzer_settings
from fogbank.monitor.batch_output import answered
from fogbank.monitor.clarify_rows import monitored_table
from fogbank.monitor.dataset import Aside, DatasetError
from fogbank.monitor.tasks import task
from tests.unit.monitor.test_merge import judged, label, merged, put

HOUR = "2026/04/18/11"
TIME = "2026-04-18T11:05:00Z"
CSV, LINES = '{"csv": {"header": false}}', '{"json": {"lines": true}}'


def output(folder: Path, text: str) -> None:
    """An output, where the manifest of its hour has it put."""
    place = folder / "in" / HOUR / "1"
    place.mkdir(parents=True, exist_ok=True)
    (place / "a.csv.out").write_text(text)


def test_rows_of_csv_are_judged_by_their_labels(tmp_path: Path) -> None:
    put(tmp_path / "truth", label("a", "1"), label("b", "0"), label("c", "0"), label("late", "1"))
    output(tmp_path, f'7,"x,y",1,a,{TIME}\n7,z,0,b,{TIME}\n7,z,1,c,{TIME}\n7,z,1,nobody,{TIME}\n7,z,1\n')
    report = merged(tmp_path, dataset_format=CSV)

    assert (report["records"], report["merged"], report["labels_without_record"]) == (4, 3, 1)
    assert report["set_aside"]["records"][0]["reason"].endswith("DataCaptureConfig needs GenerateInferenceId")
    [file] = (tmp_path / "merged" / HOUR).iterdir()
    assert json.loads(file.read_text().splitlines()[0]) == {
        "captureData": {"batchTransformOutput": {"data": '7,"x,y",1', "encoding": "CSV"}},
        "eventMetadata": {"eventId": "a"}, "eventVersion": "0", "groundTruthData": {"data": "1", "encoding": "CSV"},
    }  # fmt: skip
    message, statistics = judged(tmp_path, "BinaryClassification", inference_attribute="2", sagemaker_endpoint_name="")
    assert message.startswith("Completed")
    assert statistics["binary_classification_metrics"]["confusion_matrix"] == {
        "0": {"0": 1, "1": 1},
        "1": {"0": 0, "1": 1},
    }
    metrics = (tmp_path / "ml" / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl").read_text()
    line = json.loads(metrics.splitlines()[0])
    assert line["Namespace"] == "aws/sagemaker/ModelMonitoring/model-metrics"
    assert line["Dimensions"] == [{"Name": "MonitoringSchedule", "Value": "s"}]


def joined(name: str, sex: str, answer: int) -> str:
    return json.dumps({
        "sex": sex, "SageMakerOutput": {"label": answer}, "SageMakerInferenceId": name, "SageMakerInferenceTime": TIME,
    })  # fmt: skip


def test_joined_json_has_features_and_answers(tmp_path: Path) -> None:
    """As in AWS's sample of a bias monitor of batch transform jobs."""
    truth = [
        json.dumps(
            {"groundTruthData": {"data": json.dumps({"y": y}), "encoding": "JSON"}, "eventMetadata": {"eventId": n}}
        )
        for n, y in (("a", 1), ("b", 0), ("c", 1), ("d", 0))
    ]
    put(tmp_path / "truth", *truth)
    output(tmp_path, "\n".join([joined("a", "m", 1), joined("b", "m", 1), joined("c", "f", 1), joined("d", "f", 0)]))
    merged(tmp_path, dataset_format=LINES)
    config = {
        "headers": ["sex", "y"], "label": "y", "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    env = {
        "analysis_type": "MODEL_BIAS", "dataset_format": '{"sagemakerMergeJson": {}}', "dataset_source": str(tmp_path / "merged"),
        "output_path": str(tmp_path / "out"), "SAGEMAKER_BASE_DIR": str(tmp_path / "ml"), "inference_attribute": "label",
        "analysis_config": str(tmp_path / "config.json"),
    }  # fmt: skip
    task(env)()

    document: dict[str, Any] = json.loads((tmp_path / "out" / "analysis.json").read_text())
    [facet] = document["post_training_bias_metrics"]["facets"]["sex"]
    assert {item["name"]: item["value"] for item in facet["metrics"]}["DI"] == 0.5


@pytest.mark.parametrize(
    ("dataset_format", "text"),
    [
        (CSV, "7,x\n8,y\n"),
        ('{"csv": {"header": true}}', "a,b\n7,x\n8,y\n"),
        (LINES, '{"a": 7, "b": "x"}\n{"a": 8, "b": "y"}\n'),
    ],
)
def test_what_jobs_were_given_are_features_by_name(tmp_path: Path, dataset_format: str, text: str) -> None:
    """What an explainability monitor of batch transform jobs looks at."""
    output(tmp_path, text)
    env = {
        "dataset_format": dataset_format,
        "dataset_source": str(tmp_path / "in"),
        "output_path": str(tmp_path / "out"),
    }
    table, aside = monitored_table(analyzer_settings(env), ["a", "b"])

    assert ({name: list(cells) for name, cells in table.columns.items()}, aside.count) == (
        {"a": ["7", "8"], "b": ["x", "y"]},
        0,
    )


def test_outputs_without_ids_say_what_they_lack(tmp_path: Path) -> None:
    put(tmp_path / "truth", label("a", "1"))
    output(tmp_path, "1,2\n")

    with pytest.raises(DatasetError, match="needs GenerateInferenceId"):
        merged(tmp_path, dataset_format=CSV)
    with pytest.raises(DatasetError, match="are csv, or json with lines, not parquet"):
        answered(tmp_path / "x", "parquet", {}, Aside())
