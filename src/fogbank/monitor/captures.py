"""Captured records as a data set, read as SageMaker's analyzer reads them: output columns first, then input.

In: capture files and a window; out: the rows of the records in it, and what cannot be read, set aside by file, line and reason.
CSV has no names: its columns are the baseline's, in their order. JSON is put together by name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fogbank.contracts.capture import CapturedLine, CapturedPayload, CaptureRecord, read_lines
from fogbank.contracts.monitoring import NO_DATA
from fogbank.monitor.dataset import Dataset, DatasetError, csv_rows, joined, records, table

Cells = list[str]
Fields = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class BadRecord:
    """A captured record that cannot be read."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Captures:
    """The rows of a window, and what was set aside."""

    data: Dataset
    bad: Sequence[BadRecord]


class _RecordError(Exception):
    """A record that cannot be read; the text says why."""


@dataclass(frozen=True)
class _Row:
    """A row without names, and where it comes from."""

    file: str
    line: int
    cells: Cells


def read_captures(folder: Path, start: datetime | None, end: datetime | None, names: Sequence[str]) -> Captures:
    """Every captured record below `folder` with start <= time < end. Raises DatasetError where there is none that can be read."""
    rows: list[_Row] = []
    fields: list[Fields] = []
    bad: list[BadRecord] = []
    for file, line in _lines(folder):
        try:
            record = _record(line)
            if (start and record.time < start) or (end and record.time >= end):
                continue
            if _encoding(record) == "CSV":
                rows += [_Row(file, line.number, cells) for cells in _csv(record)]
            else:
                fields += _json(record)
        except _RecordError as error:
            bad.append(BadRecord(file=file, line=line.number, reason=str(error)))
    width = _width(rows, len(names))
    bad += [
        BadRecord(file=row.file, line=row.line, reason=f"a row has {len(row.cells)} columns, the others {width}")
        for row in rows
        if len(row.cells) != width
    ]
    parts = [table([row.cells for row in rows if len(row.cells) == width], names) if rows else None,
             records(fields, names) if fields else None]  # fmt: skip
    data = joined([part for part in parts if part is not None])
    if not data.item_count:
        raise DatasetError(f"{bad[0]} (of {len(bad)} captured records none can be read)" if bad else NO_DATA)
    return Captures(data=data, bad=bad)


def _lines(folder: Path) -> Iterator[tuple[str, CapturedLine]]:
    for path in sorted(folder.rglob("*.jsonl")):
        for line in read_lines(path.read_bytes()):
            yield path.name, line


def _record(line: CapturedLine) -> CaptureRecord:
    if line.record is None:
        raise _RecordError(line.problem)
    return line.record


def _width(rows: Sequence[_Row], expected: int) -> int:
    """The columns that most rows have; of two counts that are as frequent, the baseline's."""
    counts = Counter(len(row.cells) for row in rows)
    return max(counts, key=lambda width: (counts[width], width == expected), default=0)


def _sides(record: CaptureRecord) -> list[CapturedPayload]:
    return [side for side in (record.output, record.input) if side is not None]


def _encoding(record: CaptureRecord) -> str:
    """The one encoding of a record's sides. Raises _RecordError."""
    encodings = {side.encoding for side in _sides(record)}
    if len(encodings) > 1 and record.input and record.output:
        raise _RecordError(
            f"Error: Encoding mismatch: Encoding is {record.input.encoding} for endpointInput, but Encoding is {record.output.encoding} for "
            "endpointOutput. We currently only support the same type of input and output encoding at the moment."
        )
    if not encodings:
        raise _RecordError("it has neither input nor output")
    if encodings == {"BASE64"}:
        raise _RecordError(
            "the captured data is BASE64; capture text/csv or application/json under CaptureContentTypeHeader"
        )
    return encodings.pop()


def _csv(record: CaptureRecord) -> list[Cells]:
    try:
        sides = [csv_rows(side.data) for side in _sides(record)]
    except DatasetError as error:
        raise _RecordError(str(error)) from error
    _same_length(sides)
    return [[text for cells in together for text in cells] for together in zip(*sides, strict=True)]


def _json(record: CaptureRecord) -> list[Fields]:
    sides = [[_flat(document) for document in _documents(side.data)] for side in _sides(record)]
    _same_length(sides)
    return [
        {name: text for fields in together for name, text in fields.items()} for together in zip(*sides, strict=True)
    ]


def _same_length(sides: Sequence[Sequence[object]]) -> None:
    if len({len(side) for side in sides}) > 1:
        raise _RecordError(f"the request has {len(sides[-1])} rows and its answer {len(sides[0])}")


def _documents(data: str) -> list[object]:
    """One JSON document, or one a line."""
    try:
        return [_read_json(data)]
    except (ValueError, RecursionError) as error:
        try:
            return [_read_json(line) for line in data.split("\n") if line.strip()]
        except (ValueError, RecursionError):
            raise _RecordError(f"it is not JSON: {error}") from error


def _read_json(text: str) -> object:
    document: object = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)  # a number is its own text
    return document


def _flat(document: object) -> Fields:
    if (
        not isinstance(document, dict)
        or not document
        or any(isinstance(value, dict | list) for value in document.values())
    ):
        raise _RecordError("only flat JSON objects can be monitored")
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in document.items()}
