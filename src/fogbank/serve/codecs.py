"""Bytes to rows and back: text/csv, application/json, application/jsonlines and application/x-npy.

Without a schema the forms are those of SageMaker's inference toolkit. With one, every cell is checked, and a cell that does
not fit is named by row and column.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from fogbank.contracts.capture import media_type
from fogbank.contracts.manifest import Column, Schema
from fogbank.serve.problems import RequestError, bad_request

Rows = NDArray[Any]
"""Shape (rows, columns); float64 unless a column holds strings."""

CSV, JSON, JSONLINES, NPY = "text/csv", "application/json", "application/jsonlines", "application/x-npy"
JSONLINES_ALIASES = frozenset({JSONLINES, "application/x-jsonlines", "application/jsonl"})


def decode(body: bytes, content_type: str, schema: Schema | None) -> Rows:
    """The rows of a request body. Raises RequestError: 415 for a type that is not read here, 400 for a body that does not fit."""
    kind = media_type(content_type or CSV)
    reader = DECODERS.get(JSONLINES if kind in JSONLINES_ALIASES else kind)
    if reader is None:
        raise RequestError(415, f"content type {content_type!r} is not supported; send one of {', '.join(DECODERS)}")
    if not body.strip():
        raise bad_request("the request body is empty")
    return reader(body, schema)


def encode(prediction: Any, accept: str) -> tuple[bytes, str]:
    """A prediction as the bytes of `accept`, with its content type. Raises RequestError 406."""
    kind = media_type(accept)
    writer = ENCODERS.get(JSONLINES if kind in JSONLINES_ALIASES else kind)
    if writer is None:
        raise RequestError(406, f"accept {accept!r} is not supported; ask for one of {', '.join(ENCODERS)}")
    return writer(prediction), kind


def negotiate(accept: str | None, default: str) -> str:
    """The first type of an Accept header that is written here; no header or `*/*` gives the default."""
    for part in (accept or "*/*").split(","):
        kind = media_type(part)
        if kind in {"*/*", ""}:
            return default
        if kind in ENCODERS or kind in JSONLINES_ALIASES:
            return kind
    return accept or default


def _decode_csv(body: bytes, schema: Schema | None) -> Rows:
    text = _text(body)
    rows = (
        [row for row in csv.reader(io.StringIO(text)) if row]
        if '"' in text
        else [line.split(",") for line in text.splitlines() if line.strip()]
    )
    if schema and rows and [cell.strip() for cell in rows[0]] == list(schema.names):
        rows = rows[1:]
        if not rows:
            raise bad_request("the body holds a header and no rows")
    return _table(rows, schema)


def _decode_json(body: bytes, schema: Schema | None) -> Rows:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    if isinstance(document, dict):
        if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
            document = [dict(zip(document["columns"], row, strict=False)) for row in document["data"]]
        else:
            document = next((document[key] for key in ("instances", "inputs") if key in document), [document])
    if not isinstance(document, list):
        raise bad_request(
            "JSON must be a list of rows, or an object with `instances`, `inputs` or `columns` and `data`"
        )
    if document and not isinstance(document[0], list | dict):
        document = [document]
    return _table(document, schema)


def _decode_jsonlines(body: bytes, schema: Schema | None) -> Rows:
    rows = []
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            try:
                rows.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                raise bad_request(f"row {number} is not JSON: {error}") from error
    rows = [row["features"] if isinstance(row, dict) and set(row) == {"features"} else row for row in rows]
    return _table(rows, schema)


def _decode_npy(body: bytes, schema: Schema | None) -> Rows:
    try:
        array = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise bad_request(f"the body is not an npy array without pickles: {error}") from error
    if array.ndim == 1:
        array = array.reshape(1, -1)
    if array.ndim != 2:
        raise bad_request(f"the array must have 2 dimensions, not {array.ndim}")
    return _table(array, schema) if schema else array


def _table(rows: Any, schema: Schema | None) -> Rows:
    if len(rows) == 0:
        raise bad_request("the body holds no rows")
    if schema is None:
        return _untyped(rows)
    ordered = [_in_order(row, schema, number) for number, row in enumerate(rows, 1)]
    if all(column.dtype != "string" for column in schema.columns):
        table = _numbers(ordered)
        if table is not None and np.isfinite(table).all() and _whole_where_due(table, schema):
            return table
    return _checked(ordered, schema)


def _whole_where_due(table: Rows, schema: Schema) -> bool:
    whole = [i for i, column in enumerate(schema.columns) if column.dtype == "integer"]
    return bool((table[:, whole] % 1 == 0).all())


def _untyped(rows: Any) -> Rows:
    if isinstance(rows[0], dict):
        raise bad_request("rows are objects, and the package has no schema that orders their columns; send lists")
    table = _numbers(rows)
    return table if table is not None else np.array(rows, dtype=object)


def _numbers(rows: Any) -> Rows | None:
    try:
        table = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError):
        return None
    return table if table.ndim == 2 else None


def _in_order(row: Any, schema: Schema, number: int) -> Any:
    names = schema.names
    if isinstance(row, dict):
        unknown = sorted(set(row) - set(names))
        missing = [name for name in names if name not in row]
        if unknown or missing:
            said = [f"unknown column {name!r}" for name in unknown[:3]] + [
                f"missing column {name!r}" for name in missing[:3]
            ]
            raise bad_request(f"row {number}: {', '.join(said)}")
        return [row[name] for name in names]
    if not isinstance(row, list | np.ndarray):
        raise bad_request(f"row {number} is neither a list nor an object")
    if len(row) != len(names):
        raise bad_request(
            f"row {number} has {len(row)} columns, the schema has {len(names)}: {', '.join(names[:4])}, ..."
        )
    return row


def _checked(rows: list[Sequence[Any]], schema: Schema) -> Rows:
    strings = any(column.dtype == "string" for column in schema.columns)
    table: Rows = np.empty((len(rows), len(schema.columns)), dtype=object if strings else np.float64)
    for i, row in enumerate(rows):
        for j, column in enumerate(schema.columns):
            table[i, j] = _cell(row[j], column, i + 1)
    return table


def _cell(value: Any, column: Column, row: int) -> Any:
    where = f"row {row}, column {column.name!r}"
    if column.dtype == "string":
        if value is None and not column.nullable:
            raise bad_request(f"{where}: a value is required")
        return value if value is None else str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        if column.nullable:
            return np.nan
        raise bad_request(f"{where}: a value is required")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise bad_request(f"{where}: {value!r} is not a number") from error
    if not np.isfinite(number) and not column.nullable:
        raise bad_request(f"{where}: {value!r} is not a finite number")
    if column.dtype == "integer" and np.isfinite(number) and number != int(number):
        raise bad_request(f"{where}: {value!r} is not a whole number")
    return number


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_request(f"the body is not UTF-8: {error}") from error


def _plain(prediction: Any) -> Any:
    return prediction.tolist() if isinstance(prediction, np.ndarray | np.generic) else prediction


def _encode_csv(prediction: Any) -> bytes:
    rows = _plain(prediction)
    rows = rows if isinstance(rows, list) else [rows]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(row if isinstance(row, list | tuple) else [row] for row in rows)
    return out.getvalue().encode()


def _encode_json(prediction: Any) -> bytes:
    return orjson.dumps(_plain(prediction), option=orjson.OPT_SERIALIZE_NUMPY)


def _encode_jsonlines(prediction: Any) -> bytes:
    rows = _plain(prediction)
    return b"".join(
        orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in (rows if isinstance(rows, list) else [rows])
    )


def _encode_npy(prediction: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, np.asarray(prediction), allow_pickle=False)
    return out.getvalue()


DECODERS: dict[str, Callable[[bytes, Schema | None], Rows]] = {
    CSV: _decode_csv,
    JSON: _decode_json,
    JSONLINES: _decode_jsonlines,
    NPY: _decode_npy,
}
ENCODERS: dict[str, Callable[[Any], bytes]] = {
    CSV: _encode_csv,
    JSON: _encode_json,
    JSONLINES: _encode_jsonlines,
    NPY: _encode_npy,
}
