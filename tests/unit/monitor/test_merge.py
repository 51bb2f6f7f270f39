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
        "records": 3, "merged": 2, "duplicate_records": 0, "without_label": 1, "labels": 3, "labels_without_record": 1, "duplicate_labels": 1,
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


@pytest.mark.parametrize("odd", [7, None, ["a"], {"a": 1}, True])
def test_an_id_that_is_no_text_is_a_bad_record_and_ends_nothing(tmp_path: Path, odd: Any) -> None:
    record, truth = json.loads(answer("a", "1\n")), json.loads(label("a", "1"))
    record["eventMetadata"]["eventId"] = truth["eventMetadata"]["eventId"] = odd
    put(tmp_path / "in/ep/v/2026/04/18/12", json.dumps(record), answer("b", "1\n"))
    put(tmp_path / "truth/2026/04/18/12", json.dumps(truth), label("b", "1"))

    report = merged(tmp_path)

    assert (report["merged"], report["set_aside"]["count"]) == (1, 2)
    reasons = sorted(item["reason"] for item in report["set_aside"]["records"])
    assert "eventId must be a text" in reasons[0]
    assert reasons[1].startswith("not a ground truth record: its id must be a text")


@pytest.mark.parametrize("encoding", ["BASE64", None, ["CSV"], {}])
def test_a_label_in_another_encoding_is_a_bad_record(tmp_path: Path, encoding: Any) -> None:
    truth = json.loads(label("a", "1"))
    truth["groundTruthData"]["encoding"] = encoding
    put(tmp_path / "in/ep/v/2026/04/18/12", answer("a", "1\n"), answer("b", "1\n"))
    put(tmp_path / "truth/2026/04/18/12", json.dumps(truth), label("b", "1"))

    assert merged(tmp_path)["set_aside"]["count"] == 1


def test_records_of_one_id_all_have_its_label_and_are_told(tmp_path: Path) -> None:
    put(tmp_path / "in/ep/v/2026/04/18/12", *[answer(event, "1\n", "again") for event in "abc"], answer("d", "1\n"))
    put(tmp_path / "truth/2026/04/18/12", label("again", "1"), label("d", "1"))

    report = merged(tmp_path)

    assert (report["merged"], report["duplicate_records"], report["labels_without_record"]) == (4, 2, 0)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"acuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}, "acuracy is no metric of this problem; did you mean accuracy?"),
        ({"mae": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}, "mae is no metric of this problem; there are accuracy, auc"),
        ({"accuracy": {"threshold": True, "comparison_operator": "LessThanThreshold"}}, "accuracy must have a threshold, a number"),
        ({"accuracy": {"threshold": 0.9, "comparison_operator": ["LessThanThreshold"]}}, "and a comparison_operator"),
        ({"accuracy": 0.9}, "accuracy must have a threshold"),
    ],
)  # fmt: skip
def test_thresholds_that_were_edited_wrongly_are_named(tmp_path: Path, limits: dict[str, Any], reason: str) -> None:
    put(tmp_path / "merged", with_label("a", "1", "1"), with_label("b", "0", "0"))
    (tmp_path / "constraints.json").write_text(json.dumps({"binary_classification_constraints": limits}))

    with pytest.raises(DatasetError, match=reason):
        judged(
            tmp_path, "BinaryClassification", inference_attribute="0",
            baseline_constraints=str(tmp_path / "constraints.json"),
        )  # fmt: skip


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_threshold_that_is_no_number_of_jsons_is_told(tmp_path: Path, number: str) -> None:
    """Nothing is below NaN: such a threshold would never have fired."""
    put(tmp_path / "merged", with_label("a", "1", "1"))
    limit = f'{{"threshold": {number}, "comparison_operator": "LessThanThreshold"}}'
    (tmp_path / "constraints.json").write_text(f'{{"binary_classification_constraints": {{"accuracy": {limit}}}}}')

    with pytest.raises(DatasetError, match=f"constraints.json cannot be read: {number} is no number of JSON's"):
        judged(
            tmp_path, "BinaryClassification", inference_attribute="0",
            baseline_constraints=str(tmp_path / "constraints.json"),
        )  # fmt: skip


