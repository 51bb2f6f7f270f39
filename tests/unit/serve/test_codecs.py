from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.contracts.manifest import Column, Schema
from fogbank.serve.codecs import decode, encode, negotiate
from fogbank.serve.problems import RequestError

SCHEMA = Schema(columns=(Column(name="a"), Column(name="b"), Column(name="n", dtype="integer", nullable=True)))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(FLOATS, FLOATS, st.integers(-(2**53), 2**53)), min_size=1, max_size=20))
def test_csv_and_json_carry_every_float_exactly(rows: list[tuple[float, float, int]]) -> None:
    text = "".join(",".join(repr(cell) for cell in row) + "\n" for row in rows)
    expected = np.array(rows, dtype=np.float64)

    np.testing.assert_array_equal(decode(text.encode(), "text/csv; charset=utf-8", SCHEMA), expected)
    np.testing.assert_array_equal(decode(json.dumps(rows).encode(), "application/json", SCHEMA), expected)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"1,2,3"),
        ("text/csv", b'"1",2,3\r\n'),
        ("text/csv", b"\xef\xbb\xbfa,b,n\n1,2,3\n"),
        ("", b"1,2,3\n"),
        ("application/json", b"[1, 2, 3]"),
        ("application/json", b'{"instances": [[1, 2, 3]]}'),
        ("application/json", b'{"inputs": [{"n": 3, "b": 2, "a": 1}]}'),
        ("application/json", b'{"a": 1, "b": 2, "n": 3}'),
        ("application/json", b'{"columns": ["n", "b", "a"], "data": [[3, 2, 1]]}'),
        ("application/jsonlines", b'{"features": [1, 2, 3]}\n'),
        ("application/jsonl", b'{"a": 1, "b": 2, "n": 3}\n\n'),
    ],
)
def test_the_forms_that_users_send(content_type: str, body: bytes) -> None:
    np.testing.assert_array_equal(decode(body, content_type, SCHEMA), [[1.0, 2.0, 3.0]])


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def test_npy_of_one_and_two_dimensions_without_pickles() -> None:
    np.testing.assert_array_equal(
        decode(npy(np.array([1.0, 2.0, 3.0])), "application/x-npy", SCHEMA), [[1.0, 2.0, 3.0]]
    )
    with pytest.raises(RequestError, match="2 dimensions"):
        decode(npy(np.zeros((1, 1, 3))), "application/x-npy", SCHEMA)
    with pytest.raises(RequestError, match="not an npy array"):
        decode(npy(np.array([{}], dtype=object)), "application/x-npy", SCHEMA)


@pytest.mark.parametrize(
    ("content_type", "body", "status", "said"),
    [
        ("text/csv", b"", 400, "empty"),
        ("text/csv", b"a,b,n\n", 400, "a header and no rows"),
        ("text/csv", b"1,2,3\n1,x,3\n", 400, "row 2, column 'b': 'x' is not a number"),
        ("text/csv", b"1,2\n", 400, "row 1 has 2 columns, the schema has 3"),
        ("text/csv", b"1,,3\n", 400, "row 1, column 'b': a value is required"),
        ("text/csv", b"1,nan,3\n", 400, "row 1, column 'b': 'nan' is not a finite number"),
        ("text/csv", b"inf,1,3\n", 400, "column 'a'"),
        ("text/csv", b"1,2,3.5\n", 400, "row 1, column 'n': '3.5' is not a whole number"),
        ("text/csv", b"\xff\xfe", 400, "not UTF-8"),
        ("application/json", b"{", 400, "not JSON"),
        ("application/json", b'"text"', 400, "must be a list of rows"),
        ("application/json", b"[]", 400, "no rows"),
        ("application/json", b'[{"a": 1, "b": 2, "c": 3, "n": 4}]', 400, "unknown column 'c'"),
        ("application/json", b'[{"a": 1, "n": 4}]', 400, "missing column 'b'"),
        ("application/json", b"[[1, null, 3]]", 400, "row 1, column 'b': a value is required"),
        ("application/jsonlines", b"[1,2,3]\n{\n", 400, "row 2 is not JSON"),
        ("image/png", b"x", 415, "text/csv"),
    ],
)
def test_bad_bodies_name_the_row_and_column(content_type: str, body: bytes, status: int, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode(body, content_type, SCHEMA)

    assert caught.value.status == status
    assert said in str(caught.value)


def test_a_nullable_column_may_be_empty() -> None:
    assert np.isnan(decode(b"1,2,\n", "text/csv", SCHEMA)[0, 2])


def test_encoders_and_negotiation() -> None:
    prediction = [[1, 0.5], [0, 0.25]]

    assert encode(prediction, "text/csv") == (b"1,0.5\n0,0.25\n", "text/csv")
    assert encode(np.array([1.5]), "application/json")[0] == b"[1.5]"
    assert encode(prediction, "application/jsonlines")[0] == b"[1,0.5]\n[0,0.25]\n"
    assert np.load(io.BytesIO(encode(prediction, "application/x-npy")[0])).shape == (2, 2)
    assert negotiate("image/png, text/csv;q=0.5", "application/json") == "text/csv"
    assert negotiate(None, "application/json") == negotiate("*/*", "application/json") == "application/json"
    with pytest.raises(RequestError) as caught:
        encode(prediction, "image/png")
    assert caught.value.status == 406
