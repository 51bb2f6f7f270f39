"""Hosts that read one data set together, each by processes of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.hosts import Meeting
from fogbank.monitor.captures import read_captures
from fogbank.monitor.files import profile_files
from fogbank.monitor.hosts import Crew, ToldError
from tests.unit.monitor.crews import at_once, crews, free_place, rows
from tests.unit.monitor.traffic import NOON, record


@pytest.fixture
def meeting() -> Meeting:
    return free_place()


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("count", [2, 3])
def test_a_large_file_is_shared_and_its_profile_is_that_of_one_host(
    tmp_path: Path, meeting: Meeting, count: int, quoted: bool
) -> None:
    body = rows(20_000) + "1,2,3\n" + ('"x\ny",1\n' if quoted else "") + rows(5)[4:]
    (tmp_path / "d.csv").write_text(body)

    def read(crew: Crew) -> Any:
        with crew:
            return profile_files([tmp_path / "d.csv"], "csv", {}, size=10_000, share=crew.share)

    first, *others = at_once([partial(read, crew) for crew in crews(meeting, count)])

    one = profile_files([tmp_path / "d.csv"], "csv", {}, size=10_000)
    assert first.profile.document() == one.profile.document()
    assert first.aside == one.aside
    assert all(isinstance(other, ToldError) for other in others)


def test_captured_records_are_shared(tmp_path: Path, meeting: Meeting) -> None:
    for number in range(9):
        lines = [record(f"{number}\n", f"{number * index}\n", NOON) for index in range(20)]
        (tmp_path / f"{number}.jsonl").write_text("\n".join(lines) + "\n{\n")

    def read(crew: Crew) -> Any:
        with crew:
            return read_captures(tmp_path, None, None, ["y", "x"], size=1, share=crew.share)

    first, _ = at_once([partial(read, crew) for crew in crews(meeting, 2)])

    one = read_captures(tmp_path, None, None, ["y", "x"], size=1)
    assert first.profile.document() == one.profile.document()
    assert (first.outputs, first.aside) == (one.outputs, one.aside)
