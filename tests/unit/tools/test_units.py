"""No test is lost between the processes of `make unit`, and what fails in one fails all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.unit.conftest import NUMERIC, UNIT, room_of, shares
from tools.units import place, whole


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_every_room_is_in_one_share(count: int) -> None:
    rooms = {room_of(path.relative_to(UNIT)) for path in UNIT.rglob("test_*.py")}
    given = [room for share in shares(count) for room in share]

    assert len(shares(count)) == count
    assert (rooms - {*given}, len(given)) == (set(), len({*given}))
    assert sum(not {*NUMERIC}.isdisjoint(share) for share in shares(count)) == 1


@pytest.mark.parametrize(
    ("statuses", "status"), [((0, 0), 0), ((0, 5), 0), ((5, 5), 5), ((1, 0), 1), ((0, 5, 1), 1), ((0, -9), -9)]
)
def test_a_share_that_fails_fails_all_and_one_without_tests_does_not(statuses: tuple[int, ...], status: int) -> None:
    assert whole(statuses) == status


def test_without_a_place_in_memory_files_lie_where_temporary_ones_do(tmp_path: Path) -> None:
    assert place(tmp_path / "none") is None


@pytest.mark.skipif(sys.platform != "linux", reason="a file system's flags by Linux's names")
@pytest.mark.parametrize(
    ("blocks", "flags", "does"), [(1 << 20, 0, True), (1 << 18, 0, False), (1 << 20, os.ST_NOEXEC, False)]
)
def test_a_place_in_memory_has_room_and_runs_scripts(tmp_path: Path, blocks: int, flags: int, does: bool) -> None:
    """4 GiB, 1 GiB, and 4 GiB on which nothing is executed, in blocks of 4 KiB."""
    system = os.statvfs_result((4096, 4096, blocks, blocks, blocks, 0, 0, 0, flags, 255))
    assert place(tmp_path, lambda _: system) == (tmp_path if does else None)
