"""Data sets as named columns of text: a CSV baseline, or captured records.

In: files; out: a `Dataset`. Capture files are read as SageMaker's analyzer reads them: output columns first, then input.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fogbank.contracts.capture import CapturedPayload, CaptureRecord, read_line


class DatasetError(Exception):
    """Data that the analyzer cannot read; the text is the job's failure reason."""


@dataclass(frozen=True)
class Dataset:
    """Named columns of equal length; an absent value is None, everything else its text."""

    columns: Mapping[str, Sequence[str | None]]

    @property
    def item_count(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


def read_csv(text: str, names: Sequence[str] | None = None) -> Dataset:
    """A CSV with a header, or without one under the given names. Raises DatasetError for rows of unequal length."""
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if names is None:
        if not rows:
            raise DatasetError("the CSV is empty")
        names, rows = rows[0], rows[1:]
    return table(rows, names)


def table(rows: Sequence[Sequence[str | None]], names: Sequence[str] | None) -> Dataset:
    """Rows under names; where there are none, or not as many as columns, SageMaker's `_c0`, `_c1`, ... Raises DatasetError."""
    width = len(rows[0]) if rows else len(names or ())
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise DatasetError(f"row {number} has {len(row)} columns, row 1 has {width}")
    named = list(names or ())[:width] + [f"_c{i}" for i in range(len(names or ()), width)]
    return Dataset({name: [_cell(row[i]) for row in rows] for i, name in enumerate(named)})


def _cell(value: str | None) -> str | None:
    return None if value is None or not value.strip() else value.strip()


def read_capture(folder: Path, start: datetime | None, end: datetime | None, names: Sequence[str] | None) -> Dataset:
    """Every captured record below `folder` with start <= time < end. Raises DatasetError."""
    rows: list[Sequence[str | None]] = []
    keys: list[str] | None = None
    for record in _records(folder, start, end):
        found, found_keys = _rows(record)
        rows += found
        keys = keys or found_keys
    if not rows:
        raise DatasetError("Job inputs had no data")
    return table(rows, keys or names)


def _records(folder: Path, start: datetime | None, end: datetime | None) -> Iterable[CaptureRecord]:
    for path in sorted(folder.rglob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip():
                continue
            try:
                record = read_line(line)
            except (ValueError, KeyError, TypeError) as error:
                raise DatasetError(f"{path.name} line {number} is not a captured record: {error!r}") from error
            if (start is None or record.time >= start) and (end is None or record.time < end):
                yield record


def _rows(record: CaptureRecord) -> tuple[list[list[str | None]], list[str] | None]:
    """The rows of one record, output columns first; the keys where it is JSON."""
    sides = [side for side in (record.output, record.input) if side is not None]
    encodings = {side.encoding for side in sides}
    if len(encodings) > 1 and record.input and record.output:
        raise DatasetError(
            f"Error: Encoding mismatch: Encoding is {record.input.encoding} for endpointInput, but Encoding is {record.output.encoding} for "
            "endpointOutput. We currently only support the same type of input and output encoding at the moment."
        )
    if encodings == {"BASE64"}:
        raise DatasetError(
            "the captured data is BASE64; capture text/csv or application/json under CaptureContentTypeHeader"
        )
    if encodings == {"CSV"}:
        parts = [[row for row in csv.reader(io.StringIO(side.data)) if row] for side in sides]
        if len({len(part) for part in parts}) > 1:
            raise DatasetError(f"a captured request has {len(parts[-1])} rows and its answer {len(parts[0])}")
        return [[cell for row in together for cell in row] for together in zip(*parts, strict=True)], None
    return _json_rows(sides)


def _json_rows(sides: Sequence[CapturedPayload]) -> tuple[list[list[str | None]], list[str] | None]:
    merged: dict[str, str | None] = {}
    for side in sides:
        document = json.loads(side.data)
        if not isinstance(document, dict) or any(isinstance(value, dict | list) for value in document.values()):
            raise DatasetError("only flat JSON objects can be monitored")
        merged.update({key: None if value is None else str(value) for key, value in document.items()})
    return [list(merged.values())], list(merged)
