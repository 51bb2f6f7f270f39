"""Parts of files: every line is in one of them, whatever their size; and a profile is the same by however many processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.files import profile_files
from fogbank.monitor.spans import grouped


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
    """For each part every column's profile is merged: of a wide file that would be most of the work. Cores have something to do all the same."""
    file = tmp_path / "wide.csv"
    for wide, parts in ((2, 10), (4200, 5), (40_000, 4), (90_000, 3)):
        head = f"c\n{'1' * wide}\n"
        file.write_text(head + "x" * (100_000 - len(head)))
        assert len(grouped([file], split=True, size=10_000)) == parts


def test_where_no_file_can_be_read_it_says_why(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("x,x\n")
    with pytest.raises(DatasetError, match=r"^a: the header has the column 'x' twice$"):
        profile_files(sorted(tmp_path.iterdir()), "csv", {})
