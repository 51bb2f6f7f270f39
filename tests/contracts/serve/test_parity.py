"""Our codecs beside those of SageMaker's inference toolkit, byte for byte, over drawn values and content types.

What differs on purpose is undone by name here, and stands in docs/parity.md: JSON is compact, has no NaN, and is UTF-8; an exponent has no plus or
leading zero; what is no number of an array keeps its own type.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sagemaker_inference import content_types, decoder, encoder

from fogbank.serve import media
from fogbank.serve.decode import Decoder
from fogbank.serve.encode import Encoder
from fogbank.serve.problems import RequestError
from fogbank.serve.toolkit import TEXT_TYPES

encode, decode = Encoder(None), Decoder(None)
DTYPES = st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.uint8, np.bool_])
TABLES = DTYPES.flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=1, max_dims=2, max_side=5)))
CELLS = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def number(cell: str) -> str:
    """A float as Python writes it, a whole number and text as they are."""
    return repr(float(cell)) if cell[-1:].isdigit() and any(mark in cell for mark in ".e") else cell


def in_pythons_writing(body: str) -> str:
    """CSV with each float as Python writes it."""
    return "".join(",".join(map(number, line.split(","))) + "\n" for line in body.splitlines())


@settings(deadline=None)
@given(TABLES)
def test_arrays_are_written_as_the_toolkit_writes_them(table: Any) -> None:
    theirs = encoder.encode(table, content_types.CSV)
    ours = encode(table, media.CSV)[0].decode()
    if table.dtype == np.float32:  # numpy's own digits of a single: the same number, which is what is compared
        digits = [np.loadtxt(io.StringIO(body), dtype=np.float32, delimiter=",", ndmin=2) for body in (ours, theirs)]
        np.testing.assert_array_equal(digits[0], digits[1])
    else:
        assert in_pythons_writing(ours) == in_pythons_writing(theirs)

    without_nan = json.loads(encoder.encode(table, content_types.JSON), parse_constant=lambda _: None)
    assert json.dumps(json.loads(encode(table, media.JSON)[0])) == json.dumps(without_nan)
    assert encode(table, media.NPY)[0] == encoder.encode(table, content_types.NPY)


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=4)
    )
)
def test_lists_of_arrays_and_lists_of_lists_are_rows(rows: list[list[Any]]) -> None:
    as_arrays = [np.array(row) for row in rows]
    theirs = list(csv.reader(io.StringIO(encoder.encode(as_arrays, content_types.CSV))))
    ours = list(csv.reader(io.StringIO(encode(as_arrays, media.CSV)[0].decode())))

    as_number = {"True": 1.0, "False": 0.0}
    values = [
        [[as_number.get(cell) if cell in as_number else float(cell) for cell in row] for row in table]
        for table in (ours, theirs)
    ]
    assert values[0] == values[1]
    assert json.loads(encode(as_arrays, media.JSON)[0]) == json.loads(encoder.encode(as_arrays, content_types.JSON))
    assert json.loads(encode(rows, media.JSON)[0]) == json.loads(encoder.encode(rows, content_types.JSON)) == rows


@given(JSON_VALUES)
def test_whatever_json_the_toolkit_writes_ours_means_the_same(value: Any) -> None:
    assert json.loads(encode(value, media.JSON)[0]) == json.loads(encoder.encode(value, content_types.JSON))


@given(
    st.lists(st.lists(st.integers(-(2**62), 2**62) | st.booleans(), min_size=2, max_size=2), min_size=1)
    | st.lists(CELLS, min_size=1)
)
def test_json_is_read_as_the_toolkit_reads_it_where_there_is_no_schema(document: Any) -> None:
    body = json.dumps(document)
    theirs = decoder.decode(body, content_types.JSON)
    ours = decode(body.encode(), media.JSON)

    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_array_equal(ours, theirs)


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5)) | arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5), elements=st.floats(allow_nan=False, allow_infinity=False)
))  # fmt: skip
def test_csv_is_read_as_the_toolkit_reads_it_where_there_is_no_schema(table: Any) -> None:
    body = "".join(",".join(map(repr, row)) + "\n" for row in table.tolist())
    theirs, ours = decoder.decode(body, content_types.CSV), decode(body.encode(), media.CSV)

    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_array_equal(ours, theirs)


@given(
    arrays(
        st.sampled_from([np.float64, np.float32, np.int32, np.bool_]), array_shapes(min_dims=1, max_dims=5, max_side=3)
    )
)
def test_npy_of_any_shape_is_read_as_the_toolkit_reads_it(array: Any) -> None:
    body = encoder.encode(array, content_types.NPY)
    ours = decode(body, media.NPY)

    np.testing.assert_array_equal(ours, decoder.decode(body, content_types.NPY))
    assert ours.dtype == array.dtype


def test_a_sparse_matrix_is_read_as_the_toolkit_reads_it() -> None:
    matrix = scipy.sparse.random(4, 3, 0.5, format="csr", random_state=0)
    out = io.BytesIO()
    scipy.sparse.save_npz(out, matrix)

    assert (decode(out.getvalue(), media.NPZ) != decoder.decode(out.getvalue(), content_types.NPZ)).nnz == 0


def test_the_body_is_text_for_the_very_types_for_which_the_toolkit_says_so() -> None:
    assert set(content_types.UTF8_TYPES) == TEXT_TYPES


DIFFERENCES = {
    "NaN is null in JSON, which has no NaN": (np.array([math.nan]), media.JSON, b"[null]"),
    "text with a comma is quoted": (np.array(["a, b"]), media.CSV, b'"a, b"\n'),
    "lists keep whole numbers beside others": ([[1, 0.5]], media.CSV, b"1,0.5\n"),
    "a missing value is an empty cell": ([["a", None]], media.CSV, b"a,\n"),
    "a scalar is a row": (3, media.CSV, b"3\n"),
    "half precision has all its digits": (np.array([0.1], dtype=np.float16), media.CSV, b"0.0999755859375\n"),
    "JSON is UTF-8": (["ß"], media.JSON, '["ß"]'.encode()),
    "a small number is written out": (np.array([1e-05]), media.CSV, b"0.00001\n"),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_differs_on_purpose(name: str) -> None:
    value, kind, ours = DIFFERENCES[name]

    assert encode(value, kind)[0] == ours
    try:
        theirs = encoder.encode(value, kind).encode()
    except ValueError:
        return
    assert theirs != ours


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        object(),
        np.zeros((1, 2, 2)),
        [np.zeros((1, 2)), np.zeros((1, 2))],
        {"a": [1]},
        b"bytes",
        [[b"bytes"]],
        [[[1]]],
    ],
)
def test_nothing_is_written_as_its_repr(value: Any) -> None:
    with pytest.raises(RequestError) as caught:
        encode(value, media.CSV)

    assert caught.value.status == 406
    assert "cannot be written as text/csv: " in str(caught.value)
