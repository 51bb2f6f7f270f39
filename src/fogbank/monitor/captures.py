"""Captured records as a profile, read as SageMaker's analyzer reads them: output columns first, then input.

In: capture files and a window; out: the profile of the records in it, and what cannot be read, set aside by file, line and reason.
CSV has no names: its columns are the baseline's, in their order. JSON is put together by name. Many files are read by several processes,
whose records merge in the files' order; those that a script reads are its own process's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fogbank.contracts.capture import CapturedLine, CaptureRecord, read_lines
from fogbank.contracts.monitoring import NO_DATA
from fogbank.monitor.dataset import Aside, DatasetError, chunk_rows, records
from fogbank.monitor.fields import Fields
from fogbank.monitor.files import Profiled
from fogbank.monitor.payloads import Part, encoding_of, output_names, rows_of
from fogbank.monitor.profile import Profile
from fogbank.monitor.spans import grouped
from fogbank.monitor.together import Sharing, in_order
from fogbank.monitor.unnamed import UnnamedRows

RowsOf = Callable[[CaptureRecord, Sequence[str]], list[Part]]
"""What makes rows of a record: the reader of SageMaker's encodings, or a script. Raises DatasetError."""
GROUP = 4 << 20
"""Bytes of captured files that one process reads at once."""
HOUR_FOLDER = re.compile(r"/(\d{4}/\d\d/\d\d/\d\d)$")


class _Read:
    """The rows of records, in chunks."""

    def __init__(self, names: Sequence[str], own: RowsOf | None) -> None:
        self._names, self._own = names, own
        self._named = Profile()
        self._fields: list[Fields] = []
        self._rows = UnnamedRows(names)
        self._outputs: dict[str, None] = {}

    def add(self, file: str, line: int, record: CaptureRecord) -> None:
        """Take a record's rows. Raises DatasetError."""
        if not self._outputs and self._own is None:
            self._outputs = dict.fromkeys(output_names(record, self._names))
        for row in (self._own or rows_of)(record, self._names):
            if isinstance(row, list):
                self._rows.add(file, line, row)
            else:
                self._fields.append(row)
        if len(self._fields) >= chunk_rows(len(self._fields[-1]) if self._fields else 1):
            self._profile()

    def packed(self) -> _Read:
        """The same with no rows that wait, and no script: to be given away."""
        self._profile()
        self._rows.packed()
        self._own = None
        return self

    def merge(self, other: _Read) -> None:
        """Take the rows of records that follow."""
        self._outputs = self._outputs or other._outputs
        self._rows.merge(other._rows)
        if self._named.rows:
            self._named.merge(other._named)
        else:
            self._named = other._named

    def profiled(self, aside: Aside) -> Profiled:
        """Of all of them: the names' columns first."""
        self._profile()
        profile = self._rows.settled(aside)
        if not profile.rows:
            profile = self._named
        elif self._named.rows:
            profile.merge(self._named)
        outputs = tuple(name for name in self._outputs if name in profile.columns)
        return Profiled(profile=profile.first(self._names), aside=aside, outputs=outputs)

    def _profile(self) -> None:
        if self._fields:
            data = records(self._fields, self._names)
            self._named.add(data.columns, data.item_count)
            self._fields.clear()


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Files that one process reads."""

    files: Sequence[Path]
    start: datetime | None
    end: datetime | None
    names: Sequence[str]
    own: RowsOf | None = None


def read_captures(
    folder: Path,
    start: datetime | None,
    end: datetime | None,
    names: Sequence[str],
    own: RowsOf | None = None,
    processes: int | None = None,
    size: int = GROUP,
    share: Sharing = in_order,
) -> Profiled:
    """Every captured record below `folder` with start <= time < end; `own` is a script's reader. Files are read in parts of `size` bytes;
    `processes`, and hosts that `share` the parts, do not change the result.

    Raises DatasetError where there is none that can be read.
    """
    read, aside = _Read(names, own), Aside()
    files = [path for path in sorted(folder.rglob("*.jsonl")) if _hour_within(path, start, end)]
    groups = [[span.file for span in spans] for spans in grouped(files, split=False, size=size)]
    asked = [_Group(files=own_files, start=start, end=end, names=tuple(names), own=own) for own_files in groups]
    for part, bad in share(_group, asked, processes=1 if own else processes):
        read.merge(part)
        aside.merge(bad)
    profiled = read.profiled(aside)
    if not profiled.profile.rows and aside.count:
        raise DatasetError(f"{aside.named[0]} (of {aside.count} captured records none can be read)")
    return profiled.some(NO_DATA)


def _group(group: _Group) -> tuple[_Read, Aside]:
    """The records of some files."""
    read, aside = _Read(group.names, group.own), Aside()
    records = _records(group.files, group.start, group.end, aside, any_encoding=group.own is not None)
    for file, line, record in records:
        try:
            read.add(file, line, record)
        except DatasetError as error:
            aside.add(file, line, str(error))
    return read.packed(), aside


def records_of(
    folder: Path, start: datetime | None, end: datetime | None, aside: Aside, *, any_encoding: bool = False
) -> Iterator[tuple[str, int, CaptureRecord]]:
    """The records of a window with their files and lines; a line that is none is set aside, and so is a record of two encodings,
    unless those do not matter."""
    files = [path for path in sorted(folder.rglob("*.jsonl")) if _hour_within(path, start, end)]
    return _records(files, start, end, aside, any_encoding=any_encoding)


def _records(
    files: Sequence[Path], start: datetime | None, end: datetime | None, aside: Aside, *, any_encoding: bool
) -> Iterator[tuple[str, int, CaptureRecord]]:
    for file, line in _lines(files, start, end, aside):
        record = line.record
        if record is None:
            aside.add(file, line.number, line.problem)
        elif _within(record, start, end):
            try:
                if not any_encoding:
                    encoding_of(record)
            except DatasetError as error:
                aside.add(file, line.number, str(error))
            else:
                yield file, line.number, record


def _lines(
    files: Sequence[Path], start: datetime | None, end: datetime | None, aside: Aside
) -> Iterator[tuple[str, CapturedLine]]:
    """The lines of the files of a window, as Model Monitor would give them: of a whole endpoint's files, those of its hours that hold a
    record of it; one of which no line can be read is among them.
    """
    for path in files:
        try:
            lines = list(read_lines(path.read_bytes()))
        except OSError as error:
            aside.add(path.name, 0, str(error.strerror or error))
            continue
        records = [line.record for line in lines if line.record is not None]
        if not records or any(_within(record, start, end) for record in records):
            yield from ((path.name, line) for line in lines)


def _hour_within(path: Path, start: datetime | None, end: datetime | None) -> bool:
    """Whether a file's folder is of an hour that the window touches; one that is not of an hour may be."""
    match = HOUR_FOLDER.search(path.parent.as_posix())
    try:
        hour = datetime.strptime(match[1], "%Y/%m/%d/%H").replace(tzinfo=UTC) if match else None
    except ValueError:
        hour = None
    if hour is None:
        return True
    return (start is None or hour + timedelta(hours=1) > start) and (end is None or hour < end)


def _within(record: CaptureRecord, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or record.time >= start) and (end is None or record.time < end)
