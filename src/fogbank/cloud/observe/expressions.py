"""Metric math, pure: an expression over series of values, as CloudWatch evaluates it.

In: an expression, the series that it names by their ids, and the starts of all periods; out: a series, a number, or several series.
A function that is not here is refused by name. Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
"""

from __future__ import annotations

import itertools
import math
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

Series = Mapping[int, float]
"""Values by the start of their period, in seconds since 1970."""
Value = float | Series | list[Series]
TOKEN = re.compile(
    r"\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|\"([^\"]*)\"|(&&|\|\||[<>=!]=|[-+*/^()\[\],<>]))"
)
ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
DEEPEST = 50
LONGEST = 2048


class ExpressionError(Exception):
    """An expression that CloudWatch does not take, or that is not there yet; the text says what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What an expression sees: series by id, the starts of all periods, their seconds, and what METRICS() gives: the ids of metrics."""

    series: Mapping[str, float | Series]
    grid: Sequence[int]
    period: int
    metrics: Sequence[str] = field(default=())


def evaluate(text: str, scope: Scope) -> Value:
    """The value of an expression. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression has at most {LONGEST} characters")
    return _Reader(text, scope).all()


def ids(text: str) -> set[str]:
    """The ids that an expression names. Raises ExpressionError."""
    return {word for word, kind in _tokens(text) if kind == "name" and ID.fullmatch(word)}


def solve(expressions: Mapping[str, str], scope: Scope) -> dict[str, Value]:
    """The values of expressions by id, each when those that it names are there. Raises ExpressionError."""
    left, solved = dict(expressions), {}
    known = dict(scope.series)
    while left:
        for name, text in left.items():
            try:
                if ids(text) & (left.keys() - {name}):
                    continue
                value = evaluate(text, replace(scope, series=known))
            except ExpressionError as error:
                raise ExpressionError(f"Error in expression '{name}': {error}") from error
            break
        else:
            raise ExpressionError(f"Error in expression '{next(iter(left))}': it depends on itself")
        solved[name] = value
        known[name] = value  # type: ignore[assignment]  # several series can be named as one can
        del left[name]
    return solved


def one_series(value: Value, grid: Sequence[int]) -> Series:
    """The value as a series; a number is the same in every period. Raises ExpressionError for several series."""
    if isinstance(value, list):
        if len(value) != 1:
            raise ExpressionError("the local cloud takes an expression that gives one series")
        value = value[0]
    if not isinstance(value, Mapping) and math.isnan(value):
        return {}
    return _series(value, grid)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read {text[at : at + 20].strip()!r}")
        kind = ("number", "name", "text", "sign")[(match.lastindex or 1) - 1]
        found.append((match[match.lastindex or 1], kind))
        at = match.end()
    return found


def _divide(one: float, other: float) -> float | None:
    return one / other if other else None


def _power(one: float, other: float) -> float | None:
    try:
        value = one**other
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float | int) else None


def _truth(test: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda one, other: float(test(one, other))


OPERATORS: Sequence[Mapping[str, Callable[[float, float], float | None]]] = (
    {"||": _truth(lambda one, other: bool(one or other)), "OR": _truth(lambda one, other: bool(one or other))},
    {"&&": _truth(lambda one, other: bool(one and other)), "AND": _truth(lambda one, other: bool(one and other))},
    {sign: _truth(test) for sign, test in {
        "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    }.items()},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divide},
    {"^": _power},
)  # fmt: skip
"""By how tightly they bind, the loosest first."""


class _Reader:
    """Reads an expression once, from left to right, and evaluates what it reads."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._tokens, self._at, self._scope, self._deep = _tokens(text), 0, scope, 0

    def all(self) -> Value:
        value = self._level(0)
        if self._at < len(self._tokens):
            raise ExpressionError(f"{self._tokens[self._at][0]!r} is not expected")
        return value

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "end")

    def _take(self, sign: str) -> bool:
        found = self._next() == (sign, "sign")
        self._at += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError(f"{sign!r} is missing before {self._next()[0] or 'the end'!r}")

    def _level(self, number: int) -> Value:
        if number == len(OPERATORS):
            return self._unary()
        value = self._level(number + 1)
        while (sign := self._next())[1] in {"sign", "name"} and sign[0] in OPERATORS[number]:
            self._at += 1
            value = _both(OPERATORS[number][sign[0]], value, self._level(number + 1))
        return value

    def _unary(self) -> Value:
        if self._take("-"):
            return _both(operator.mul, -1.0, self._unary())
        return self._unary() if self._take("+") else self._one()

    def _one(self) -> Value:
        self._deep += 1
        if self._deep > DEEPEST:
            raise ExpressionError("it is nested too deeply")
        try:
            return self._primary()
        finally:
            self._deep -= 1

    def _primary(self) -> Value:
        word, kind = self._next()
        self._at += 1
        if kind == "number":
            return float(word)
        if (word, kind) == ("(", "sign"):
            value = self._level(0)
            self._expect(")")
            return value
        if (word, kind) == ("[", "sign"):
            return _listed(self._arguments("]"))
        if kind == "name" and self._take("("):
            return self._call(word, self._arguments(")"))
        if kind == "name" and word in self._scope.series:
            return self._scope.series[word]
        what = (
            f"{word!r} is the Id of no metric or expression"
            if kind == "name"
            else f"{word or 'the end'!r} is not expected"
        )
        raise ExpressionError(what)

    def _arguments(self, end: str) -> list[str | Value]:
        values: list[str | Value] = []
        if self._take(end):
            return values
        while True:
            word, kind = self._next()
            if kind == "text" or word in {"REPEAT", "LINEAR"}:
                self._at += 1
                values.append(word)
            else:
                values.append(self._level(0))
            if self._take(end):
                return values
            self._expect(",")

    def _call(self, name: str, given: Sequence[str | Value]) -> Value:
        if name == "METRICS":
            part = given[0] if given and isinstance(given[0], str) else ""
            return [_series(self._scope.series[each], self._scope.grid) for each in self._scope.metrics if part in each]
        function = SCOPED.get(name) or FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(
                f"the local cloud does not have the function {name} yet; it has {', '.join(sorted({*FUNCTIONS, *SCOPED}))} and METRICS"
            )
        try:
            return function(*([self._scope] if name in SCOPED else []), *given)
        except (TypeError, AttributeError) as error:
            raise ExpressionError(f"{name} does not take what it is given") from error


