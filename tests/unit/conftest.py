"""`pytest -n 2 --dist=each tests/unit`: each process reads and runs a share of the rooms, where `--dist=load` has each read them all.

What a process imports is most of what it reads: a room's tests stay together.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

UNIT = Path(__file__).parent
SHARE = "share-of-the-units"


def weight(room: Path) -> int:
    """Bytes of a room's tests."""
    return sum(file.stat().st_size for file in (room.rglob("test_*.py") if room.is_dir() else [room]))


def shares(count: int) -> list[list[str]]:
    """The rooms below this folder by name, in `count` shares of like weight."""
    rooms = [path for path in UNIT.iterdir() if path.is_dir() or path.match("test_*.py")]
    filled: list[tuple[int, list[str]]] = [(0, []) for _ in range(count)]
    for room in sorted(rooms, key=lambda room: (-weight(room), room.name)):
        least = min(range(count), key=lambda place: filled[place][0])
        held, names = filled[least]
        filled[least] = (held + weight(room), [*names, room.name])
    return [names for _, names in filled]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process its share, where each runs its own tests."""
    if node.config.option.dist == "each":
        count = node.workerinput["workercount"]
        node.workerinput[SHARE] = shares(count)[int(node.workerinput["workerid"].removeprefix("gw"))]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave another process's share alone."""
    share = getattr(config, "workerinput", {}).get(SHARE)
    if share is None or UNIT not in collection_path.parents:
        return None
    return None if collection_path.relative_to(UNIT).parts[0] in share else True


def pytest_collection_finish() -> None:
    """What was read stays until the end: collections of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
