"""JSON: its text, and the forms in which rows come in it: lists, objects by name, SageMaker's, MLflow's and pandas's own."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import orjson

from fogbank.serve.problems import bad_request

BOM = b"\xef\xbb\xbf"
SPLIT = {"columns", "data", "index"}
"""The keys of pandas's `split` form."""
ROWS = ("instances", "inputs", "dataframe_records")
"""The keys under which rows come: TensorFlow Serving's and SageMaker's, MLflow's."""
BESIDE = {"signature_name", "index"}
"""Keys beside those that mean nothing to a table."""


def parse(body: bytes, what: str) -> Any:
    """A JSON document; Python's NaN and Infinity are numbers. Raises RequestError."""
    body = body.removeprefix(BOM)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" in body or b"Infinity" in body:  # json.dumps writes them, and so they are sent
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                pass
        raise bad_request(f"{what} is not JSON: {error}") from error


def rows_of(document: Any, names: Collection[str], before: int = 0) -> list[Any]:
    """The rows of a document, of which there were `before` already; `names` are the columns', which come before any form's own keys.

    Raises RequestError.
    """
    if isinstance(document, dict):
        document = _of_object(document, names, before)
    if not isinstance(document, list):
        if len(names) == 1 and not isinstance(document, dict):
            return [document]
        raise bad_request(
            "JSON must be a list of rows, or an object with `instances`, `inputs`, `dataframe_split`, `dataframe_records`, "
            "or `columns` and `data`"
        )
    if document and len(names) != 1 and not isinstance(document[0], list | dict):
        document = [document]
    return [features(row, names) if isinstance(row, dict) else row for row in document]


def unwrapped(document: Any) -> Any:
    """What SageMaker's toolkit would take for the data where there is no schema: the document, or the rows inside of a form."""
    rows = _of_object(document, ()) if isinstance(document, dict) else document
    return document if isinstance(document, dict) and rows == [document] else rows


def features(row: Any, names: Collection[str]) -> Any:
    """A row's cells, out of `{"features": ...}` and `{"data": {"features": {"values": ...}}}`. Raises RequestError."""
    if isinstance(row, dict) and row.keys() == {"data"} and "data" not in names and isinstance(row["data"], dict):
        row = row["data"]
    if isinstance(row, dict) and row.keys() == {"features"} and "features" not in names:
        row = row["features"]
        if isinstance(row, dict) and "values" in row and "values" not in names:
            return _dense(row, len(names))
    return row


def _dense(given: dict[str, Any], width: int) -> Any:
    """SageMaker's dense and sparse vectors: `values`, and for a sparse one their places and its shape."""
    values, keys, shape = given["values"], given.get("keys"), given.get("shape")
    if extra := sorted(given.keys() - {"values", "keys", "shape"}):
        raise bad_request(f"a row's features are `values`, `keys` and `shape`, and no {extra[0]!r}")
    if keys is None:
        return values
    fits = isinstance(values, list) and isinstance(keys, list) and len(keys) == len(values) and shape == [width]
    if not fits or not all(type(key) is int and 0 <= key < width for key in keys):
        raise bad_request(f"a sparse row has `keys` below {width}, as many `values`, and the `shape` [{width}]")
    row: list[Any] = [0] * width
    for key, value in zip(keys, values, strict=True):
        row[key] = value
    return row


def _of_object(document: dict[str, Any], names: Collection[str], before: int = 0) -> Any:
    if "dataframe_split" in document and "dataframe_split" not in names:
        _nothing_beside(document, "dataframe_split")
        if not _is_split(document["dataframe_split"]):
            raise bad_request("`dataframe_split` must be an object with `columns` and `data`")
        document = document["dataframe_split"]
    if _is_split(document):
        return _by_name(document["columns"], document["data"], before)
    for key in ROWS:
        if key in document and key not in names:
            _nothing_beside(document, key)
            rows = document[key]
            return _of_columns(rows, key) if isinstance(rows, dict) else rows
    return [document]


def _is_split(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("columns"), list)
        and isinstance(document.get("data"), list)
        and document.keys() <= SPLIT
    )


def _by_name(columns: list[Any], data: list[Any], before: int) -> list[dict[str, Any]]:
    for number, row in enumerate(data, before + 1):
        if not isinstance(row, list) or len(row) != len(columns):
            raise bad_request(f"row {number} of `data` does not have one cell for each of the {len(columns)} columns")
    return [dict(zip(map(str, columns), row, strict=True)) for row in data]


def _of_columns(given: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Rows that come by column, as MLflow's `inputs` may; where the cells are no lists it is one row."""
    if not all(isinstance(cells, list) for cells in given.values()):
        return [given]
    if len({len(cells) for cells in given.values()}) > 1:
        raise bad_request(f"the columns of {key!r} are not of one length")
    return [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]


def _nothing_beside(document: dict[str, Any], key: str) -> None:
    others = sorted(document.keys() - {key} - BESIDE)
    if others:
        raise bad_request(f"{others[0]!r} beside {key!r} is not taken here")
