"""Conditions of a condition step, pure. In: conditions with values in the place of references; out: whether all of them hold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fogbank.cloud.pipelines.expressions import ExpressionError

COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def problems(conditions: Any) -> Iterator[str]:
    """What is wrong with conditions, before anything has a value."""
    if not isinstance(conditions, list) or not conditions:
        yield "needs Conditions"
        return
    for condition in conditions:
        kind = condition.get("Type") if isinstance(condition, dict) else None
        if kind == "Not":
            yield from problems([_negated(condition)])
        elif kind == "Or":
            yield from problems(condition.get("Conditions"))
        elif kind == "In":
            if "QueryValue" not in condition or not isinstance(condition.get("Values"), list):
                yield "has a condition In without QueryValue and Values"
        elif not isinstance(kind, str) or kind not in COMPARED:
            yield f"has a condition of Type {kind}, which is none"
        elif not {"LeftValue", "RightValue"} <= set(condition):
            yield f"has a condition {kind} without LeftValue and RightValue"


def hold(conditions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all of them hold. Raises ExpressionError for values that cannot be compared."""
    return all(_holds(condition) for condition in conditions)


def _holds(condition: Mapping[str, Any]) -> bool:
    kind = condition["Type"]
    if kind == "Not":
        return not _holds(_negated(condition))
    if kind == "Or":
        return any(_holds(each) for each in condition["Conditions"])
    if kind == "In":
        return any(_compared(operator.eq, condition["QueryValue"], value) for value in condition["Values"])
    return _compared(COMPARED[kind], condition["LeftValue"], condition["RightValue"])


def _negated(condition: Mapping[str, Any]) -> Any:
    return condition.get("Condition", condition.get("Expression"))


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        left, right = _kept(left), _kept(right)
    try:
        return bool(compare(left, right))
    except TypeError as error:
        raise ExpressionError(f"{left!r} and {right!r} cannot be compared") from error


def _kept(value: Any) -> Any:
    """A truth is neither 1 nor 0: beside what is none it is itself alone."""
    return str(value).lower() if isinstance(value, bool) else value
