"""A prediction as the bytes of a content type: text/csv, application/json, application/jsonlines, x-npy and x-parquet.

An array of numbers goes to its bytes in one step; whatever else a predict_fn may return is made plain first (`plain.py`).
"""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from fogbank.contracts.manifest import Schema
from fogbank.serve import media
from fogbank.serve.plain import NotWritableError, as_array, as_rows, json_bytes, plain
from fogbank.serve.problems import RequestError

MANY = 64
"""Rows from which on an array is written as one row."""


class Encoder:
    """Writes predictions; the schema names the columns where a format has names."""

    def __init__(self, schema: Schema | None) -> None:
        self._names = schema.names if schema else ()
        self._writers: dict[str, Callable[[Any], bytes]] = {
            media.JSON: _json,
            media.CSV: self._csv,
            media.JSONLINES: _jsonlines,
            media.NPY: _npy,
        }
        if importlib.util.find_spec("pyarrow"):
            self._writers[media.PARQUET] = self._parquet
        self.offered = tuple(self._writers)

    def __call__(self, prediction: Any, accept: str) -> tuple[bytes, str]:
        """The bytes and their content type. Raises RequestError 406: a type that is not written, or not of this prediction."""
        kind = accept if accept in self._writers else media.content_type(accept)[0]
        writer = self._writers.get(kind)
        if writer is None:
            raise self.unacceptable(accept)
        try:
            return writer(prediction), kind
        except NotWritableError as error:
            raise not_writable(kind, error) from error

    def preference(self, default: str) -> tuple[str, ...]:
        """What is offered, the default first."""
        kind, _ = media.content_type(default)
        if kind not in self._writers:
            return self.offered
        return (kind, *(other for other in self.offered if other != kind))

    def unacceptable(self, accept: str) -> RequestError:
        """406, with what there is."""
        return RequestError(406, f"accept {accept[:100]!r} is not supported; ask for one of {', '.join(self.offered)}")

    def _csv(self, prediction: Any) -> bytes:
        if is_plain(prediction):
            return numbers_as_lines(prediction)
        return delimited(as_rows(prediction, self._names))

    def _parquet(self, prediction: Any) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = as_array(prediction)
        columns = [rows] if rows.ndim == 1 else [rows[:, i] for i in range(rows.shape[1])]
        names = self._names if len(self._names) == len(columns) else [f"_c{i}" for i in range(len(columns))]
        sink = io.BytesIO()
        pq.write_table(pa.table([pa.array(column) for column in columns], names=list(names)), sink)
        return sink.getvalue()


def not_writable(kind: str, error: NotWritableError) -> RequestError:
    """406: the prediction has no such form."""
    return RequestError(406, f"the prediction cannot be written as {kind}: {error}")


def is_plain(prediction: Any) -> bool:
    """Whether it is an array of finite numbers with rows, which `numbers_as_lines` writes."""
    return bool(is_array(prediction) and prediction.ndim <= 2 and prediction.size and np.isfinite(prediction).all())


def numbers_as_lines(prediction: NDArray[Any]) -> bytes:
    """An array that `is_plain` as CSV: the shortest text of each number that is it. Many rows have their newlines set in the text of one."""
    if prediction.ndim == 1 or prediction.shape[1] == 1:
        return orjson.dumps(prediction.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].replace(b",", b"\n") + b"\n"
    if len(prediction) < MANY:
        return orjson.dumps(prediction, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].replace(b"],[", b"\n") + b"\n"
    dumped = bytearray(orjson.dumps(prediction.ravel(), option=orjson.OPT_SERIALIZE_NUMPY))
    letters, width = np.frombuffer(dumped, dtype=np.uint8), prediction.shape[1]
    letters[np.flatnonzero(letters == ord(","))[width - 1 :: width]] = letters[-1] = ord("\n")
    return bytes(memoryview(dumped)[1:])


def is_array(prediction: Any) -> bool:
    """Whether orjson writes it as numpy's own tolist would be written."""
    return (
        isinstance(prediction, np.ndarray)
        and prediction.dtype.kind in "fiu"
        and prediction.dtype.itemsize >= 4
        and prediction.ndim > 0
        and prediction.flags.c_contiguous
        and prediction.dtype.isnative
    )


def delimited(rows: list[list[Any]]) -> bytes:
    """Rows of cells as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _json(prediction: Any) -> bytes:
    if is_array(prediction) and prediction.dtype.itemsize == 8:
        return orjson.dumps(prediction, option=orjson.OPT_SERIALIZE_NUMPY)
    return json_bytes(prediction)


def _jsonlines(prediction: Any) -> bytes:
    rows = plain(prediction)
    return b"".join(json_bytes(row) + b"\n" for row in (rows if isinstance(rows, list) else [rows]))


def _npy(prediction: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, as_array(prediction), allow_pickle=False)
    return out.getvalue()
