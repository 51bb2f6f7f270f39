"""Parquet that is more than it looks: refused by what it says of itself, before any of it is unfolded."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fogbank.contracts.manifest import Column, Schema
from fogbank.serve.columnar import UNFOLDED_LIMIT, parquet_rows
from fogbank.serve.problems import RequestError
from fogbank.serve.table import Table

NUMBERS = Table(Schema(columns=(Column(name="a"), Column(name="b", dtype="integer"))))
WORDS = Table(Schema(columns=(Column(name="a"), Column(name="word", dtype="string", nullable=True))))
MILLIONS = 20_000_000


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **{"compression": "zstd", **options})
    return out.getvalue()


def one_word(times: int, size: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(times, dtype=np.int32)), pa.array(["x" * size]))


BOMBS = [
    (NUMBERS, {"a": np.zeros(MILLIONS), "b": np.zeros(MILLIONS, dtype=np.int64)}, 413, "20000000 rows"),
    (Table(None), {"a": np.zeros(MILLIONS), "b": np.zeros(MILLIONS)}, 413, "20000000 rows"),
    (NUMBERS, {"x": np.zeros(MILLIONS)}, 400, "unknown column 'x'"),
    (NUMBERS, {"a": pa.array([[1.0] * 1_000_000]), "b": [1]}, 400, "column 'a' holds list"),
    (NUMBERS, {"a": pa.array([{"x": 1.0}]), "b": [1]}, 400, "column 'a' holds struct"),
    (NUMBERS, {"a": pa.array([b"1"]), "b": [1]}, 400, "column 'a' holds binary"),
    (NUMBERS, {"a": pa.array(["1"]), "b": [1]}, 400, "column 'a' holds string; send numbers"),
    (WORDS, {"a": np.zeros(100_000), "word": one_word(100_000, 100_000)}, 413, "unfolds to more"),
    (WORDS, {"a": [1.0], "word": ["x" * (UNFOLDED_LIMIT + 1)]}, 413, "unfolds to more"),
]


@pytest.mark.parametrize(("table", "columns", "status", "said"), BOMBS)
def test_a_bomb_is_refused_before_memory_is_spent_on_it(
    table: Table, columns: dict[str, Any], status: int, said: str
) -> None:
    body = parquet(columns)
    del columns
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    with pytest.raises(RequestError) as refusal:
        parquet_rows(body, table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (refusal.value.status, said in str(refusal.value)) == (status, True), refusal.value
    assert len(body) < 2 << 20
    assert max(peak, pa.total_allocated_bytes() - before) < 16 << 20


def test_a_file_whose_metadata_says_less_than_its_pages_is_found_out() -> None:
    body = parquet({"a": [1.0], "word": ["x" * (UNFOLDED_LIMIT + 1)]}, use_dictionary=False)
    honest = pq.ParquetFile(pa.BufferReader(body)).metadata.row_group(0).column(1).total_uncompressed_size
    lying = body.replace(zigzag(honest), zigzag(honest % 100).ljust(len(zigzag(honest)), b"\0"))
    assert lying != body

    for each in (body, lying):
        with pytest.raises(RequestError) as refusal:
            parquet_rows(each, WORDS)
        assert refusal.value.status in {400, 413}


def zigzag(number: int) -> bytes:
    """A number as Thrift's compact protocol writes it."""
    value, out = number << 1, bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_what_is_well_formed_comes_out_by_its_names() -> None:
    body = parquet({"b": [2, 1], "a": [1.0, 0.5]}, use_dictionary=True, data_page_version="2.0")
    np.testing.assert_array_equal(parquet_rows(body, NUMBERS), [[1.0, 2], [0.5, 1]])
    words = parquet({"word": one_word(3, 2), "a": [1.0, 2.0, 3.0]}, row_group_size=2)
    assert parquet_rows(words, WORDS).tolist() == [[1.0, "xx"], [2.0, "xx"], [3.0, "xx"]]
    many = parquet({"a": np.arange(50_000.0), "b": np.arange(50_000)}, row_group_size=7_000, compression="snappy")
    np.testing.assert_array_equal(parquet_rows(many, NUMBERS)[:, 1], np.arange(50_000))


def test_any_flipped_byte_is_rows_or_a_refusal() -> None:
    whole = parquet({"a": [1.0, 2.0], "word": ["x", None]})
    for place in range(len(whole)):
        for bit in (1, 128):
            body = bytearray(whole)
            body[place] ^= bit
            try:
                assert len(parquet_rows(bytes(body), WORDS)) > 0
            except RequestError as error:
                assert error.status in {400, 413}  # noqa: PT017 - either outcome is right
