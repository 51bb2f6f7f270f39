"""The evaluation of a metric alarm, pure: datapoints of the evaluation range become a state, with CloudWatch's words for why.

In: what the alarm asks, and a datapoint or None for each period, the oldest first; out: a verdict, or None where the state stays.
Source: CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data", whose tables are the tests.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
EXTRA = 2
"""Periods before those that are evaluated, of which datapoints are taken where later ones are missing: the User Guide's tables have
five for three; how many there are is not documented."""
TESTS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}
FEW = 10


@dataclass(frozen=True, kw_only=True)
class Question:
    """What an alarm asks: whether `to_alarm` of the last `periods` datapoints breach; `missing` is TreatMissingData. With
    `significant`, a percentile (0 to 1), datapoints of too few samples leave the state as it is."""

    operator: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str = "missing"
    significant: float | None = None

    def breaches(self, value: float) -> bool:
        """Whether a value is beyond the threshold."""
        return TESTS[self.operator][0](value, self.threshold)

    @property
    def range(self) -> int:
        """How many periods are looked at."""
        return self.periods + EXTRA


@dataclass(frozen=True, kw_only=True)
class Datum:
    """One datapoint: the start of its period in seconds since 1970, its value, and of how many samples."""

    at: int
    value: float
    samples: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A state and why; `evaluated` are the datapoints that decided, the newest first."""

    state: State
    reason: str
    evaluated: Sequence[Datum]


def evaluate(data: Sequence[Datum | None], question: Question) -> Verdict | None:
    """The state of an alarm; None where missing datapoints leave it as it is."""
    there = [datum for datum in reversed(data) if datum is not None][: question.periods]
    if question.significant is not None and any(_is_of_few(datum, question.significant) for datum in there):
        return None
    if not there:
        return _of_nothing(question)
    breaching = [datum for datum in there if question.breaches(datum.value)]
    missing = question.periods - len(there)
    count = len(breaching) + (missing if question.missing == "breaching" else 0)
    if count >= question.to_alarm or (missing and question.missing == "missing" and _is_early(data, question)):
        return Verdict(state="ALARM", reason=_reason(breaching, missing, question, "ALARM"), evaluated=there)
    undecided = missing and question.missing in {"missing", "ignore"} and len(breaching) == len(there)
    if undecided:
        return None
    within = [datum for datum in there if not question.breaches(datum.value)]
    return Verdict(state="OK", reason=_reason(within, missing, question, "OK"), evaluated=there)


def _of_nothing(question: Question) -> Verdict | None:
    if question.missing == "ignore":
        return None
    count = question.periods
    if question.missing == "missing":
        return Verdict(state="INSUFFICIENT_DATA", reason=f"Insufficient Data: {_points(count)} unknown.", evaluated=())
    periods = f"{count} period{'s' if count > 1 else ''}"
    reason = f"Threshold Crossed: no datapoints were received for {periods} and {_treated(count, question)}"
    return Verdict(state="ALARM" if question.missing == "breaching" else "OK", reason=reason, evaluated=())


def _points(count: int, kind: str = "") -> str:
    return f"{count} {kind}datapoint{'s were' if count > 1 else ' was'}"


def _treated(count: int, question: Question) -> str:
    return f"{_points(count, 'missing ')} treated as [{TREATED[question.missing]}]."


def _is_early(data: Sequence[Datum | None], question: Question) -> bool:
    """Whether every datapoint breaches, and the oldest is at least as old as DatapointsToAlarm: then it is no false alarm."""
    ages = [age for age, datum in enumerate(reversed(data), 1) if datum is not None]
    all_breach = all(question.breaches(datum.value) for datum in data if datum is not None)
    return all_breach and max(ages) >= question.to_alarm


def _is_of_few(datum: Datum, percentile: float) -> bool:
    """Whether a percentile of so few samples says nothing. Source: User Guide, "Percentile-based alarms and low data samples"."""
    rest = 1 - percentile if percentile >= 0.5 else percentile
    return rest > 0 and datum.samples < FEW / rest


def _reason(data: Sequence[Datum], missing: int, question: Question, after: State) -> str:
    """By the datapoints that speak for the state; where there is none, by those that are missing."""
    if not data:
        return f"Threshold Crossed: {_treated(missing, question)}"
    count = len(data)
    shown = ", ".join(f"{datum.value} ({_day(datum.at)})" for datum in data)
    negated = "not " if after == "OK" else ""
    least = question.to_alarm if after == "ALARM" else question.periods - question.to_alarm + 1
    start = {"ALARM": "OK", "OK": "ALARM"}[after]
    return (
        f"Threshold Crossed: {count} out of the last {question.periods} datapoints [{shown}] {'were' if count > 1 else 'was'} "
        f"{negated}{TESTS[question.operator][1]} the threshold ({float(question.threshold)}) "
        f"(minimum {least} datapoint{'s' if least > 1 else ''} for {start} -> {after} transition)."
    )


def _day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%d/%m/%y %H:%M:%S")