def test_a_threshold_that_cannot_be_looked_at_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "merged", with_label("a", "1", "1"), with_label("b", "0", "0"))
    limits = {"auc": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}
    (tmp_path / "constraints.json").write_text(json.dumps({"binary_classification_constraints": limits}))

    judged(
        tmp_path, "BinaryClassification", inference_attribute="0",
        baseline_constraints=str(tmp_path / "constraints.json"),
    )  # fmt: skip

    assert capsys.readouterr().out == "the threshold of auc is not looked at: these records have no auc\n"


@pytest.mark.parametrize(("name", "body", "kind"), [
    ("b.csv", "y,y\n1,1\n", {"csv": {"header": True}}), ("b.json", "{", {"json": {}}), ("b.json", "[" * 100_000, {"json": {}}),
])  # fmt: skip
def test_a_file_of_a_baseline_that_cannot_be_read_is_set_aside(
    tmp_path: Path, name: str, body: str, kind: dict[str, Any]
) -> None:
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / name).write_text(body)
    good = {"b.csv": "y,p\n1,1\n0,0\n", "b.json": '[{"y": 1, "p": 1}, {"y": 0, "p": 0}]'}[name]
    (tmp_path / "merged" / f"a{name}").write_text(good)

    message, document = judged(
        tmp_path, "BinaryClassification", dataset_format=json.dumps(kind), inference_attribute="p",
        ground_truth_attribute="y",
    )  # fmt: skip

    assert document["dataset"]["item_count"] == 2
    assert f"Set aside: 1 records that cannot be read (see bad_records.json), the first {name}: " in message


@pytest.mark.parametrize("path", ["a]]", "$.p[", "p[x]", "p..y", "$p y]", "p[0]]"])
def test_a_path_that_is_none_is_told(tmp_path: Path, path: str) -> None:
    put(tmp_path / "merged", with_label("a", '{"a": 1, "p": [{"y": 1}]}', "1", "application/json"))

    with pytest.raises(DatasetError, match=r"is no path of names and indexes|there is no "):
        judged(tmp_path, "BinaryClassification", inference_attribute=path)


@pytest.mark.parametrize("path", ["$.p[0].y", "p[0].y", "$['p'][0]['y']", "$.p[0]['y']"])
def test_a_nested_answer_is_found_by_its_path(tmp_path: Path, path: str) -> None:
    put(tmp_path / "merged", with_label("a", '{"p": [{"y": 1}]}', "1", "application/json"))

    assert judged(tmp_path, "BinaryClassification", inference_attribute=path)[1]["dataset"] == {"item_count": 1}


@pytest.mark.parametrize(("positive", "pairs"), [
    ("true", [("True", "true"), ("false", "False")]), ("True", [("True", "true"), ("false", "False")]), ("2.0", [("2", "2.0"), ("1", "1")]),
])  # fmt: skip
def test_one_class_may_be_written_in_two_ways(tmp_path: Path, positive: str, pairs: list[tuple[str, str]]) -> None:
    put(tmp_path / "merged", *[with_label(str(n), said, truth) for n, (said, truth) in enumerate(pairs)])
    _, document = judged(tmp_path, "BinaryClassification", inference_attribute="0", positive_label=positive)

    metrics = document["binary_classification_metrics"]
    assert (metrics["accuracy"]["value"], metrics["recall"]["value"]) == (1.0, 1.0)


@pytest.mark.parametrize("name", ["labels.json", "part-0", "labels.txt"])
def test_labels_lie_in_files_of_any_name(tmp_path: Path, name: str) -> None:
    put(tmp_path / "in/ep/v/2026/04/18/12", answer("a", "1\n"))
    (tmp_path / "truth/2026/04/18/12").mkdir(parents=True)
    (tmp_path / "truth/2026/04/18/12" / name).write_text(label("a", "1"))
    (tmp_path / "truth/2026/04/18/12/_SUCCESS").touch()

    assert merged(tmp_path)["merged"] == 1


def test_labels_of_other_words_than_the_answers_are_told(tmp_path: Path) -> None:
    put(tmp_path / "merged", with_label("a", "1", "yes"), with_label("b", "0", "no"))

    with pytest.raises(DatasetError, match="there are 0, no, yes: ground truth and answers must name them alike"):
        judged(tmp_path, "BinaryClassification", inference_attribute="0")
