"""Regular expressions of filter patterns: what Python's engine finds, and none that keeps the process."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.logs.expression import Expression, ExpressionError

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\.", r"\x61", " "])
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,3}"])
WAYS = st.builds(
    lambda start, items, end: f"{start}{''.join(atom + repeat for atom, repeat in items)}{end}",
    st.sampled_from(["", "", "^"]),
    st.lists(st.tuples(ATOMS, REPEATS), max_size=6),
    st.sampled_from(["", "", "$"]),
)


@given(st.lists(WAYS, min_size=1, max_size=3).map("|".join), st.text("ab1. x", max_size=12))
def test_it_finds_what_python_finds(expression: str, text: str) -> None:
    assert Expression(expression).in_(text) is (re.search(expression, text) is not None)


@pytest.mark.parametrize(
    "expression", ["(a+)+$", "a!", "a**", "a$b", "a^b", r"\bx", r"\1", "[z-a]", "[a", "a{3,2}", "a{9999}", "é", "*"]
)
def test_what_the_syntax_does_not_have_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(expression)


def test_no_expression_takes_more_than_a_step_for_a_character() -> None:
    """Python's engine would not come back from this one: it goes through the message once for each `a*`, within the one before."""
    assert not Expression("a*a*a*a*a*a*a*a*a*a*a*a*b").in_("a" * 100_000)
    many = "".join(random.Random(5).choices("ay", k=100_000))
    assert not Expression("a.{990}" + "y?" * 990 + "z").in_(many), "a row of places that may be skipped is one step too"
    assert Expression("[a-z]+=[0-9]{3}|never$").in_("x" * 100_000 + " code=404")


def test_a_sign_that_stands_for_itself_is_said_how_to_write() -> None:
    with pytest.raises(
        ExpressionError, match=re.escape(r"'!' is not supported here: write \! for the character itself")
    ):
        Expression("a!")
    assert Expression(r"a\!").in_("a!")
    with pytest.raises(ExpressionError, match=r"here$"):
        Expression("é")
