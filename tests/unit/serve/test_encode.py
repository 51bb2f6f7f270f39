from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fogbank.contracts.manifest import Column, Schema
from fogbank.serve import media
from fogbank.serve.encode import Encoder
from fogbank.serve.problems import RequestError

encode = Encoder(Schema(columns=(Column(name="label", dtype="integer"), Column(name="score"))))
TABLES = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2), elements=st.floats(allow_nan=False, allow_infinity=False)
)


@given(TABLES)
def test_every_format_carries_every_float_exactly(table: Any) -> None:
    from_csv = [[float(cell) for cell in row] for row in csv.reader(encode(table, "text/csv")[0].decode().splitlines())]

    np.testing.assert_array_equal(from_csv, table)
    np.testing.assert_array_equal(json.loads(encode(table, "application/json")[0]), table)
    np.testing.assert_array_equal(
        [json.loads(row) for row in encode(table, "application/jsonlines")[0].splitlines()], table
    )
    np.testing.assert_array_equal(np.load(io.BytesIO(encode(table, "application/x-npy")[0])), table)


def test_lists_scalars_strings_and_missing_values() -> None:
    assert encode([[1, 0.5], [0, 0.25]], "text/csv") == (b"1,0.5\n0,0.25\n", "text/csv")
    assert encode(np.array(["a, b", "c"]), "text/csv")[0] == b'"a, b"\nc\n'
    assert encode(np.array([np.nan, 1.0]), "text/csv")[0] == b"nan\n1.0\n"
    assert encode(3, "text/csv")[0] == b"3\n"
    assert encode({"a": 1}, "application/json; charset=utf-8") == (b'{"a":1}', "application/json")
    assert encode([[1, 0.5], [0, 0.25]], "application/jsonlines")[0] == b"[1,0.5]\n[0,0.25]\n"


def test_rows_that_are_objects_are_csv_by_the_schemas_columns() -> None:
    rows = [{"score": 0.5, "label": 1}, {"label": 0, "score": np.float32(0.25)}]

    assert encode(rows, "text/csv")[0] == b"1,0.5\n0,0.25\n"
    assert encode(rows[:1], "application/json")[0] == b'[{"score":0.5,"label":1}]'
    with pytest.raises(RequestError, match="keys token, and the output's columns are label, score"):
        encode([{"token": 1}], "text/csv")


def test_parquet_has_the_output_schemas_names() -> None:
    table = pq.read_table(io.BytesIO(encode([[1, 0.5], [0, 0.25]], "application/x-parquet")[0]))

    assert table.to_pydict() == {"label": [1.0, 0.0], "score": [0.5, 0.25]}


def test_a_type_that_is_not_written_is_406() -> None:
    with pytest.raises(RequestError) as caught:
        encode([1], "image/png")
    assert caught.value.status == 406


OFFERED = ("application/json", "text/csv", "application/x-npy")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/*, application/json;q=0.1", "text/csv"),
        ("image/png, text/csv;q=0.5", "text/csv"),
        ("application/*;q=0.5, application/x-npy;q=0.6", "application/x-npy"),
        ("text/csv; charset=iso-8859-1, application/json;q=0.1", "application/json"),
        ("image/png", None),
        ("*/*;q=0", None),
        ("text/csv;q=nonsense", None),
    ],
)
def test_negotiation_follows_quality_and_specificity(accept: str, wanted: str | None) -> None:
    assert media.negotiate(accept, OFFERED) == wanted


def test_what_a_handler_that_writes_itself_is_asked_for() -> None:
    assert media.first_choice("image/png, text/csv;q=0.5", "application/json") == "image/png"
    assert (
        media.first_choice("*/*", "application/json")
        == media.first_choice("", "application/json")
        == "application/json"
    )
