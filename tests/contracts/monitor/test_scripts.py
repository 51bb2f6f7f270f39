"""A monitor's own scripts: what they make of records, and what becomes of one that breaks, dies or does not end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.quality import MERGE_FORMAT
from fogbank.monitor.__main__ import main
from fogbank.monitor.scripts import Script, ScriptError
from tests.unit.monitor.traffic import NOON

CSV, JSON = ["text/csv"], ["application/json"]


def record(given: str, answer: str) -> CaptureRecord:
    """A request in JSON with an answer of bytes: two encodings, which no monitor reads without a script."""
    return CaptureRecord(
        event_id="e",
        time=NOON,
        custom_attributes="c=1",
        input=captured(given.encode(), "application/json", "INPUT", CSV, JSON),
        output=captured(answer.encode(), "application/octet-stream", "OUTPUT", CSV, JSON),
    )


def script(folder: Path, text: str) -> Path:
    file = folder / "mine.py"
    file.write_text(text)
    return file


PREPROCESS = """
import base64, json

def preprocess_handler(record, logger):
    given = json.loads(record.endpoint_input.data)
    if given.get("skip"):
        return []
    logger.info("seen %s", record.event_metadata.custom_attribute)
    answer = base64.b64decode(record.endpoint_output.data).decode()
    assert record.endpoint_output.encoding == "BASE64"
    return {**given["features"], "score": float(answer)}

def postprocess_handler():
    with open("PLACE", "w") as file:
        file.write("done")
"""


def analyzed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Path, **env: str) -> tuple[int, str]:
    base = tmp_path / "ml"
    asked = {
        "dataset_format": '{"sagemakerCaptureJson": {}}', "dataset_source": str(tmp_path / "in"), "output_path": str(tmp_path / "out"),
        "SAGEMAKER_BASE_DIR": str(base), "record_preprocessor_script": str(own), **env,
    }  # fmt: skip
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    status = main()
    return status, (base / "output" / "message").read_text()


def test_rows_are_what_the_script_makes_of_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    records = [
        record('{"features": {"b": "x", "a": 1}}', "0.5"),
        record('{"features": {"b": "y", "a": null}}', "0.75"),
        record('{"skip": true}', "0.1"),
        record("{}", "0.1"),
    ]
    (tmp_path / "in" / "x.jsonl").write_text("".join(item.line() + "\n" for item in records))
    own = script(tmp_path, PREPROCESS.replace("PLACE", str(tmp_path / "said")))
    status, message = analyzed(tmp_path, monkeypatch, own, post_analytics_processor_script=str(own))

    document: dict[str, Any] = json.loads((tmp_path / "out" / "statistics.json").read_text())
    assert (status, document["dataset"]) == (0, {"item_count": 2})
    assert [(item["name"], item["inferred_type"]) for item in document["features"]] == [
        ("a", "Integral"),
        ("b", "String"),
        ("score", "Fractional"),
    ]
    assert message.endswith("the first x.jsonl line 4: the script mine.py: KeyError('features')")
    assert (tmp_path / "said").read_text() == "done"


def test_names_that_the_baseline_does_not_have_say_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`str(i).zfill(20)`, as AWS's own sample has it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.jsonl").write_text(record("[1, 2]", "y").line() + "\n")
    limits = {"features": [{"name": name, "inferred_type": "Integral", "completeness": 1.0} for name in ("one", "two")]}
    (tmp_path / "constraints.json").write_text(json.dumps(limits))
    own = script(
        tmp_path,
        "def preprocess_handler(record):\n"
        "    return {str(i).zfill(20): v for i, v in reversed(list(enumerate(eval(record.endpoint_input.data))))}\n",
    )
    constraints = str(tmp_path / "constraints.json")
    status, message = analyzed(tmp_path, monkeypatch, own, baseline_constraints=constraints)

    found = json.loads((tmp_path / "out" / "statistics.json").read_text())["features"]
    assert (status, message) == (0, "Completed: Job completed successfully with no violations.")
    assert [(item["name"], item["numerical_statistics"]["mean"]) for item in found] == [("one", 1.0), ("two", 2.0)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_the_kind\n", "the script mine.py: it cannot be loaded: ModuleNotFoundError"),
        ("preprocess = 1\n", "the script mine.py: it cannot be loaded: AttributeError"),
        ("import os\ndef preprocess_handler(record): os._exit(7)\n", "the script mine.py ended with status 7"),
        (
            "def preprocess_handler(record): return {'a': 'x' * (17 << 20)}\n",
            "the script mine.py answered more than 16 MB for one record",
        ),
        ("def preprocess_handler(record): bytearray(8 << 30)\n", "(of 1 captured records none can be read)"),
        ("def preprocess_handler(record): return {'a': {'b': 1}}\n", "only flat JSON objects can be monitored"),
    ],
)
def test_a_script_that_cannot_go_on_fails_the_job_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.jsonl").write_text(record("{}", "1").line() + "\n")
    status, message = analyzed(tmp_path, monkeypatch, script(tmp_path, text))

    assert status == 1
    assert reason in message


def test_a_script_that_does_not_end_is_ended(tmp_path: Path) -> None:
    own = script(tmp_path, "def preprocess_handler(record):\n    while True: pass\n")
    with (
        Script(own, "preprocess", record_s=0.2) as running,
        pytest.raises(ScriptError, match=r"took longer than 0\.2 s"),
    ):
        running.ask(record("{}", "1"))


def test_a_script_reads_captured_records_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = script(tmp_path, "def preprocess_handler(record): return {}\n")
    status, message = analyzed(tmp_path, monkeypatch, own, dataset_format='{"csv": {}}')

    assert (status, message) == (1, "record_preprocessor_script reads captured records, and dataset_format is csv")


QUALITY = """
def preprocess_handler(record):
    if record.event_metadata.inference_id == "left out":
        return []
    score = float(record.endpoint_output.data)
    assert record.ground_truth.encoding == "CSV"
    return {"z": score, "guess": int(score > 0.7), "truth": {"yes": 1, "no": 0}[record.ground_truth.data]}

