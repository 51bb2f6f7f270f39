"""Captured records as a data set: by name where there are names, in the window, the bad ones set aside."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.monitor.captures import read_captures
from fogbank.monitor.dataset import BadRecord, DatasetError, cell
from fogbank.monitor.files import Profiled
from tests.unit.monitor.traffic import NOON, record

Read = Callable[..., Profiled]
HOUR = timedelta(hours=1)
CELLS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('\n\r",\x0b\x0c\x1c\x85\u2028\u2029\x00')))


def sides(body: str | None, answer: str | None, kind: str = "application/json") -> str:
    """The line of a captured invocation, both sides of one content type."""
    lists = (["text/csv"], ["application/json"])
    return CaptureRecord(
        event_id="e",
        time=NOON,
        input=None if body is None else captured(body.encode(), kind, "INPUT", *lists),
        output=None if answer is None else captured(answer.encode(), kind, "OUTPUT", *lists),
    ).line()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Reads lines as one capture file x.jsonl, window [12:00, 13:00)."""
    folder = tmp_path_factory.mktemp("captures")

    def read_lines(*lines: str, names: tuple[str, ...] = ()) -> Profiled:
        (folder / "x.jsonl").write_bytes("".join(line + "\n" for line in lines).encode())
        return read_captures(folder, NOON, NOON + HOUR, names)

    return read_lines


def table(read: Profiled) -> dict[str, dict[str | None, int]]:
    """How often each column has which text; None is what is missing."""
    return {
        name: {
            **dict(column.frequent.most(99)),
            **({None: gone} if (gone := read.profile.rows - column.present) else {}),
        }
        for name, column in read.profile.columns.items()
    }


def counted(**columns: list[str | None]) -> dict[str, dict[str | None, int]]:
    return {name: dict(Counter(values)) for name, values in columns.items()}


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_any_text_is_captured_read_back_and_counted(read: Read, rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)

    captures = read(sides(out.getvalue(), None, "text/csv"), names=("left", "right"))

    assert not captures.aside.count
    assert table(captures) == counted(left=[cell(a) for a, _ in rows], right=[cell(b) for _, b in rows])
    commons = [
        (item.get("numerical_statistics") or item["string_statistics"])["common"]
        for item in captures.profile.document()["features"]
    ]
    missing = [sum(cell(text) is None for text in column) for column in zip(*rows, strict=True)]
    assert [common["num_missing"] for common in commons] == missing
    assert [common["num_present"] + common["num_missing"] for common in commons] == [len(rows)] * 2


@given(
    st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), min_size=1)
)
def test_any_flat_json_is_captured_and_read_back_by_name(read: Read, document: dict[str, Any]) -> None:
    captures = read(sides(json.dumps(document), None))

    assert set(table(captures)) == set(document)
    captures.profile.document()


def test_json_is_put_together_by_name(read: Read) -> None:
    captures = read(
        sides('{"a": 1, "b": "x"}', '{"p": 0.5}'),
        sides('{"b": "y", "a": 2}', '{"p": 0.25}'),
        sides('{"a": 3, "z": true}', '{"p": 1}'),
        names=("p", "a", "b"),
    )

    assert table(captures) == counted(
        p=["0.5", "0.25", "1"], a=["1", "2", "3"], b=["x", "y", None], z=[None, None, "true"]
    )
    assert list(captures.profile.columns) == ["p", "a", "b", "z"]
    assert [item["inferred_type"] for item in captures.profile.document()["features"]] == [
        "Fractional", "Integral", "String", "String",
    ]  # fmt: skip


def test_a_column_of_mixed_types_is_a_string(read: Read) -> None:
    captures = read(sides('{"a": 1}', None), sides('{"a": "x"}', None), sides('{"a": null}', None))

    feature = captures.profile.document()["features"][0]
    assert feature["inferred_type"] == "String"
    assert feature["string_statistics"]["common"] == {"num_present": 2, "num_missing": 1}


def test_lines_of_json_are_rows(read: Read) -> None:
    captures = read(sides('{"a": 1}\n{"a": 2}\n', '{"p": 3}\n{"p": 4}\n'))

    assert table(captures) == counted(p=["3", "4"], a=["1", "2"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{half a rec", "not a captured record: JSONDecodeError"),
        (record("1\n", "0.1,0.2,0.3\n", NOON), "a row has 4 columns, the others 3"),
        (record("1\n2\n", "0.1,0.2\n", NOON), "the request has 1 rows and its answer 2"),
        (sides('{"a": [1]}', '{"p": 1}'), "only flat JSON objects can be monitored"),
        (sides('{"a": 1', '{"p": 1}'), "it is not JSON"),
        (sides("x", "y", "image/png"), "the captured data is BASE64"),
        (sides(None, None), "it has neither input nor output"),
    ],
)
def test_a_bad_record_is_set_aside_by_its_name_and_fails_nothing_else(read: Read, line: str, reason: str) -> None:
    good = record("1\n", "0.1,0.2\n", NOON)
    captures = read(good, line, good, names=("p", "a", "b"))

    assert table(captures) == counted(p=["1", "1"], a=["0.1", "0.1"], b=["0.2", "0.2"])
    assert [(bad.file, bad.line) for bad in captures.aside.named] == [("x.jsonl", 2)]
    assert reason in captures.aside.named[0].reason


def test_where_no_record_can_be_read_the_first_is_named(read: Read) -> None:
    with pytest.raises(
        DatasetError, match=r"^x\.jsonl line 1: not a captured record.*of 2 captured records none can be read"
    ):
        read("{", "[]")


def test_most_rows_say_how_many_columns_there_are(read: Read) -> None:
    wide = record("1\n", "0.1,0.2,0.3\n", NOON)
    captures = read(record("1\n", "0.1,0.2\n", NOON), wide, wide, names=("p", "a", "b"))

    assert list(captures.profile.columns) == ["p", "a", "b", "_c3"]
    assert captures.aside.named == [BadRecord(file="x.jsonl", line=1, reason="a row has 3 columns, the others 4")]


def test_only_the_window_counts(read: Read) -> None:
    inside = record("1\n", "2\n", NOON)
    captures = read(record("8\n", "8\n", NOON - timedelta(seconds=1)), inside, record("9\n", "9\n", NOON + HOUR))

    assert table(captures) == counted(_c0=["1"], _c1=["2"])
    with pytest.raises(DatasetError, match=r"^Job inputs had no data$"):
        read(record("8\n", "8\n", NOON + HOUR))


def test_of_an_endpoints_files_those_of_the_window_are_read(tmp_path: Path) -> None:
    """As Model Monitor gives them: by their hour, those that hold a record of it, and those of which no line can be read."""
    files = {
        "v/2026/04/18/11/late.jsonl": [record("1", "2,3", NOON), "{"],
        "v/2026/04/18/11/early.jsonl": [record("1", "2,3", NOON - HOUR), "{"],
        "v/2026/04/18/12/torn.jsonl": ["{"],
        "v/2026/04/18/13/next.jsonl": [record("1", "2,3", NOON), "{"],
        "v/2026/99/18/12/none.jsonl": [record("1", "2,3", NOON)],
    }
    for name, lines in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    exact = read_captures(tmp_path, NOON - HOUR / 2, NOON + HOUR, ())

    assert exact.profile.rows == 2
    assert [bad.file for bad in exact.aside.named] == ["late.jsonl", "torn.jsonl"]
    assert read_captures(tmp_path, None, None, ()).profile.rows == 4
