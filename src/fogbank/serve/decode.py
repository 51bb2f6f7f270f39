"""Request bodies to rows: text/csv, application/json, application/jsonlines, application/x-npy, -npz and -parquet.

Bytes go straight to an array where every cell is a number; what is not so plain takes the slower way, cell by cell, which is
also the one that can say what is wrong and where.
"""

from __future__ import annotations

import importlib.util
import io
import math
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from fogbank.contracts.manifest import Schema
from fogbank.serve import media
from fogbank.serve.columnar import UNFOLDED_LIMIT, parquet_rows
from fogbank.serve.delimited import Header, plain_numbers, rows_of_cells, without_last_lines
from fogbank.serve.documents import BOM, features, parse, rows_of, unwrapped
from fogbank.serve.outline import LARGE, Pieces, check_weight, materialized, outline, pieces_in, with_parts
from fogbank.serve.problems import RequestError, bad_request
from fogbank.serve.table import Rows, Table, joined, untyped

NPY_HEAD = re.compile(
    rb"\x93NUMPY(?:\x01\x00..|[\x02\x03]\x00....)"
    rb"\{'descr': '([<>|=]?[A-Za-z]\d{0,2})', 'fortran_order': (True|False), 'shape': \(((?:\d{1,15},? ?){0,16})\),? *\} *\n",
    re.DOTALL,
)
"""What numpy.save writes (NEP 1): magic, version, length, and a dictionary, which is not evaluated here."""


NOT_NPZ = (zipfile.BadZipFile, ValueError, KeyError, OSError, TypeError, MemoryError, OverflowError, EOFError, RuntimeError,
           IndexError, AttributeError, zlib.error)  # fmt: skip
"""What scipy and zipfile raise about bytes that are no matrix."""


