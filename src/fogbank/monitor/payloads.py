"""The rows of one captured record: cells without names (CSV, lists) or fields by name (flat JSON objects).

JSON may come in the forms that the server reads: lists of rows, `instances`, `inputs`, `dataframe_records`, `dataframe_split`, `columns`
with `data`; answers may come as `predictions` or `outputs`. CSV may have a header, by the server's rule: more than half of the first
line's cells are names that the baseline has. A side without names beside one that has them takes the baseline's other names, in their
order.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from itertools import chain

from fogbank.contracts.capture import CapturedPayload, CaptureRecord, media_type
from fogbank.contracts.schema import header_names
from fogbank.monitor.dataset import DatasetError, csv_rows, positional
from fogbank.monitor.fields import Fields, FieldsError, flat, read_json
from fogbank.monitor.numbers import is_number

Cells = list[str]
Part = Cells | Fields
READABLE = {
    "text/csv": "CSV",
    "application/json": "JSON",
    "application/jsonlines": "JSON",
    "application/x-ndjson": "JSON",
}
"""What a BASE64 payload of these types holds, where it is not listed under CaptureContentTypeHeader."""
FORMS = ("instances", "inputs", "dataframe_records", "predictions", "outputs")
SPLIT = {"columns", "data", "index"}


def sides(record: CaptureRecord) -> list[CapturedPayload]:
    """Output first."""
    return [side for side in (record.output, record.input) if side is not None]


def encoding_of(record: CaptureRecord) -> str:
    """The one encoding of a record's sides. Raises DatasetError."""
    encodings = {side.encoding for side in sides(record)}
    if len(encodings) > 1 and record.input and record.output:
        raise DatasetError(
            f"Error: Encoding mismatch: Encoding is {record.input.encoding} for endpointInput, but Encoding is {record.output.encoding} for "
            "endpointOutput. We currently only support the same type of input and output encoding at the moment."
        )
    if not encodings:
        raise DatasetError("it has neither input nor output")
    return encodings.pop()


def rows_of(record: CaptureRecord, names: Sequence[str]) -> list[Part]:
    """A record's rows. Raises DatasetError."""
    parts = [parts_of(side, names) for side in sides(record)]
    if len(parts) == 2 and len(parts[0]) == 1 and len(parts[1]) > 1 and _plain(parts[1]):
        parts[1] = [
            [cell for part in parts[1] for cell in part]
        ]  # a list of plain values is a row where there is one answer
    if len({len(side) for side in parts}) > 1:
        raise DatasetError(f"the request has {len(parts[-1])} rows and its answer {len(parts[0])}")
    return [_together(row, names) for row in zip(*parts, strict=True)]


def parts_of(side: CapturedPayload, names: Sequence[str] = ()) -> list[Part]:
    """The rows of one side; a CSV's header is one where it has `names`. Raises DatasetError."""
    encoding, data = _text(side)
    if encoding == "CSV":
        rows = csv_rows(data)
        stated = "header=absent" in side.content_type.replace(" ", "").lower()
        return list(rows) if stated or not names else _below_header(rows, names)
    return [part for document in _documents(data) for part in _parts(document)]


def output_names(record: CaptureRecord, names: Sequence[str]) -> list[str]:
    """The names that a record's answer has among a row's: the first where it has none of its own. Raises DatasetError."""
    parts = parts_of(record.output, names) if record.output else []
    if not parts:
        return []
    return positional(len(parts[0]), names) if isinstance(parts[0], list) else list(parts[0])


def _below_header(rows: Sequence[Cells], names: Sequence[str]) -> list[Part]:
    """The rows by name where the first is a header, else as they are; rows of another length keep their cells without names."""
    header = header_names(rows[0], names) if len(rows) > 1 else []
    known = set(header) & set(names)
    if len(known) * 2 <= len(header) or len(set(header)) < len(header) or all(map(is_number, header)):
        return list(rows)
    return [dict(zip(header, row, strict=True)) if len(row) == len(header) else row for row in rows[1:]]


def _plain(parts: Sequence[Part]) -> bool:
    """Whether rows are of one cell each, as those of a list of plain values are."""
    return all(isinstance(part, list) and len(part) == 1 for part in parts)


def _text(side: CapturedPayload) -> tuple[str, str]:
    if side.encoding != "BASE64":
        return side.encoding, side.data
    encoding = READABLE.get(media_type(side.content_type))
    if encoding is None:
        raise DatasetError(
            f"the captured data is BASE64 of {side.content_type or 'no type'}; capture text/csv or application/json under "
            "CaptureContentTypeHeader"
        )
    try:
        return encoding, base64.b64decode(side.data, validate=True).decode("utf-8-sig")
    except (binascii.Error, ValueError) as error:
        raise DatasetError(f"its BASE64 holds no {encoding}: {error}") from error


def _documents(data: str) -> list[object]:
    """One JSON document, or one a line. Raises DatasetError."""
    try:
        return [read_json(data)]
    except FieldsError as error:
        try:
            return [read_json(line) for line in data.split("\n") if line.strip()]
        except FieldsError:
            raise error from None


def _parts(document: object) -> list[Part]:
    """The rows of a document in one of the forms, or the document as the one row."""
    if isinstance(document, dict) and len(document) == 1 and isinstance(document.get("dataframe_split"), dict):
        document = document["dataframe_split"]
    if isinstance(document, dict) and {"columns", "data"} <= document.keys() <= SPLIT:
        columns, data = document["columns"], document["data"]
        if isinstance(columns, list) and isinstance(data, list):
            return [flat(dict(zip(map(str, columns), row, strict=True))) for row in _as_long(data, len(columns))]
    if isinstance(document, dict) and len(document) == 1:
        form, rows = next(iter(document.items()))
        if form in FORMS and isinstance(rows, list):
            document = rows
    if not isinstance(document, list):
        return [flat(document)]
    return [flat(row) if isinstance(row, dict) else _cells(row) for row in document]


def _as_long(rows: Sequence[object], width: int) -> list[list[object]]:
    if not all(isinstance(row, list) and len(row) == width for row in rows):
        raise DatasetError(f"a row of `data` does not have one cell for each of the {width} columns")
    return [row for row in rows if isinstance(row, list)]


def _cells(row: object) -> Cells:
    cells = row if isinstance(row, list) else [row]
    if any(isinstance(cell, list | dict) for cell in cells):
        raise DatasetError("only flat JSON objects, and lists of plain values, can be monitored")
    return ["" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in cells]


def _together(parts: Sequence[Part], names: Sequence[str]) -> Part:
    """The sides of a row: all cells, or all fields."""
    if all(isinstance(part, list) for part in parts):
        return list(chain.from_iterable(parts))
    fields = {name: text for part in parts if not isinstance(part, list) for name, text in part.items()}
    free = [name for name in names if name not in fields]
    for part in parts:
        if isinstance(part, list):
            own, free = positional(len(part), free), free[len(part) :]
            fields = {**dict(zip(own, part, strict=True)), **fields}
    return fields