def postprocess_handler():
    open("PLACE", "w").write("done")
"""


def merged(name: str, score: str, truth: str) -> str:
    answer = captured(score.encode(), "text/csv", "OUTPUT", CSV, JSON)
    line = json.loads(CaptureRecord(event_id="e", inference_id=name, time=NOON, output=answer).line())
    return json.dumps({**line, "groundTruthData": {"data": truth, "encoding": "CSV"}}) + "\n"


@pytest.mark.parametrize(
    "attributes",
    [
        {"inference_attribute": "guess", "ground_truth_attribute": "truth"},
        {"inference_attribute": "0", "probability_attribute": "z", "ground_truth_attribute": "truth"},
    ],
    ids=["by name", "by place"],
)
def test_model_quality_is_of_what_the_script_makes_of_merged_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attributes: dict[str, str]
) -> None:
    (tmp_path / "in").mkdir()
    lines = [merged("a", "0.9", "yes"), merged("b", "0.8", "no"), merged("c", "0.6", "no"), merged("d", "0.9", "maybe")]
    (tmp_path / "in" / "x.jsonl").write_text("".join([*lines, merged("left out", "0.1", "yes")]))
    own = script(tmp_path, QUALITY.replace("PLACE", str(tmp_path / "said")))
    status, message = analyzed(
        tmp_path, monkeypatch, own, post_analytics_processor_script=str(own), analysis_type="MODEL_QUALITY",
        dataset_format=MERGE_FORMAT, problem_type="BinaryClassification", **attributes,
    )  # fmt: skip

    assert status == 0, message
    metrics = json.loads((tmp_path / "out" / "statistics.json").read_text())["binary_classification_metrics"]
    assert metrics["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 0, "1": 1}}
    assert message.endswith("the first x.jsonl line 4: the script mine.py: KeyError('maybe')")
    assert (tmp_path / "said").read_text() == "done"


def test_rows_that_have_no_ground_truth_of_their_own_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.jsonl").write_text(merged("a", "0.9", "1"))
    own = script(tmp_path, "def preprocess_handler(record): return [{'y': 1}, {'y': 0}]\n")
    status, message = analyzed(
        tmp_path, monkeypatch, own, analysis_type="MODEL_QUALITY", dataset_format=MERGE_FORMAT, problem_type="BinaryClassification",
        inference_attribute="y",
    )  # fmt: skip

    assert status == 1
    assert "the script makes 2 rows of it, and its ground truth has 1" in message