def _series(value: float | Series, grid: Sequence[int]) -> Series:
    return value if isinstance(value, Mapping) else dict.fromkeys(grid, value)


def _listed(values: Iterable[str | Value]) -> list[Series]:
    listed: list[Series] = []
    for value in values:
        if isinstance(value, list):
            listed += value
        elif isinstance(value, Mapping):
            listed.append(value)
        else:
            raise ExpressionError("an array has series only")
    return listed


def _both(
    action: Callable[[float, float], float | None],
    one: Value,
    other: Value,
) -> Value:
    """Period by period, where both have a value; each of several series by itself."""
    if isinstance(one, list) or isinstance(other, list):
        if isinstance(one, list) and isinstance(other, list):
            raise ExpressionError("two arrays cannot be combined")
        pairs = [(each, other) for each in one] if isinstance(one, list) else [(one, each) for each in other]  # type: ignore[union-attr]  # one of the two is a list
        return [_series(_both(action, *pair), ()) for pair in pairs]  # type: ignore[arg-type]  # neither is a list any more
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        found = {at: action(value, other[at]) for at, value in one.items() if at in other}
    elif isinstance(one, Mapping):
        found = {at: action(value, other) for at, value in one.items()}  # type: ignore[arg-type]  # a number
    elif isinstance(other, Mapping):
        found = {at: action(one, value) for at, value in other.items()}
    else:
        value = action(one, other)
        return math.nan if value is None else value
    return {at: value for at, value in found.items() if value is not None}


