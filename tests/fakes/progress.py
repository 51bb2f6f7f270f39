"""The marks of a transform job in memory."""

from __future__ import annotations

from collections.abc import Iterable

from fogbank.cloud.jobs.progress import InputObject, Mark


class MemoryProgress:
    """Marks by object; `seen` are all that were put, in order."""

    def __init__(self) -> None:
        self.marks: dict[str, Mark] = {}
        self.seen: list[tuple[str, Mark]] = []

    def get(self, item: InputObject) -> Mark | None:
        """The last mark of an object."""
        return self.marks.get(str(item))

    def put(self, item: InputObject, mark: Mark) -> None:
        """It has come so far."""
        self.marks[str(item)] = mark
        self.seen.append((str(item), mark))

    def clear(self, items: Iterable[InputObject]) -> None:
        """The job has ended."""
        for item in items:
            self.marks.pop(str(item), None)
