"""Request bodies to rows: text/csv, application/json, application/jsonlines, application/x-npy and application/x-parquet.

Bytes go straight to an array where every cell is a number (simdjson reads CSV's numbers as JSON's); what is not so plain
takes the slower way, cell by cell, which is also the one that can say what is wrong and where.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import simdjson
from numpy.typing import NDArray

from fogbank.contracts.manifest import Schema
from fogbank.serve import media
from fogbank.serve.problems import RequestError, bad_request
from fogbank.serve.table import Rows, Table

_parsers = threading.local()
COMMA, NEWLINE = ord(","), ord("\n")
NPY_HEAD = re.compile(
    rb"\x93NUMPY(?:\x01\x00..|[\x02\x03]\x00....)"
    rb"\{'descr': '([<>|=]?[A-Za-z]\d{0,2})', 'fortran_order': (True|False), 'shape': \(((?:\d{1,15},? ?){0,4})\),? *\} *\n",
    re.DOTALL,
)
"""What numpy.save writes (NEP 1): magic, version, length, and a dictionary, which is not evaluated here."""
DECODED_LIMIT = 1 << 30
"""The most bytes of numbers that a compressed body may unfold to."""


class Decoder:
    """Reads bodies for one schema; without one the forms are those of SageMaker's inference toolkit."""

    def __init__(self, schema: Schema | None) -> None:
        self._table = Table(schema)
        self._readers: dict[str, Callable[[bytes], Rows]] = {
            media.CSV: self._csv,
            media.JSON: self._json,
            media.JSONLINES: self._jsonlines,
            media.NPY: self._npy,
        }
        if importlib.util.find_spec("pyarrow"):
            self._readers[media.PARQUET] = self._parquet
        self.accepted = tuple(self._readers)

    def __call__(self, body: bytes, content_type: str) -> Any:
        """The rows of a body. Raises RequestError: 415 for a type that is not read here, 400 for a body that does not fit."""
        kind, charset = media.content_type(content_type or media.CSV)
        reader = self._readers.get(kind)
        if not body or body.isspace():
            raise bad_request("the request body is empty")
        if reader is None:
            if kind == media.TEXT and self._table.schema is None:
                return _text(body, charset)
            hint = "; parquet needs pyarrow among the package's dependencies" if kind == media.PARQUET else ""
            raise RequestError(
                415,
                f"content type {content_type[:100]!r} is not supported; send one of {', '.join(self._readers)}{hint}",
            )
        if charset != "utf-8" and kind in {media.CSV, media.JSON, media.JSONLINES}:
            body = _text(body, charset).encode()
        return reader(body)

    def _csv(self, body: bytes) -> Rows:
        body = body.removeprefix(b"\xef\xbb\xbf")
        if b"\r" in body:
            body = body.replace(b"\r\n", b"\n")
        header, body = self._header(body)
        if self._table.schema is not None and self._table.numeric and header is None:
            table = _plain_numbers(body, len(self._table.names))
            if table is not None and self._table.fits(table):
                return table
        rows: list[Any] = [row for row in _cells(_text(body, "utf-8")) if row]
        if header is not None:
            for number, row in enumerate(rows, 1):
                if len(row) != len(header):
                    raise bad_request(f"row {number} has {len(row)} columns, the header has {len(header)}")
            rows = [dict(zip(header, row, strict=True)) for row in rows]
        return self._table.from_lists(rows, text=True)

    def _header(self, body: bytes) -> tuple[list[str] | None, bytes]:
        """The header's names where it is not in the schema's order, and the body without it."""
        names = self._table.names
        if not names or body[:1] in b"0123456789-.":
            return None, body
        first, _, rest = body.partition(b"\n")
        cells = [cell.strip() for cell in next(iter(_cells(first.decode("utf-8", "replace"))), [])]
        if cells == list(names):
            header = None
        elif len(set(cells) & set(names)) * 2 > len(cells) and len(set(cells)) == len(cells):
            header = cells
        else:
            return None, body
        if not rest.strip():
            raise bad_request("the body holds a header and no rows")
        return header, rest

    def _json(self, body: bytes) -> Rows:
        document = _loads(body, "the body")
        if isinstance(document, dict):
            document = _rows_of(document)
        if not isinstance(document, list):
            raise bad_request(
                "JSON must be a list of rows, or an object with `instances`, `inputs` or `columns` and `data`"
            )
        if document and not isinstance(document[0], list | dict):
            document = [document]
        return self._table.from_lists([_features(row) for row in document], text=False)

    def _jsonlines(self, body: bytes) -> Rows:
        lines = (line for line in body.split(b"\n") if line.strip())
        rows = [_features(_loads(line, f"row {number}")) for number, line in enumerate(lines, 1)]
        return self._table.from_lists(rows, text=False)

    def _npy(self, body: bytes) -> Rows:
        return self._table.from_array(_array(body))

    def _parquet(self, body: bytes) -> Rows:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(pa.BufferReader(body))
            if file.metadata.num_rows * max(1, file.metadata.num_columns) * 8 > DECODED_LIMIT:
                raise RequestError(413, f"the table has {file.metadata.num_rows} rows: more than one request may carry")
            table = file.read()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise bad_request(f"the body is not a parquet file: {error}") from error
        if self._table.names:
            self._table.check_names(table.column_names)
            table = table.select(list(self._table.names))
        if table.num_rows and all(_is_number(column.type) for column in table.columns):
            return self._table.from_array(np.column_stack([column.to_numpy() for column in table.columns]))
        return self._table.from_lists([list(row) for row in zip(*table.to_pydict().values(), strict=True)], text=False)


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _plain_numbers(body: bytes, width: int) -> Rows | None:
    """The body as an array where it is lines of `width` JSON numbers and nothing else; None where it is not so plain."""
    body = body.removesuffix(b"\n")
    letters = np.frombuffer(body, dtype=np.uint8)
    newlines = np.flatnonzero(letters == NEWLINE)
    lines = len(newlines) + 1
    if b"[" in body or (lines > 1 and not _even(letters, newlines, width)):
        return None
    parser = getattr(_parsers, "one", None) or simdjson.Parser()  # one a thread: it keeps its memory from body to body
    _parsers.one = parser
    try:
        array = parser.parse(b"[" + (body.replace(b"\n", b",") if lines > 1 else body) + b"]")
        numbers = np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)  # type: ignore[union-attr]  # it is an array
    except (ValueError, TypeError, RuntimeError, UnicodeDecodeError):
        _parsers.one = None
        return None
    return numbers.reshape(lines, width) if len(numbers) == lines * width else None