def _reduced(action: Callable[[list[float]], float]) -> Callable[..., float | Series]:
    """Of a series one number; of several series their values period by period, where any has one."""

    def function(value: Value) -> float | Series:
        if isinstance(value, list):
            starts = sorted({at for each in value for at in each})
            return {at: action([each[at] for each in value if at in each]) for at in starts}
        if isinstance(value, Mapping):
            return action(list(value.values())) if value else {}
        return value

    return function


def _mapped(action: Callable[[float], float]) -> Callable[..., Value]:
    def function(value: Value) -> Value:
        return _both(lambda one, _: action(one), value, 0.0)

    return function


def _if(test: float | Series, then: float | Series, other: float | Series | None = None) -> float | Series:
    """Where the test is a series, its periods are the answer's; a value that is not there leaves its period without one."""
    if not isinstance(test, Mapping):
        chosen = then if test else other
        return {} if chosen is None else chosen
    found = {}
    for at, value in test.items():
        chosen = then if value else other
        got = chosen.get(at) if isinstance(chosen, Mapping) else chosen
        if got is not None:
            found[at] = got
    return found


def _fill(scope: Scope, value: Series | list[Series], how: str | float | Series) -> Series | list[Series]:
    if isinstance(value, list):
        return [_series(_fill(scope, each, how), ()) for each in value]  # type: ignore[arg-type]  # of one series one
    starts = sorted({*scope.grid, *value.keys()})
    if how == "REPEAT":
        return _repeated(value, starts)
    if how == "LINEAR":
        return _linear(value, starts)
    if isinstance(how, str):
        raise ExpressionError("FILL takes a number, a series, REPEAT or LINEAR")
    filler = how if isinstance(how, Mapping) else dict.fromkeys(starts, float(how))
    return {at: value[at] if at in value else filler[at] for at in starts if at in value or at in filler}


def _repeated(value: Series, starts: Sequence[int]) -> Series:
    found: dict[int, float] = {}
    last: float | None = None
    for at in starts:
        last = value.get(at, last)
        if last is not None:
            found[at] = last
    return found


def _linear(value: Series, starts: Sequence[int]) -> Series:
    known = sorted(value)
    found: dict[int, float] = {}
    for at in starts:
        before = max((each for each in known if each <= at), default=None)
        after = min((each for each in known if each >= at), default=None)
        if before is None or after is None:
            continue
        share = (at - before) / (after - before) if after > before else 0.0
        found[at] = value[before] + share * (value[after] - value[before])
    return found


def _steps(value: Series, *, per_second: bool) -> Series:
    starts = sorted(value)
    return {
        at: (value[at] - value[before]) / (at - before if per_second else 1)
        for before, at in itertools.pairwise(starts)
    }


def _running_sum(value: Series) -> Series:
    total, found = 0.0, {}
    for at in sorted(value):
        total += value[at]
        found[at] = total
    return found


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "ABS": _mapped(abs),
    "AVG": _reduced(statistics.fmean),
    "CEIL": _mapped(math.ceil),
    "DIFF": partial(_steps, per_second=False),
    "FIRST": lambda value: value[0] if isinstance(value, list) else value[min(value)],
    "FLOOR": _mapped(math.floor),
    "IF": _if,
    "LAST": lambda value: value[-1] if isinstance(value, list) else value[max(value)],
    "MAX": _reduced(max),
    "MIN": _reduced(min),
    "RATE": partial(_steps, per_second=True),
    "RUNNING_SUM": _running_sum,
    "STDDEV": _reduced(statistics.pstdev),
    "SUM": _reduced(math.fsum),
}
SCOPED: Mapping[str, Callable[..., Value]] = {
    "FILL": _fill,
    "PERIOD": lambda scope, _: float(scope.period),
    "TIME_SERIES": lambda scope, value: _series(value, scope.grid),
}
"""Functions that see the scope as well."""
