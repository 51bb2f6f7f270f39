"""Times of lines: by marks beside the files, that survive, and that follow what becomes of the files."""

from __future__ import annotations

from pathlib import Path

from fogbank.cloud.logs.events import before, forwards
from fogbank.cloud.logs.marks import Marks


class Written:
    """A log that grows on a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path, self.now = folder, folder / "v" / "i-1.log", 100.0
        self.path.parent.mkdir()
        self.marks = self.fresh()

    def fresh(self) -> Marks:
        return Marks(self.folder, lambda: self.now)

    def write(self, text: str, at: float) -> None:
        with self.path.open("a") as file:
            file.write(text)
        self.now = at
        self.marks.note()

    def lines(self, first: int | None = None, last: int | None = None) -> list[tuple[int, str]]:
        """The events from one time until before another, in seconds."""
        times = self.marks.times(self.path)
        start = times.first((first or 0) * 1000)
        end = times.end if last is None else times.first(last * 1000)
        return [(event.at // 1000, event.message) for event in forwards(self.path, times, start, end)]


def test_lines_have_the_time_of_the_mark_behind_them(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write("a\nb\n", 110)
    log.write("\nc\nhal", 120)
    assert log.lines() == [(110, "a"), (110, "b"), (120, "c")]
    log.marks = log.fresh()
    log.write("f\n", 130)
    assert log.lines() == [(110, "a"), (110, "b"), (120, "c"), (130, "half")]
    assert log.lines(first=120) == [(120, "c"), (130, "half")]
    assert log.lines(first=111, last=121) == [(120, "c")]


def test_the_last_events_are_read_from_the_end(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write("".join(f"line {number} {'x' * 50}\n" for number in range(5000)), 110)
    times = log.marks.times(log.path)
    last = before(log.path, times, 0, times.end, 3)
    assert [event.message.split()[1] for event in last] == ["4997", "4998", "4999"]
    earlier = before(log.path, times, 0, last[0].start, 2)
    assert [event.message.split()[1] for event in earlier] == ["4995", "4996"]
    assert before(log.path, times, 0, 0, 3) == []


def test_what_was_deleted_is_gone_and_what_comes_after_is_not(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write("a\n", 110)
    log.marks.delete(log.path)
    assert log.lines() == []
    log.write("b\n", 120)
    assert log.lines() == [(120, "b")]


def test_marks_go_with_their_file(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write("a\n", 110)
    log.path.unlink()
    log.marks.note()
    assert list(tmp_path.rglob("*.times")) == []


def test_a_reset_takes_every_log_and_its_marks(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.write("a\n", 110)
    log.marks.reset()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    log.write("b\n", 120)
    assert log.lines() == [(120, "b")]
