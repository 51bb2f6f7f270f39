"""Parquet to rows: what a file would unfold to is known from its metadata and its pages' heads before memory is spent on it.

In: a body and a schema's table; out: rows. A few hundred bytes may say that they are a million rows, and mean it: names and types are
compared first, the columns that are wanted alone are read, and what they come to is counted before and while they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fogbank.serve.cells import EXACT
from fogbank.serve.pages import Described, described
from fogbank.serve.problems import RequestError, bad_request
from fogbank.serve.table import NUMERIC, Rows, Table

UNFOLDED_LIMIT = 128 << 20
"""Bytes that a compressed body may unfold to: a plain one of the largest payload is not much more."""
NUMBER_BYTES = 8
CELL_BYTES = 64
"""What a cell costs that is no number in an array, besides its text."""
BATCH_ROWS = 8192


def parquet_rows(body: bytes, table: Table) -> Any:
    """The rows of a parquet file. Raises RequestError: 400 for one that does not fit, 413 for one that unfolds to too much."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = described(body)
        file = pq.ParquetFile(pa.BufferReader(body), pre_buffer=False)
        columns = _wanted(file.schema_arrow, table)
        plain = all(_is_number(file.schema_arrow.field(name).type) for name in columns)
        _check_size(told, columns, NUMBER_BYTES if plain else CELL_BYTES)
        texts = [name for name in columns if _is_text(file.schema_arrow.field(name).type)]
        if texts:
            file = pq.ParquetFile(pa.BufferReader(body), pre_buffer=False, read_dictionary=texts)
        whole = _read(file, columns)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise bad_request(f"the body is not a parquet file: {error}") from error
    finally:
        pa.default_memory_pool().release_unused()
    return _rows(whole, table)


def _wanted(schema: Any, table: Table) -> list[str]:
    """The columns to read: the schema's, in its order; all, where there is no schema. Raises RequestError."""
    if len(set(schema.names)) != len(schema.names):
        raise bad_request("two columns of the table have one name")
    if table.schema is None:
        wanted = dict.fromkeys(schema.names, False)
    else:
        table.check_names(schema.names)
        wanted = {column.name: column.dtype in NUMERIC for column in table.schema.columns}
    for name, numeric in wanted.items():
        kind = schema.field(name).type
        if not _is_simple(kind) or (numeric and _is_text(kind)):
            expected = "numbers" if numeric else "numbers, text or moments"
            raise bad_request(f"column {name!r} holds {str(kind)[:60]}; send {expected}")
    return list(wanted)


def _check_size(told: Described, columns: list[str], cell_bytes: int) -> None:
    """Refuse what would unfold to too much. Raises RequestError."""
    if told.rows * max(1, len(columns)) * cell_bytes > UNFOLDED_LIMIT:
        raise RequestError(413, f"the table has {told.rows} rows: more than one request may carry")
    if sum(told.columns.get(name, 0) for name in columns) > UNFOLDED_LIMIT:
        raise RequestError(413, "the table unfolds to more than one request may carry")


def _read(file: Any, columns: list[str]) -> Any:
    """The table of these columns, read in parts and counted. Raises RequestError."""
    import pyarrow as pa

    batches, size = [], 0
    for batch in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
        size += sum(map(_bytes_of, batch.columns))
        if size > UNFOLDED_LIMIT:
            raise RequestError(413, "the table unfolds to more than one request may carry")
        batches.append(batch)
    if not batches:
        raise bad_request("the body holds no rows")
    return pa.Table.from_batches(batches).select(columns)


def _bytes_of(column: Any) -> int:
    """What a batch's column comes to when each cell stands for itself: a text that a thousand rows share counts a thousand times."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return len(column) * NUMBER_BYTES
    if not _is_text(column.type.value_type):
        return len(column) * CELL_BYTES
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return len(column) * CELL_BYTES + int(pc.sum(lengths).as_py() or 0)


def _rows(whole: Any, table: Table) -> Any:
    plain = whole.num_rows and all(_is_plain(column) for column in whole.columns)
    if plain and not any(_rounds(column) for column in whole.columns):
        numbers: Rows = np.empty((whole.num_rows, whole.num_columns), dtype=np.float64)
        for place, column in enumerate(whole.columns):
            numbers[:, place] = column.to_numpy()
        return table.from_array(numbers)
    rows = zip(*(_cells(column) for column in whole.columns), strict=True)
    return table.from_lists([list(row) for row in rows], text=False)


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_simple(kind: Any) -> bool:
    """Whether a cell is one number, text or moment: a list or an object in a cell may hold anything."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    moment = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    return bool(_is_number(kind) or _is_text(kind) or moment or pa.types.is_null(kind))


def _is_plain(column: Any) -> bool:
    """Whether a column is numbers that stay what they are as an array: whole ones with gaps would become doubles."""
    import pyarrow as pa

    return bool(pa.types.is_floating(column.type) or (pa.types.is_integer(column.type) and not column.null_count))


def _rounds(column: Any) -> bool:
    """Whether a column's whole numbers would be others as doubles."""
    import pyarrow as pa

    if not pa.types.is_integer(column.type):
        return False
    return any(bool((np.abs(chunk.to_numpy()) >= EXACT).any()) for chunk in _chunks(column))


def _chunks(column: Any) -> Iterator[Any]:
    return (chunk for chunk in column.chunks if len(chunk))


def _cells(column: Any) -> list[Any]:
    """A column's cells as JSON would have them: moments as text."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    try:
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            column = column.cast(pa.timestamp("ns")).cast(pa.string())
        cells: list[Any] = column.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise bad_request(f"a column of the table cannot be read: {error}") from error
    return cells
