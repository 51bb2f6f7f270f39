"""Sample rows against what a model says of its columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.errors import DataError
from fogbank.contracts.schema import Column, Dtype, Value
from fogbank.project.scaffolding.samples import Sample, known_columns, read_sample, remembered, typed

TEXT = "city,age,member,target\nRome,30,true,1\n,,False,0\n"


def write(tmp_path: Path, text: str = TEXT) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    return path


def test_the_models_names_choose_and_order_and_types_are_inferred(tmp_path: Path) -> None:
    sample = read_sample(write(tmp_path), ["age", "city", "member"], 3)

    assert sample.columns == (
        Column(name="age", nullable=True), Column(name="city", dtype="string", nullable=True), Column(name="member", dtype="boolean"),
    )  # fmt: skip
    assert sample.cells == (("30", "Rome", "true"), ("", "", "False"))
    assert sample.ignored == ("target",)


def test_a_model_without_names_takes_the_headers_or_numbers(tmp_path: Path) -> None:
    assert [column.name for column in read_sample(write(tmp_path), [], 0).columns] == [
        "city",
        "age",
        "member",
        "target",
    ]
    bare = read_sample(write(tmp_path, "1,2\n3,4\n"), [], 2)
    assert ([column.name for column in bare.columns], bare.cells) == (["c0", "c1"], (("1", "2"), ("3", "4")))
    assert read_sample(write(tmp_path, "1,2\n"), ["a", "b"], 2).columns == known_columns(["a", "b"], 0)


@pytest.mark.parametrize(
    ("text", "names", "width", "code"),
    [
        (TEXT, ["age", "height"], 2, "sample-columns"),
        (TEXT, [], 3, "sample-columns"),
        ("1,2\n", ["a"], 1, "sample-columns"),
        ("a,b\n", ["a", "b"], 2, "sample-unreadable"),
        ("a,b\n1\n", [], 0, "sample-unreadable"),
        ("", [], 0, "sample-unreadable"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused(
    tmp_path: Path, text: str, names: list[str], width: int, code: str
) -> None:
    with pytest.raises(DataError) as caught:
        read_sample(write(tmp_path, text), names, width)
    assert caught.value.code == code


def test_what_the_model_declares_goes_before_what_is_inferred(tmp_path: Path) -> None:
    own = Column(name="age", dtype="integer")
    assert typed(read_sample(write(tmp_path), [], 0), [own]).columns[1] == own


def test_what_is_known_of_a_column_stays_where_its_cells_are_of_it(tmp_path: Path) -> None:
    former = [
        Column(name="city", dtype="string"),
        Column(name="age", dtype="integer"),
        Column(name="member", dtype="float"),
    ]
    sample = remembered(read_sample(write(tmp_path), ["age", "city", "member"], 3), former)
    assert sample.columns == (
        Column(name="age", dtype="integer", nullable=True), Column(name="city", dtype="string", nullable=True),
        Column(name="member", dtype="boolean"),
    )  # fmt: skip
    assert remembered(Sample(columns=known_columns(["member", "x"], 0)), former).columns[0].dtype == "float"


@pytest.mark.parametrize(
    ("known", "cells", "dtype"),
    [
        ("integer", ["1", "2.0", ""], "integer"),
        ("integer", ["1", "2.5"], "float"),
        ("integer", ["1", "many"], "string"),
        ("integer", ["true", "false"], "boolean"),
        ("integer", ["", ""], "integer"),
        ("boolean", ["true", "False", ""], "boolean"),
        ("boolean", ["1", "0"], "float"),
        ("boolean", ["", ""], "boolean"),
        ("float", ["1", "2.5"], "float"),
        ("float", ["true", "false"], "boolean"),
        ("datetime", ["2026-01-31", "2026-01-31T12:00:00+02:00", ""], "datetime"),
        ("datetime", ["2026-01-31", "soon"], "string"),
        ("datetime", ["17", "18"], "float"),
        ("string", ["17", "true"], "string"),
        ("string", ["17", "18"], "string"),
    ],
)
def test_a_type_is_kept_where_every_cell_is_of_it(tmp_path: Path, known: Dtype, cells: list[str], dtype: Dtype) -> None:
    text = "".join(f"{cell},x\n" for cell in ["a", *cells])
    sample = remembered(read_sample(write(tmp_path, text), ["a", "x"], 2), [Column(name="a", dtype=known)])
    assert sample.columns[0].dtype == dtype


@pytest.mark.parametrize(
    ("known", "cells", "categories"),
    [
        (("red", "blue"), ["blue", "red", ""], ("red", "blue")),
        (("red", "blue"), ["blue", "green", "7", "green"], ("red", "blue", "green", "7")),
        ((1, 2), ["2", "3", "3.0", "4.5"], (1, 2, 3, 4.5)),
        ((1, 2), ["2", "two"], (1, 2, "two")),
        ((1, "x"), ["1", "3"], (1, "x", "3")),
    ],
)
def test_categories_that_are_new_come_behind_those_that_are_known(
    tmp_path: Path, known: tuple[Value, ...], cells: list[str], categories: tuple[Value, ...]
) -> None:
    text = "".join(f"{cell},x\n" for cell in ["a", *cells])
    former = Column(name="a", dtype="category", categories=known, pandas="category")
    column = remembered(read_sample(write(tmp_path, text), ["a", "x"], 2), [former]).columns[0]
    assert column == replace(former, categories=categories, nullable="" in cells)


def test_columns_of_words_are_words_with_and_without_a_sample(tmp_path: Path) -> None:
    assert [column.dtype for column in known_columns(("age", "zip"), 2, ("zip",))] == ["float", "string"]
    sample = read_sample(write(tmp_path, "age,zip\n3,0123\n4,0456\n"), ("age", "zip"), 2)
    assert [column.dtype for column in typed(sample, (), ("zip",)).columns] == ["float", "string"]
    assert sample.cells[0] == ("3", "0123")


def test_blanks_are_part_of_words_and_not_of_numbers(tmp_path: Path) -> None:
    sample = read_sample(write(tmp_path, "city,age\n Rome , 30\nOslo,31 \n"), ["city", "age"], 2)

    assert sample.columns == (Column(name="city", dtype="string"), Column(name="age"))
    assert sample.cells == ((" Rome ", "30"), ("Oslo", "31"))


def test_what_is_missing_is_no_new_category(tmp_path: Path) -> None:
    former = (Column(name="size", dtype="category", categories=(1, 2)),)
    sample = remembered(read_sample(write(tmp_path, "size\n1\nnan\n3\n"), ["size"], 1), former)

    assert sample.columns == (Column(name="size", dtype="category", categories=(1, 2, 3), nullable=True),)


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (("7", "9007199254740993"), "integer"),
        (("-9007199254740993", "+7"), "integer"),
        (("7", "9007199254740992"), "float"),
        (("0.5", "9007199254740993"), "float"),
        (("9007199254740993", "", "7"), "integer"),
    ],
)
def test_a_key_that_a_float_would_round_is_a_whole_number(tmp_path: Path, cells: tuple[str, ...], dtype: Dtype) -> None:
    text = "key,other\n" + "".join(f"{cell},1\n" for cell in cells)

    (key, _) = read_sample(write(tmp_path, text), [], 0).columns
    assert (key.dtype, key.nullable) == (dtype, "" in cells)
