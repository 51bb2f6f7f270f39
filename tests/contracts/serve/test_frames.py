"""Rows as a DataFrame: what pandas wrote comes back as the very frame, by every way in which it is sent."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.contracts.schema import Column, Schema
from fogbank.serve.decode import Decoder
from fogbank.serve.problems import RequestError

COLUMNS = (
    Column(name="size", nullable=True),
    Column(name="small", pandas="float32"),
    Column(name="count", dtype="integer"),
    Column(name="rooms", dtype="integer", pandas="Int64", nullable=True),
    Column(name="open", dtype="boolean"),
    Column(name="seen", dtype="boolean", nullable=True),
    Column(name="city", dtype="string", nullable=True),
    Column(name="day", dtype="datetime", nullable=True),
    Column(name="kind", dtype="category", categories=("flat", "house", "boat"), nullable=True),
)
decode = Decoder(Schema(columns=COLUMNS, rows="frame"))
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1).filter(
    lambda word: word.strip() == word
)
ROW = st.tuples(
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    WHOLE,
    st.none() | WHOLE,
    st.booleans(),
    st.none() | st.booleans(),
    st.none() | WORDS,
    st.none() | st.datetimes(min_value=pd.Timestamp("1700-01-01"), max_value=pd.Timestamp("2200-01-01")),
    st.none() | st.sampled_from(["flat", "house", "boat"]),
)


def truth(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """The frame as somebody would have trained on it."""
    cells = dict(zip([column.name for column in COLUMNS], zip(*rows, strict=True), strict=True))
    return pd.DataFrame({
        "size": np.array([np.nan if cell is None else cell for cell in cells["size"]]),
        "small": np.array(cells["small"], dtype=np.float32),
        "count": np.array(cells["count"], dtype=np.int64),
        "rooms": pd.array(list(cells["rooms"]), dtype="Int64"),
        "open": np.array(cells["open"], dtype=bool),
        "seen": pd.array(list(cells["seen"]), dtype="boolean"),
        "city": pd.Series([np.nan if cell is None else cell for cell in cells["city"]], dtype=object),
        "day": np.array([np.datetime64("NaT") if cell is None else cell for cell in cells["day"]], dtype="datetime64[ns]"),
        "kind": pd.Categorical(cells["kind"], categories=["flat", "house", "boat"]),
    })  # fmt: skip


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=6))
def test_a_frame_comes_back_as_it_was_by_csv_json_and_parquet(rows: list[tuple[Any, ...]]) -> None:
    frame = truth(rows)
    sink = io.BytesIO()
    frame.to_parquet(sink)
    plain = [
        [None if cell is None else cell.isoformat() if hasattr(cell, "isoformat") else cell for cell in row]
        for row in rows
    ]
    records = [dict(zip(frame.columns, row, strict=True)) for row in plain]
    split = {"columns": list(frame.columns), "data": plain}

    for body, kind in (
        (frame.to_csv(index=False).encode(), "text/csv"),
        (frame.to_csv(index=False, header=False).encode(), "text/csv"),
        (frame[frame.columns[::-1]].to_csv(index=False).encode(), "text/csv"),
        (json.dumps(plain).encode(), "application/json"),
        (json.dumps({"dataframe_records": records}).encode(), "application/json"),
        (json.dumps({"dataframe_split": split}).encode(), "application/json"),
        ("".join(json.dumps(record) + "\n" for record in records).encode(), "application/jsonlines"),
        (sink.getvalue(), "application/x-parquet"),
    ):
        pd.testing.assert_frame_equal(decode(body, kind), frame, check_column_type=False, obj=kind)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53) + 1, 2**53 - 1)), min_size=1
    )
)
def test_a_frame_of_numbers_alone_takes_the_quick_way_and_is_the_same(rows: list[tuple[float, int]]) -> None:
    quick = Decoder(Schema(columns=(Column(name="a"), Column(name="n", dtype="integer", pandas="int64")), rows="frame"))
    frame = pd.DataFrame(rows, columns=["a", "n"])

    pd.testing.assert_frame_equal(quick(frame.to_csv(index=False, header=False).encode(), "text/csv"), frame)
    pd.testing.assert_frame_equal(quick(json.dumps(rows).encode(), "application/json"), frame)


@pytest.mark.parametrize(
    ("cell", "column", "cause"),
    [
        (2**63, "count", "does not fit: a whole number here is at most 9223372036854775807"),
        ("caravan", "kind", "is not one of the column's 3 categories: 'flat', 'house', 'boat'"),
        ("yesterday", "day", "is not a date or time as"),
        ("2400-01-01", "day", "is not between the years 1678 and 2261"),
        (20260131, "day", "is not a date or time as"),
        (2.0**53, "count", "may have been rounded: send whole numbers from 9007199254740992 on as such"),
        (-(2.0**60), "rooms", "may have been rounded"),
        (2, "open", "is neither true nor false"),
        (None, "open", "a value is required"),
        (7, "city", "7 is not a string"),
    ],
)  # fmt: skip
def test_a_cell_that_is_none_of_its_columns_is_named(cell: Any, column: str, cause: str) -> None:
    row = {
        "size": 1,
        "small": 1,
        "count": 1,
        "rooms": 1,
        "open": True,
        "seen": True,
        "city": "x",
        "day": "2026-01-31",
        "kind": "flat",
    }

    with pytest.raises(RequestError) as caught:
        decode(json.dumps([{**row, column: cell}]).encode(), "application/json")

    assert f"row 1, column {column!r}: " in str(caught.value)
    assert cause in str(caught.value)


@pytest.mark.parametrize(("written", "moment"), [
    ("2026-01-31", "2026-01-31T00:00:00"),
    ("2026-01-31 12:30:00.123456789", "2026-01-31T12:30:00.123456789"),
    ("2026-01-31T12:30:00Z", "2026-01-31T12:30:00"),
    ("2026-01-31T12:30:00+02:00", "2026-01-31T10:30:00"),
])  # fmt: skip
def test_moments_are_read_to_the_nanosecond_and_zones_become_utc(written: str, moment: str) -> None:
    days = Decoder(Schema(columns=(Column(name="day", dtype="datetime"), Column(name="n")), rows="frame"))

    assert days(f"{written},1\n".encode(), "text/csv")["day"][0] == pd.Timestamp(moment)


@pytest.mark.parametrize(("missing", "value"), [("none", None), ("empty", "")])
def test_a_missing_string_is_what_training_saw(missing: Any, value: Any) -> None:
    words = Decoder(
        Schema(columns=(Column(name="a"), Column(name="w", dtype="string", nullable=True, missing=missing)))
    )

    for body, kind in ((b"1,\n", "text/csv"), (b"[[1, null]]", "application/json")):
        assert words(body, kind).tolist() == [[1.0, value]]
    usual = Decoder(Schema(columns=(Column(name="a"), Column(name="w", dtype="string", nullable=True))))
    assert np.isnan(usual(b"1,\n", "text/csv")[0, 1])


def test_numbered_categories_are_found_by_what_they_are_and_by_how_they_are_written() -> None:
    floors = Decoder(
        Schema(columns=(Column(name="floor", dtype="category", categories=(1, 2, 10)), Column(name="n")), rows="frame")
    )

    for body, kind in ((b"10,1\n2,1\n", "text/csv"), (b"[[10, 1], [2.0, 1]]", "application/json")):
        frame = floors(body, kind)
        assert frame["floor"].tolist() == [10, 2]
        assert list(frame["floor"].cat.categories) == [1, 2, 10]
    with pytest.raises(RequestError, match="True is not one of the column's 3 categories"):
        floors(b"[[true, 1]]", "application/json")


def test_text_alone_is_one_string_a_row() -> None:
    texts = Decoder(Schema(columns=(Column(name="text", dtype="string"),), rows="texts"))

    assert texts(b'good film\n"bad, bad film"\n', "text/csv").tolist() == ["good film", "bad, bad film"]
    assert texts(b'{"inputs": ["good film", "bad"]}', "application/json").tolist() == ["good film", "bad"]
    assert texts(b'{"inputs": "good film"}', "application/json").tolist() == ["good film"]
    assert texts(b'"good film"\n"bad"\n', "application/jsonlines").tolist() == ["good film", "bad"]
    assert texts(b'[{"text": "good film"}]', "application/json").tolist() == ["good film"]
