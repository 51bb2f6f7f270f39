"""`--share 1/2`: one of two processes reads and runs its share of the rooms (`make unit`, tools/units.py).

What a process imports is most of what it reads: a room's tests stay together, and so do the rooms that import scikit-learn. The cloud, whose
tests wait more than they compute and are half of all, is divided by its own rooms.
"""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

UNIT = Path(__file__).parent
NUMERIC = ("monitor", "pack", "scoring", "serve", "transform")
"""They import scikit-learn and compute: their tests take three times as long for their size, by the clock of a quiet machine."""
DIVIDED = "cloud"

SHARE = pytest.StashKey[list[str] | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", help="which share of the rooms to read and run, of how many: 1/2")


def weight(room: Path) -> int:
    """Bytes of a room's tests, by what they take."""
    files = room.rglob("test_*.py") if room.is_dir() else [room]
    return sum(file.stat().st_size for file in files) * (3 if room.name in NUMERIC else 1)


def room_of(path: Path) -> str:
    """What a path below this folder is shared out with."""
    return "/".join(path.parts[: 2 if path.parts[0] == DIVIDED else 1])


def shares(count: int) -> list[list[str]]:
    """The rooms below this folder by their paths in it, in `count` shares of like weight."""
    paths = [*(path for path in UNIT.iterdir() if path.name != DIVIDED), *(UNIT / DIVIDED).iterdir()]
    rooms = {
        path.relative_to(UNIT).as_posix(): weight(path)
        for path in paths
        if (path.is_dir() and path.name != "__pycache__") or path.match("test_*.py")
    }
    groups = [[room for room in rooms if room in NUMERIC], *([room] for room in rooms if room not in NUMERIC)]
    filled: list[tuple[int, list[str]]] = [(0, []) for _ in range(count)]
    for heavy, group in sorted(((sum(map(rooms.__getitem__, group)), sorted(group)) for group in groups), reverse=True):
        least = min(range(count), key=lambda place: filled[place][0])
        held, names = filled[least]
        filled[least] = (held + heavy, names + group)
    return [names for _, names in filled]


def pytest_configure(config: pytest.Config) -> None:
    """Know this process's share, where it has one. What is imported is no garbage: a twentieth of the time went into looking for some."""
    gc.set_threshold(50_000)
    said = config.getoption("--share", None)
    place, _, count = said.partition("/") if said else ("", "", "")
    config.stash[SHARE] = shares(int(count))[int(place) - 1] if said else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave another process's share alone."""
    share = config.stash.get(SHARE, None)
    if share is None or UNIT not in collection_path.parents:
        return None
    path = collection_path.relative_to(UNIT)
    return None if path.as_posix() == DIVIDED or path.name == "conftest.py" or room_of(path) in share else True


def pytest_collection_finish() -> None:
    """What was read stays until the end: collections of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
