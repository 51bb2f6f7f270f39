"""Parts of files: every line is in one of them, whatever their size; and a profile is the same by however many processes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.captures import read_captures
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.files import Profiled, profile_files
from fogbank.monitor.sketch import distance
from fogbank.monitor.spans import grouped
from tests.unit.monitor.traffic import NOON, record


@given(st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=30), st.integers(1, 20))
def test_every_line_is_in_one_part(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int) -> None:
    file = tmp_path_factory.mktemp("spans") / "f"
    file.write_bytes(b"\n".join(lines))
    groups = grouped([file], split=True, size=size)
    read, told = [], []
    for [span] in groups:
        with span.open() as stream:
            read.append(b"".join(iter(lambda: stream.read(4), b"")))
        count = span.lines
        with span.open() as stream:
            told.append(b"".join(stream.lines()))
        assert span.whole or count == read[-1].count(b"\n")

    assert b"".join(read) == b"".join(told) == file.read_bytes()


def test_small_files_are_read_together_and_a_large_one_in_parts(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abcd"]
    for file, size in zip(files, (3, 4, 25, 1), strict=True):
        file.write_bytes(b"x" * size)

    groups = grouped([*files, tmp_path / "gone"], split=True, size=6)

    assert [[(span.file.name, span.start, span.end) for span in spans] for spans in groups] == [
        [("a", 0, None), ("b", 0, None)],
        [("c", 0, 6)], [("c", 6, 12)], [("c", 12, 18)], [("c", 18, None)],
        [("d", 0, None), ("gone", 0, None)],
    ]  # fmt: skip


def test_parts_of_long_lines_are_longer(tmp_path: Path) -> None:
    """For each part every column's profile is merged: of a wide file that would be most of the work."""
    file = tmp_path / "wide.csv"
    for wide, parts in ((2, 10), (4200, 5), (40_000, 1)):
        head = f"c\n{'1' * wide}\n"
        file.write_text(head + "x" * (100_000 - len(head)))
        assert len(grouped([file], split=True, size=10_000)) == parts


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


def test_where_no_file_can_be_read_it_says_why(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("x,x\n")
    with pytest.raises(DatasetError, match=r"^a: the header has the column 'x' twice$"):
        profile_files(sorted(tmp_path.iterdir()), "csv", {})


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
