"""A profile of many parts is the same by however many processes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fogbank.monitor.captures import read_captures
from fogbank.monitor.files import Profiled, profile_files
from fogbank.monitor.sketch import distance
from tests.unit.monitor.traffic import NOON, record


def same(one: Profiled, two: Profiled) -> Profiled:
    """One of two that say the same."""
    assert json.dumps(one.profile.document()) == json.dumps(two.profile.document())
    assert (one.aside, one.outputs) == (two.aside, two.outputs)
    return two


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of many parts and two small ones, of which one is no table."""
    place = tmp_path_factory.mktemp("folder")
    block = np.char.mod("%.6f", np.random.default_rng(4).normal(size=(20_000, 3)))
    rows = [",".join(row) + "\n" for row in block.tolist()]
    (place / "a.csv").write_text("".join(["c0,c1,c2\n", "1,2\n", *rows, "3\n"]))
    (place / "b.csv").write_text("c0\n\n5\nx,y\n")
    (place / "c.csv").write_text("a,b,a\n1,2,3\n")
    return place


PART = 20_000
"""Bytes."""


def test_a_profile_is_the_same_by_however_many_processes(folder: Path) -> None:
    files = sorted(folder.iterdir())
    found = same(*(profile_files(files, "csv", {}, processes=count, size=PART) for count in (1, 2)))

    assert (found.profile.rows, found.profile.columns["c2"].present) == (20_001, 20_000)
    named = [(bad.file, bad.line) for bad in found.aside.named]
    assert named == [("a.csv", 2), ("a.csv", 20_003), ("b.csv", 4), ("c.csv", 0)]
    assert str(found.aside.named[-1]) == "c.csv: the header has the column 'a' twice"


def test_parts_are_the_profile_of_all_within_what_the_sketches_err_by(folder: Path) -> None:
    files = [folder / "a.csv"]
    whole, parts = (profile_files(files, "csv", {}, processes=1, size=size).profile for size in (1 << 30, PART))

    for name, column in whole.columns.items():
        other = parts.columns[name]
        assert other.moments is not None
        assert column.moments is not None
        assert other.moments.document() == pytest.approx(column.moments.document())
        apart = distance(column.quantiles.levels(), other.quantiles.levels())
        assert apart <= column.quantiles.error + other.quantiles.error
        assert (other.kind, other.present) == (column.kind, column.present)


def test_rows_without_names_are_those_of_most_parts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1,2\n" * 3 + "1,2,3\n" * 9000)
    one, two = (
        profile_files([tmp_path / "a"], "csv", {"header": False}, "xyz", processes=count, size=5000) for count in (1, 2)
    )

    assert (same(one, two).profile.rows, list(two.profile.columns), two.aside.count) == (9000, ["x", "y", "z"], 3)


def test_a_part_with_a_quote_is_not_read_alone(folder: Path, tmp_path: Path) -> None:
    """A quote may hide a newline: whoever begins to read below it would take a cell for a row."""
    body = (folder / "a.csv").read_bytes()
    (tmp_path / "q.csv").write_bytes(body + b'"' + b"\n" * 7 + b'"' + b",1,1\n")
    found = profile_files([tmp_path / "q.csv"], "csv", {}, processes=2, size=PART)

    assert (found.profile.rows, found.aside.count) == (20_001, 2)


def test_json_lines_are_parts_of_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("".join(f'{{"n": {i}}}\n' for i in range(5000)) + "{half\n")
    one, two = (
        profile_files([tmp_path / "a"], "json", {"lines": True}, processes=count, size=9000) for count in (1, 2)
    )

    assert same(one, two).profile.rows == 5000
    assert [bad.line for bad in two.aside.named] == [5001]


def test_captured_files_are_read_alike_by_however_many_processes(tmp_path: Path) -> None:
    body = "".join(record(f"{i % 2}\n", f"{i},x\n", NOON) + "\n" for i in range(300))
    for hour in ("a", "b", "c", "d"):
        (tmp_path / f"{hour}.jsonl").write_text(body + "{half\n")
    (tmp_path / "e.jsonl").mkdir()
    names = ("y", "n", "s")
    one, two = (read_captures(tmp_path, None, None, names, processes=count, size=1) for count in (1, 2))

    assert same(one, two).profile.rows == 1200
    assert [(bad.file, bad.line) for bad in two.aside.named] == [
        *((f"{hour}.jsonl", 301) for hour in "abcd"), ("e.jsonl", 0),
    ]  # fmt: skip
