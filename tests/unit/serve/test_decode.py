from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.contracts.manifest import Column, Schema
from fogbank.serve.columnar import UNFOLDED_LIMIT
from fogbank.serve.decode import Decoder
from fogbank.serve.delimited import AT_ONCE
from fogbank.serve.encode import Encoder
from fogbank.serve.problems import RequestError

SCHEMA = Schema(columns=(Column(name="a"), Column(name="b"), Column(name="n", dtype="integer", nullable=True)))
MIXED = Schema(columns=(Column(name="a"), Column(name="word", dtype="string")))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
decode = Decoder(SCHEMA)


@given(st.lists(st.tuples(FLOATS, FLOATS, st.integers(-(2**53), 2**53)), min_size=1, max_size=20))
def test_csv_json_and_npy_carry_every_float_exactly(rows: list[tuple[float, float, int]]) -> None:
    text = "".join(",".join(repr(cell) for cell in row) + "\n" for row in rows)
    expected = np.array(rows, dtype=np.float64)

    np.testing.assert_array_equal(decode(text.encode(), "text/csv; charset=utf-8"), expected)
    np.testing.assert_array_equal(decode(json.dumps(rows).encode(), "application/json"), expected)
    np.testing.assert_array_equal(decode(npy(expected), "application/x-npy"), expected)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"1,2,3"),
        ("text/csv", b'"1",2,3\r\n'),
        ("text/csv", b"+1, 2.0 ,3\n\n"),
        ("text/csv", b"\xef\xbb\xbfa,b,n\n1,2,3\n"),
        ("text/csv", b"n,a,b\n3,1,2\n"),
        ("text/csv; charset=utf-16", "1,2,3\n".encode("utf-16")),
        ("Text/CSV;header=absent", b"1,2,3\n"),
        ("", b"1,2,3\n"),
        ("application/json", b"[1, 2, 3]"),
        ("application/json; charset=UTF-8", b'{"instances": [[1, 2, 3]]}'),
        ("application/json", b'{"instances": [{"features": [1, 2, 3]}]}'),
        ("application/json", b'{"inputs": [{"n": 3, "b": 2, "a": 1}]}'),
        ("application/json", b'{"a": 1, "b": 2, "n": 3}'),
        ("application/json", b'{"columns": ["n", "b", "a"], "data": [[3, 2, 1]]}'),
        ("application/json", b'{"inputs": {"a": [1], "b": [2], "n": [3]}}'),
        ("application/json", b'{"instances": [{"data": {"features": {"values": [1, 2, 3]}}}]}'),
        (
            "application/json",
            b'{"instances": [{"data": {"features": {"keys": [2, 0, 1], "shape": [3], "values": [3, 1, 2]}}}]}',
        ),
        ("application/json", b'{"dataframe_split": {"index": [0], "columns": ["n", "b", "a"], "data": [[3, 2, 1]]}}'),
        ("application/json", b'{"dataframe_records": [{"n": 3, "b": 2, "a": 1}]}'),
        ("application/json", b"[[true, 2, 3]]"),
        ("application/json", b"\xef\xbb\xbf[[1, 2, 3]]"),
        ("text/csv", b"True,2,3\n"),
        ("text/csv; header=present", b"n,b,a\n3,2,1\n"),
        ("application/jsonlines", b'{"data": {"features": {"values": [1, 2, 3]}}}\n'),
        ("application/jsonlines", b'\xef\xbb\xbf{"features": [1, 2, 3]}\n'),
        ("application/jsonl", b'{"a": 1, "b": 2, "n": 3}\n\n'),
    ],
)
def test_the_forms_that_users_send(content_type: str, body: bytes) -> None:
    np.testing.assert_array_equal(decode(body, content_type), [[1.0, 2.0, 3.0]])


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def parquet(columns: dict[str, list[Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_npy_of_one_and_two_dimensions_in_either_order() -> None:
    rows = np.arange(6, dtype=np.int32).reshape(2, 3)

    np.testing.assert_array_equal(decode(npy(rows[0]), "application/x-npy"), [[0, 1, 2]])
    np.testing.assert_array_equal(decode(npy(np.asfortranarray(rows)), "application/x-npy"), rows)


def test_parquet_by_column_name_in_any_order() -> None:
    body = parquet({"n": [3, None], "a": [1.0, 4.0], "b": [2.0, 5.0]})

    np.testing.assert_array_equal(decode(body, "application/x-parquet"), [[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]])
    words = Decoder(MIXED)(parquet({"word": ["x"], "a": [1.5]}), "application/x-parquet")
    assert words.tolist() == [[1.5, "x"]]


def test_a_parquet_file_that_unfolds_to_too_much_is_refused() -> None:
    table = pa.table(dict.fromkeys("abn", pa.array(np.zeros(UNFOLDED_LIMIT // (3 * 8) + 1))))
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")

    with pytest.raises(RequestError) as caught:
        decode(out.getvalue(), "application/x-parquet")
    assert (caught.value.status, len(out.getvalue()) < 1 << 20) == (413, True)


@pytest.mark.parametrize(
    ("content_type", "body", "status", "said"),
    [
        ("text/csv", b"", 400, "empty"),
        ("text/csv", b" \n\n", 400, "empty"),
        ("text/csv", b"a,b,n\n", 400, "a header and no rows"),
        ("text/csv", b"a,b,x\n1,2,3\n", 400, "unknown column 'x', missing column 'n'"),
        ("text/csv", b"n,a,b\n3,1\n", 400, "row 1 has 2 columns, the header has 3"),
        ("text/csv", b"1,2,3\n1,x,3\n", 400, "row 2, column 'b': 'x' is not a number"),
        ("text/csv", b"1,2\n", 400, "row 1 has 2 columns, the schema has 3"),
        ("text/csv", b"1,2,3\n1,2\n1,2,3,4\n", 400, "row 2 has 2 columns"),
        ("text/csv", b"1,2,3\n1,2,3,4\n1,2\n", 400, "row 2 has 4 columns"),
        ("text/csv", b"1,[2],3\n", 400, "row 1, column 'b': '[2]' is not a number"),
        ("text/csv", b"1,,3\n", 400, "row 1, column 'b': a value is required"),
        ("text/csv", b"1,nan,3\n", 400, "row 1, column 'b': 'nan' is not a finite number"),
        ("text/csv", b"1,2,inf\n", 400, "row 1, column 'n': 'inf' is not a finite number"),
        ("text/csv", b"1e999,1,3\n", 400, "row 1, column 'a'"),
        ("text/csv", b"1,2,3.5\n", 400, "row 1, column 'n': '3.5' is not a whole number"),
        ("text/csv", b"1_000,2,3\n", 400, "row 1, column 'a': '1_000' is not a number"),
        ("text/csv", "\uff11,2,3\n".encode(), 400, "row 1, column 'a': '\uff11' is not a number"),
        ("text/csv", b"1,2,9007199254740993\n", 400, "row 1, column 'n': '9007199254740993' does not fit"),
        ("application/json", b"[[1,2,-9007199254740993]]", 400, "row 1, column 'n': -9007199254740993 does not fit"),
        (
            "application/json",
            b"[[1,2,36893488147419103232]]",
            400,
            "row 1, column 'n': 3.6893488147419103e+19 does not fit",
        ),
        (
            "application/x-npy",
            npy(np.array([[1, 2, 2**53 + 1]])),
            400,
            "row 1, column 'n': 9007199254740993 does not fit",
        ),
        (
            "application/x-parquet",
            parquet({"a": [1.0], "b": [1.0], "n": [2**53 + 1]}),
            400,
            "row 1, column 'n': 9007199254740993 does not fit",
        ),
        (
            "application/x-parquet",
            parquet({"a": [1.0, 1.0], "b": [1.0, 1.0], "n": [None, 2**53 + 1]}),
            400,
            "row 2, column 'n'",
        ),
        ("text/csv; header=present", b"1,2,3\n4,5,6\n", 400, "unknown column '1'"),
        (
            "application/json",
            b'{"instances": [[1, 2, 3]], "params": {}}',
            400,
            "'params' beside 'instances' is not taken here",
        ),
        ("application/json", b'{"dataframe_split": [[1, 2, 3]]}', 400, "`dataframe_split` must be an object"),
        ("application/json", b'{"inputs": {"a": [1], "b": [2, 2], "n": [3]}}', 400, "not of one length"),
        (
            "application/json",
            b'[{"data": {"features": {"keys": [3], "shape": [3], "values": [1]}}}]',
            400,
            "a sparse row has `keys` below 3",
        ),
        ("text/csv", b'1,"2,3\n', 400, "not CSV"),
        ("text/csv", b"\xff\xfe", 400, "not utf-8"),
        ("text/csv; charset=klingon", b"1,2,3", 415, "charset 'klingon' is not known"),
        ("application/json", b"{", 400, "not JSON"),
        ("application/json", b'"text"', 400, "must be a list of rows"),
        ("application/json", b"[]", 400, "no rows"),
        ("application/json", b'[{"a": 1, "b": 2, "c": 3, "n": 4}]', 400, "unknown column 'c'"),
        ("application/json", b'[{"a": 1, "n": 4}]', 400, "missing column 'b'"),
        ("application/json", b"[[1, 1e999, 3]]", 400, "number is infinity"),
        ("application/json", b"[[1, NaN, 3]]", 400, "row 1, column 'b': nan is not a finite number"),
        ("application/json", b"[[1, Infinity, 3]]", 400, "row 1, column 'b': inf is not a finite number"),
        ("application/json", b"[[1, NaN, 3]", 400, "not JSON"),
        ("application/json", b"[[1, null, 3]]", 400, "row 1, column 'b': a value is required"),
        ("application/json", b'[[1, "2", 3]]', 400, "row 1, column 'b': '2' is not a number"),
        ("application/json", b"[[1, [2], 3]]", 400, "row 1, column 'b': [2] is not a number"),
        ("application/json", b"[1, 2, 3, [4]]", 400, "row 1 has 4 columns"),
        ("application/json", b'{"columns": ["a"], "data": [[1, 2]]}', 400, "row 1 of `data`"),
        ("application/json", b"[" * 5000, 400, "not JSON"),
        ("application/jsonlines", b"[1,2,3]\n{\n", 400, "row 2 is not JSON"),
        ("application/jsonlines", b"7\n", 400, "row 1 is neither a list nor an object"),
        ("application/x-npy", b"\x93NUMPY\x01\x00\xff", 400, "not an npy array"),
        ("application/x-npy", npy(np.zeros((1, 1, 3))), 400, "2 dimensions"),
        ("application/x-npy", npy(np.zeros((1, 4))), 400, "row 1 has 4 columns"),
        ("application/x-npy", npy(np.zeros((0, 3))), 400, "no rows"),
        ("application/x-npy", npy(np.array([{}], dtype=object)), 400, "holds object"),
        ("application/x-npy", npy(np.array([[1, 2, 3], [1, np.inf, 3]])), 400, "row 2, column 'b'"),
        ("application/x-npy", npy(np.array([[1, 2, 3.5]])), 400, "row 1, column 'n'"),
        ("application/x-parquet", b"PAR1", 400, "not a parquet file"),
        ("application/x-parquet", parquet({"a": [1.0]}), 400, "missing column 'b'"),
        ("image/png", b"x", 415, "text/csv"),
        ("text/plain", b"x", 415, "text/csv"),
    ],
)
def test_bad_bodies_name_the_row_and_column(content_type: str, body: bytes, status: int, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode(body, content_type)

    assert caught.value.status == status
    assert said in str(caught.value)


def test_an_npy_header_that_claims_more_than_there_is_is_not_believed() -> None:
    body = npy(np.zeros((1, 3))).replace(b"(1, 3)", b"(9**9, 3)").replace(b"(9**9, 3)", b"(999999999999, 3)")

    with pytest.raises(RequestError, match=r"not an npy array|which is not the"):
        decode(body, "application/x-npy")


def test_a_nullable_column_may_be_empty_but_not_infinite() -> None:
    assert np.isnan(decode(b"1,2,\n", "text/csv")[0, 2])
    assert np.isnan(decode(b"[[1,2,null]]", "application/json")[0, 2])
    assert np.isnan(decode(npy(np.array([[1, 2, np.nan]])), "application/x-npy")[0, 2])


@pytest.mark.parametrize(
    ("names", "body", "rows"),
    [
        (("1stFlrSF", "2ndFlrSF", "area"), b"1stFlrSF,2ndFlrSF,area\n7,8,9\n", [[7, 8, 9]]),
        (("1stFlrSF", "2ndFlrSF", "area"), b"area,1stFlrSF,2ndFlrSF\n9,7,8\n", [[7, 8, 9]]),
        (("-x", "y", "z"), b"-x,y,z\n7,8,9\n", [[7, 8, 9]]),
        ((".x", "y", "z"), b"7,8,9\n", [[7, 8, 9]]),
        (("0", "1", "2"), b"0,1,2\n7,8,9\n", [[7, 8, 9]]),
        (("0", "1", "2"), b"0,2,1\n7,8,9\n", [[0, 2, 1], [7, 8, 9]]),
        (("0", "1", "2"), b"0,1,2\n", [[0, 1, 2]]),
        ((" age", "pay "), b' age,"pay "\n7,8\n', [[7, 8]]),
        ((" age", "pay "), b"pay,age\n8,7\n", [[7, 8]]),
        (("age", "pay"), b" pay , age\n8,7\n", [[7, 8]]),
        (("a", " a"), b" a,a\n8,7\n", [[7, 8]]),
    ],
)
def test_a_header_may_begin_as_a_number_does(names: tuple[str, ...], body: bytes, rows: list[list[int]]) -> None:
    table = Decoder(Schema(columns=tuple(Column(name=name) for name in names)))

    assert table(body, "text/csv").tolist() == rows


def test_whether_there_is_a_header_can_be_said() -> None:
    numbered = Decoder(Schema(columns=tuple(Column(name=name) for name in "012")))

    assert numbered(b"0,1,2\n7,8,9\n", "text/csv; header=absent").tolist() == [[0, 1, 2], [7, 8, 9]]
    assert numbered(b"2,1,0\n7,8,9\n", "text/csv; header=present").tolist() == [[9, 8, 7]]


def test_a_table_of_one_column_takes_flat_lists_and_its_empty_lines_are_rows() -> None:
    one = Decoder(Schema(columns=(Column(name="x", nullable=True),)))

    np.testing.assert_array_equal(one(b"1\n\n3\n", "text/csv"), [[1], [np.nan], [3]])
    for body in (b'{"instances": [1, 2]}', b"[1, 2]", b'{"inputs": {"x": [1, 2]}}', b"[[1], [2]]"):
        np.testing.assert_array_equal(one(body, "application/json"), [[1], [2]])
    np.testing.assert_array_equal(one(b"1\n2\n", "application/jsonlines"), [[1], [2]])
    required = Decoder(Schema(columns=(Column(name="x"),)))
    np.testing.assert_array_equal(required(b"1\n2\n\n", "text/csv"), [[1], [2]])
    with pytest.raises(RequestError, match="row 2, column 'x': a value is required"):
        required(b"1\n\n3\n", "text/csv")


def test_pythons_nan_is_a_missing_value_where_there_may_be_one() -> None:
    np.testing.assert_array_equal(decode(b"[[1, 2, NaN]]", "application/json"), [[1, 2, np.nan]])


def test_a_required_string_is_required_in_csv_as_in_json() -> None:
    words = Decoder(MIXED)

    assert words(b'[[1, ""]]', "application/json").tolist() == [[1.0, ""]]
    for body, kind in (
        (b"1,\n", "text/csv"),
        (b"[[1, null]]", "application/json"),
        (b"[[1, NaN]]", "application/json"),
    ):
        with pytest.raises(RequestError, match="row 1, column 'word': a value is required"):
            words(body, kind)


@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=1, max_size=20))
def test_what_is_written_is_read_as_it_was(rows: list[list[float]]) -> None:
    table = Decoder(Schema(columns=(Column(name="a"), Column(name="b"), Column(name="c"))))
    encode = Encoder(None)

    for kind in ("text/csv", "application/json", "application/jsonlines", "application/x-npy"):
        np.testing.assert_array_equal(table(encode(np.array(rows), kind)[0], kind), rows)


def test_columns_of_strings() -> None:
    words = Decoder(MIXED)

    assert words(b'1.5,"a, b"\n', "text/csv").tolist() == [[1.5, "a, b"]]
    with pytest.raises(RequestError, match="row 1, column 'word': 7 is not a string"):
        words(b"[[1.5, 7]]", "application/json")


def test_without_a_schema_the_forms_are_the_toolkits() -> None:
    plain = Decoder(None)

    np.testing.assert_array_equal(plain(b"1,2\n3,4\n", "text/csv"), [[1.0, 2.0], [3.0, 4.0]])
    assert plain(b"x,1\n", "text/csv").tolist() == [["x", "1"]]
    assert plain("größe".encode("latin-1"), "text/plain; charset=latin-1") == "größe"
    with pytest.raises(RequestError, match="row 2 has another number of columns"):
        plain(b"1,2\n3\n", "text/csv")
    assert plain(b'[{"a": 1}]', "application/json").tolist() == [{"a": 1}]


@given(
    st.binary(max_size=200),
    st.sampled_from(
        ["text/csv", "application/json", "application/jsonlines", "application/x-npy", "application/x-parquet"]
    ),
)
def test_no_bytes_are_anything_but_rows_or_a_refusal(body: bytes, content_type: str) -> None:
    try:
        width, status = decode(body, content_type).shape[1], 400
    except RequestError as error:
        width, status = 3, error.status
    assert (width, status in {400, 413, 415}) == (3, True)


def test_blanks_are_part_of_a_category_of_words_and_of_no_category_of_numbers() -> None:
    towns = Column(name="town", dtype="category", categories=("Rome", " Oslo", " "))
    sizes = Column(name="size", dtype="category", categories=(1, 2))
    decoder = Decoder(Schema(columns=(towns, sizes), rows="frame"))

    found = decoder(b" Oslo, 2 \n ,1\n", "text/csv")

    assert found.values.tolist() == [[" Oslo", 2], [" ", 1]]
    with pytest.raises(RequestError, match="'Rome ' is not one of"):
        decoder(b"Rome ,1\n", "text/csv")


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b"[[1.5, 2]]", [[1.5, 2.0]]),
        (b"[1.5, 2]", [[1.5, 2.0]]),
        (b"[[1e308, 1e308]]", [[1e308, 1e308]]),  # their sum is no number
        (b"[[9007199254740993, 18446744073709551615]]", [[9007199254740992.0, 18446744073709551616.0]]),
        (b"[[1, 2], [3, 4]]", [[1.0, 2.0], [3.0, 4.0]]),
        (b"[[NaN, 1]]", "row 1, column 'a': nan is not a finite number"),
        (b"[[true, 1]]", [[1.0, 1.0]]),
        (b"[[1, null]]", "row 1, column 'b'"),
        (b"[[1, [2]]]", "row 1, column 'b'"),
        (b"[[1, 2, 3]]", "row 1 has 3 columns"),
        (b"[]", "holds no rows"),
    ],
)
def test_one_row_of_numbers_is_read_as_all_are(body: bytes, rows: Any) -> None:
    decode = Decoder(Schema(columns=(Column(name="a"), Column(name="b"))))
    if isinstance(rows, str):
        with pytest.raises(RequestError, match=rows):
            decode(body, "application/json")
    else:
        table = decode(body, "application/json")
        assert (table.dtype, table.tolist()) == (np.float64, rows)


def test_what_is_no_part_of_a_vector_is_not_passed_over() -> None:
    with pytest.raises(RequestError, match="and no 'other'"):
        decode(b'{"data": {"features": {"values": [1, 2, 3], "other": null}}}', "application/json")


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_many_lines_are_read_in_parts(end: bytes) -> None:
    rows = [(number / 7, -number, number) for number in range(120_000)]
    lines = [f"{first!r},{second},{third}".encode() for first, second, third in rows]
    body = b"\n".join(lines) + end
    assert len(body) > 2 * AT_ONCE

    assert np.array_equal(decode(body, "text/csv"), np.array(rows))
    lines[110_000] = b"1,x,2"
    with pytest.raises(RequestError, match="row 110001, column 'b'"):
        decode(b"\n".join(lines) + end, "text/csv")
    lines[110_000] = b"1,2"
    with pytest.raises(RequestError, match="row 110001 has 2 columns"):
        decode(b"\n".join(lines) + end, "text/csv")