class Decoder:
    """Reads bodies for one schema; without one the forms are those of SageMaker's inference toolkit."""

    def __init__(self, schema: Schema | None) -> None:
        self._table = Table(schema)
        self._header = Header(self._table.names)
        self._width = len(self._table.names)
        self._plain = schema is not None and self._table.numeric
        self._all_floats = all(column.dtype == "float" for column in (schema.columns if schema else ()))
        self._readers: dict[str, Callable[[bytes], Any]] = {
            media.CSV: self._csv,
            media.JSON: self._json,
            media.JSONLINES: self._jsonlines,
            media.NPY: self._npy,
        }
        if importlib.util.find_spec("scipy"):
            self._readers[media.NPZ] = self._npz
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
                return as_text(body, charset)
            hint = "; parquet needs pyarrow among the package's dependencies" if kind == media.PARQUET else ""
            raise RequestError(
                415,
                f"content type {content_type[:100]!r} is not supported; send one of {', '.join(self._readers)}{hint}",
            )
        if charset != "utf-8" and kind in {media.CSV, media.JSON, media.JSONLINES}:
            body = as_text(body, charset).encode()
        if kind == media.CSV and ";" in content_type:
            return self._csv(body, media.parameter(content_type, "header"))
        return reader(body)

    def of_numbers(self, table: Rows) -> Any | None:
        """What CSV of these finite numbers, without a header, is read as; None where its text has to be looked at."""
        if not self._plain or self._header.like_a_number or not (self._all_floats or self._table.fits(table)):
            return None
        return self._table.formed(table)

    def _csv(self, body: bytes, stated: str = "") -> Any:
        body = body.removeprefix(BOM)
        if b"\r" in body:
            body = body.replace(b"\r\n", b"\n")
        header, body = self._header.split(body, stated)
        if self._plain and header is None:
            table = plain_numbers(body, self._width)
            if table is not None and (self._all_floats or self._table.fits(table)):
                return self._table.formed(table)
        return self._csv_by_cell(as_text(body, "utf-8"), header)

    def _csv_by_cell(self, text: str, header: list[str] | None) -> Any:
        one_column = self._width == 1
        if one_column and not self._table.schema.columns[0].nullable:  # type: ignore[union-attr]  # it has a column
            text = without_last_lines(text)
        plain = "_" not in text and text.isascii()
        whole = self._table.schema is None or len(text) <= LARGE
        tables: list[Any] = []
        done = 0
        for part in rows_of_cells(text, one_column=one_column, whole=whole):
            rows: list[Any] = part if header is None else _named(part, header, done)
            if rows or not tables:
                tables.append(self._table.from_lists(rows, text=True, plain=plain, before=done))
            done += len(rows)
        return joined(tables)

    def _json(self, body: bytes) -> Any:
        if len(body) <= LARGE:
            document = parse(body, "the body")
            table = self._table.one_row(document)
            if table is not None:
                return table
            long = []
        else:
            document = outline(body)
            long = pieces_in(document)
        if self._table.schema is not None and len(long) == 1 and self._has_rows(long[0]):
            return self._in_parts(document, long[0])
        if long:
            document = materialized(document)
        if self._table.schema is None:
            return untyped(unwrapped(document))
        return self._table.from_lists(rows_of(document, self._table.names), text=False)

    def _has_rows(self, long: Pieces) -> bool:
        """Whether an array's elements are rows, and not the cells of one."""
        first = next(long.parts())[:1]
        return self._width == 1 or any(isinstance(row, list | dict) for row in first)

    def _in_parts(self, document: Any, long: Pieces) -> Any:
        """The rows of a large document, some at a time: the first that does not fit ends it."""
        tables: list[Any] = []
        done = 0
        for part in long.parts():
            rows = rows_of(with_parts(document, long, part), self._table.names, done)
            tables.append(self._table.from_lists(rows, text=False, before=done))
            done += len(rows)
        return joined(tables)

    def _jsonlines(self, body: bytes) -> Any:
        names = self._table.names
        body = body.removeprefix(BOM)
        tables: list[Any] = []
        rows: list[Any] = []
        done = size = 0
        for line in io.BytesIO(body):
            if not line.strip():
                continue
            number = done + len(rows) + 1
            check_weight(line, f"row {number}")
            rows.append(features(parse(line.removesuffix(b"\n"), f"row {number}"), names))
            size += len(line)
            if size > LARGE and self._table.schema is not None:
                tables.append(self._table.from_lists(rows, text=False, before=done))
                done, rows, size = done + len(rows), [], 0
        if rows or not tables:
            tables.append(self._table.from_lists(rows, text=False, before=done))
        return joined(tables)

    def _npy(self, body: bytes) -> Any:
        return self._table.from_array(npy_array(body))

    def _npz(self, body: bytes) -> Any:
        """A sparse matrix as scipy.sparse.save_npz writes it; a table where there is a schema."""
        import scipy.sparse

        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                if sum(item.file_size for item in archive.infolist()) > UNFOLDED_LIMIT:
                    raise RequestError(413, "the matrix unfolds to more than one request may carry")
            matrix = scipy.sparse.load_npz(io.BytesIO(body))
            rows, columns = matrix.shape
            if hasattr(matrix, "check_format"):
                matrix.check_format(full_check=True)  # an index out of its range would be written to, wherever that is
        except NOT_NPZ as error:
            raise bad_request(f"the body is not a sparse matrix as scipy.sparse.save_npz writes it: {error}") from error
        if self._table.schema is None:
            return matrix
        if rows * columns * 8 > UNFOLDED_LIMIT:
            raise RequestError(413, f"the matrix has {rows} rows: more than one request may carry")
        return self._table.from_array(matrix.toarray())

    def _parquet(self, body: bytes) -> Any:
        return parquet_rows(body, self._table)


def _named(rows: list[list[str]], header: list[str], before: int) -> list[dict[str, str]]:
    for number, row in enumerate(rows, before + 1):
        if len(row) != len(header):
            raise bad_request(f"row {number} has {len(row)} columns, the header has {len(header)}")
    return [dict(zip(header, row, strict=True)) for row in rows]


def npy_array(body: bytes) -> Rows:
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
    if not math.prod(lengths):
        raise bad_request("the body holds no rows")
    if math.prod(lengths) * dtype.itemsize != len(data):
        raise bad_request(
            f"the array's header says shape {tuple(lengths)}, which is not the {len(data)} bytes that follow"
        )
    return np.frombuffer(data, dtype=dtype).reshape(lengths, order="F" if fortran else "C")


def as_text(body: bytes, charset: str) -> str:
    """The body's text. Raises RequestError 400."""
    try:
        return body.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        raise bad_request(f"the body is not {charset}: {error}") from error