def _even(letters: NDArray[np.uint8], newlines: NDArray[np.intp], width: int) -> bool:
    """Whether every line has `width` cells, by the commas between its newline and the one before."""
    starts = np.concatenate(([0], newlines + 1))
    if starts[-1] >= len(letters) or (np.diff(starts) < 2).any():
        return False  # an empty line
    commas = np.add.reduceat((letters == COMMA).view(np.uint8), starts, dtype=np.uint32)
    return bool((commas == width - 1).all())


def _cells(text: str) -> list[list[str]]:
    if '"' not in text:
        return [line.split(",") for line in text.split("\n") if line.strip()]
    try:
        return list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise bad_request(f"the body is not CSV: {error}") from error


def _loads(body: bytes, what: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"{what} is not JSON: {error}") from error


SPLIT = {"columns", "data", "index"}
"""The keys of pandas's `split` form."""


def _rows_of(document: dict[str, Any]) -> Any:
    """The rows of a JSON object: `columns` and `data`, `instances`, `inputs`, or the object is one row."""
    columns, data = document.get("columns"), document.get("data")
    if isinstance(columns, list) and isinstance(data, list) and document.keys() <= SPLIT:
        for number, row in enumerate(data, 1):
            if not isinstance(row, list) or len(row) != len(columns):
                raise bad_request(
                    f"row {number} of `data` does not have one cell for each of the {len(columns)} columns"
                )
        return [dict(zip(map(str, columns), row, strict=True)) for row in data]
    return next((document[key] for key in ("instances", "inputs") if key in document), [document])


def _features(row: Any) -> Any:
    return row["features"] if isinstance(row, dict) and row.keys() == {"features"} else row


def _array(body: bytes) -> Rows:
    """An npy array without pickles, and without believing its header: the shape must be that of the bytes that follow."""
    head = NPY_HEAD.match(body)
    if head is None:
        raise bad_request("the body is not an npy array as numpy.save writes it")
    kind, fortran, lengths = head[1].decode(), head[2] == b"True", [int(n) for n in head[3].split(b",") if n.strip()]
    try:
        dtype = np.dtype(kind)
    except TypeError as error:
        raise bad_request(f"the array holds {kind!r}; send numbers") from error
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise bad_request(f"the array holds {dtype}; send numbers")
    data = memoryview(body)[head.end() :]
    if math.prod(lengths) * dtype.itemsize != len(data):
        raise bad_request(
            f"the array's header says shape {tuple(lengths)}, which is not the {len(data)} bytes that follow"
        )
    return np.frombuffer(data, dtype=dtype).reshape(lengths, order="F" if fortran else "C")


def _text(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        raise bad_request(f"the body is not {charset}: {error}") from error
