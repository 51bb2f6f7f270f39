"""Conditions: each kind, nested, and what cannot be compared."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.pipelines.conditions import hold, problems
from fogbank.cloud.pipelines.expressions import ExpressionError


def compared(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


TRUE, FALSE = compared("Equals", 1, 1.0), compared("Equals", 1, 2)


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        (TRUE, True),
        (compared("Equals", True, 1), False),
        (compared("Equals", True, "true"), True),
        (compared("Equals", "1", 1), False),
        (compared("GreaterThan", 2, 2), False),
        (compared("GreaterThanOrEqualTo", 2, 2), True),
        (compared("LessThan", "a", "b"), True),
        (compared("LessThanOrEqualTo", 0.5, 0.4), False),
        ({"Type": "In", "QueryValue": "b", "Values": ["a", "b"]}, True),
        ({"Type": "In", "QueryValue": "c", "Values": []}, False),
        ({"Type": "Not", "Condition": TRUE}, False),
        ({"Type": "Not", "Expression": FALSE}, True),
        ({"Type": "Or", "Conditions": [FALSE, {"Type": "Not", "Condition": FALSE}]}, True),
    ],
)
def test_each_kind(condition: dict[str, Any], held: bool) -> None:
    assert not list(problems([condition]))
    assert hold([condition]) is held
    assert hold([TRUE, condition]) is held


def test_what_cannot_be_compared_or_read() -> None:
    with pytest.raises(ExpressionError, match="'a' and 1 cannot be compared"):
        hold([compared("LessThan", "a", 1)])
    assert list(problems([])) == ["needs Conditions"]
    assert list(problems([{"Type": "Like"}, {"Type": "Not"}, {"Type": "In"}, {"Type": "Equals", "LeftValue": 1}])) == [
        "has a condition of Type Like, which is none",
        "has a condition of Type None, which is none",
        "has a condition In without QueryValue and Values",
        "has a condition Equals without LeftValue and RightValue",
    ]
