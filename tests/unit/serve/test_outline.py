"""Large JSON in parts says the same as JSON in one: the same rows, and the same refusals."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import numpy as np
import orjson
import pytest

from fogbank.contracts.manifest import Column, Schema
from fogbank.serve import outline
from fogbank.serve.decode import Decoder
from fogbank.serve.problems import RequestError

SCHEMA = Schema(columns=(Column(name="a"), Column(name="word", dtype="string")))
FLOATS = Schema(columns=(Column(name="a"), Column(name="b", nullable=True)))
AWKWARD = ['"', "\\", "\\\\", '\\"', "[", "]", "{}", ",", "\u2028", "größe", "\U0001f600", "\0array-0", "x" * 40]


ROWS = 4_000
"""So many rows of these words are more than is read in one piece, and a column of so many numbers is a long array."""
BAD = 3_543


@cache
def drawn() -> list[tuple[float, str]]:
    chance = random.Random(0)
    return [(chance.random(), "".join(chance.choices(AWKWARD, k=60))) for _ in range(ROWS)]


def rows() -> list[list[Any]]:
    """The table, to be spoilt."""
    return [list(row) for row in drawn()]


FORMS = [
    lambda table: table,
    lambda table: {"instances": table},
    lambda table: {"signature_name": "x", "inputs": table},
    lambda table: {"columns": ["a", "word"], "data": table},
    lambda table: {"dataframe_split": {"columns": ["word", "a"], "data": [row[::-1] for row in table]}},
    lambda table: {"dataframe_records": [{"word": row[1], "a": row[0]} for row in table]},
    lambda table: {"inputs": {"a": [row[0] for row in table], "word": [row[1] for row in table]}},
    lambda table: {"instances": [{"features": row} for row in table]},
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spaced", [True, False])
def test_every_form_says_the_same_in_parts(form: Any, *, spaced: bool) -> None:
    table = rows()
    body = orjson.dumps(form(table), option=orjson.OPT_INDENT_2) if spaced else json.dumps(form(table)).encode()
    assert len(body) > outline.LARGE

    np.testing.assert_array_equal(Decoder(SCHEMA)(body, "application/json"), np.array(table, dtype=object))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda table: table[BAD].append(1), f"row {BAD + 1} has 3 columns"),
        (lambda table: table[BAD].__setitem__(0, "x"), f"row {BAD + 1}, column 'a': 'x' is not a number"),
    ],
)
def test_the_row_that_does_not_fit_is_named_by_its_number(spoil: Any, said: str) -> None:
    table = rows()
    spoil(table)
    for body in (json.dumps(table), json.dumps({"instances": table})):
        with pytest.raises(RequestError, match=said):
            Decoder(SCHEMA)(body.encode(), "application/json")
    lines = "".join(json.dumps(row) + "\n" for row in table).encode()
    with pytest.raises(RequestError, match=said):
        Decoder(SCHEMA)(lines, "application/jsonlines")


ROW = b"[1," + b" " * 40 + b"2],"
LONG = b"[" + ROW * 24_000 + b"[1,2]]"


@pytest.mark.parametrize(
    "body",
    [
        LONG[:-1],
        LONG[:-1] + b"}",
        LONG[:-1] + b",]",
        LONG[:-1] + b" , ]",
        b"[," + LONG[1:],
        LONG + b"]",
        LONG + b"x",
        LONG.replace(ROW * 3, ROW + b"," + ROW * 2, 1),
        LONG[:1_000_000] + b"]" + LONG[1_000_000:],
        LONG[:-2] + b'"' + LONG[-2:],
        b'{"instances":' + LONG,
        b'{"instances":' + LONG + b",}",
        b'{"instances" ' + LONG + b"}",
        b"[" * 2_000_000,
        b"[" * 1_500_000 + b"]" * 1_500_000,
    ],
)
def test_what_is_no_json_in_one_is_none_in_parts(body: bytes) -> None:
    with pytest.raises(RequestError) as refusal:
        Decoder(FLOATS)(body, "application/json")

    assert refusal.value.status == 400


def test_numbers_of_python_and_empty_arrays_are_what_they_are() -> None:
    body = b'{"index": [], "columns": ["a", "b"], "data": [' + (b"[1, NaN" + b" " * 90 + b"], ") * 12_000 + b"[2, 3]]}"
    table = Decoder(FLOATS)(body, "application/json")

    assert table.shape == (12_001, 2)
    assert (np.isnan(table[:-1, 1]).all(), table[-1].tolist()) == (True, [2, 3])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" + b"{}," * 1_000_000 + b"{}]", "row 1: missing column 'a'"),
        (b'{"instances":[' + b"[]," * 400_000 + b"[]]}", "row 1 has 0 columns"),
        (b"[[" + b"[]," * 1_000_000 + b"[]]]", "more lists, objects and texts"),
        (b'{"x":{' + b",".join(b'"%d":1' % n for n in range(600_000)) + b"}}", "more lists, objects and texts"),
        (b"{" + b",".join(b'"%0600d":[]' % n for n in range(2_000)) + b"}", "more arrays than any form"),
    ],
)
def test_what_would_hold_up_others_is_refused_at_its_first_row(body: bytes, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Decoder(FLOATS)(body, "application/json")


def test_lines_and_cells_in_parts_too() -> None:
    table = rows()
    lines = "".join(json.dumps(row) + "\n" for row in table).encode()
    np.testing.assert_array_equal(Decoder(SCHEMA)(lines, "application/jsonlines"), np.array(table, dtype=object))
    words = [f'"{n}", it said' + ", and went on" * 10 for n in range(10_000)]
    quoted = [[float(n), word] for n, word in enumerate(words)]
    text = "".join(f'{n}.0,"{word.replace(chr(34), chr(34) * 2)}"\n' for n, word in enumerate(words))
    np.testing.assert_array_equal(Decoder(SCHEMA)(text.encode(), "text/csv"), np.array(quoted, dtype=object))
    bad = text + "x,y\n"
    with pytest.raises(RequestError, match="row 10001, column 'a': 'x' is not a number"):
        Decoder(SCHEMA)(bad.encode(), "text/csv")
    one = Decoder(Schema(columns=(Column(name="word", dtype="string"),)))
    assert len(one((f"{'w' * 99}\n" * 11_000 + "\n \n\n").encode(), "text/csv")) == 11_000
