"""What a window may bring: each is a clear verdict or a clear error, and every file that is written is JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.monitor.dataset import DatasetError
from tests.unit.monitor.traffic import NOON, analyzed, record, run, traffic

HALF = record("1\n", "0.1,0.2\n", NOON)[:-40]
WIDE = record("1\n", "0.1,0.2,0.3\n", NOON)


def fired(folder: Path, lines: list[str]) -> set[tuple[str, str]]:
    """What fires over a window; all files are JSON without infinities."""
    _, document = run(folder, lines)
    for file in (folder / "output").iterdir():
        json.loads(file.read_text(), parse_constant=pytest.fail)
    return {(item["feature_name"], item["constraint_check_type"]) for item in document["violations"]}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([WIDE] * 3, {("_c3", "extra_column_check")}),
        ([record("1\n", "0.1\n", NOON)] * 3, {("b", "missing_column_check")}),
        ([HALF, *traffic(0.0)], set()),
        ([record("1\n", ",\n", NOON)] * 3, {("a", "completeness_check"), ("b", "completeness_check")}),
        ([record("1\n", "0.1,0.2\n", NOON)], set()),
        ([record("1\n", "inf,-Infinity\n", NOON)] * 3, {("a", "data_type_check"), ("b", "data_type_check")}),
        ([record("1\n", "0.1,x\n", NOON), *traffic(0.0)], {("b", "data_type_check")}),
        ([record("1\n", "\U0001f600\u2028,\x85é\n", NOON)] * 3, {("a", "data_type_check"), ("b", "data_type_check")}),
        ([record("1\n", "1e300,-1e300\n", NOON)] * 3, set()),
    ],
    ids=[
        "a column more",
        "a column less",
        "half a record",
        "all missing",
        "one row",
        "infinities",
        "mixed",
        "any text",
        "huge",
    ],
)
def test_a_window_has_a_verdict(tmp_path: Path, lines: list[str], expected: set[tuple[str, str]]) -> None:
    assert fired(tmp_path, lines) == expected


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([record("1\n", "1,2\n", NOON + timedelta(hours=2))], r"^Job inputs had no data$"),
        ([HALF], r"x\.jsonl line 1: not a captured record: .* \(of 1 captured records none can be read\)"),
        ([record("", "", NOON)], "^Job inputs had no data$"),
    ],
    ids=["another window", "only half a record", "nothing in it"],
)
def test_a_window_without_rows_has_a_reason(tmp_path: Path, lines: list[str], reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        run(tmp_path, lines)


def test_another_schema_names_all_that_differs(tmp_path: Path) -> None:
    body = json.dumps({"x": 1, "y": "z"}).encode()
    other = CaptureRecord(
        event_id="e", time=NOON, input=captured(body, "application/json", "INPUT", [], ["application/json"])
    )

    assert fired(tmp_path, [other.line()] * 3) == {
        ("Missing columns", "missing_column_check"), ("Extra columns", "extra_column_check"),
    }  # fmt: skip


def test_a_file_without_rows_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^Job inputs had no data$"):
        analyzed(tmp_path, "empty", [["a", "b"]])
