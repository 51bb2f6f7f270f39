"""What is dear to make and only read: made once in a run, for all of its processes, and copied by whoever changes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fogbank.ground.locks import locked

MADE = ".made"


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """`folder`, filled by the first that comes; the others wait. One that failed halfway is made again beside what it left."""
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not (folder / MADE).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            make(folder)
            (folder / MADE).touch()
    return folder
