"""The tables of the CloudWatch User Guide, "How alarm state is evaluated when data is missing", and the words of a verdict."""

from __future__ import annotations

import pytest

from fogbank.cloud.alarms.evaluation import Datum, Question, evaluate

BREACHING, WITHIN = 9.0, 1.0
ALL_OF_THREE = [
    ("0 - X - X", "OK", "OK", "OK", "OK"),
    ("0 - - - -", "OK", "OK", "OK", "OK"),
    ("- - - - -", "INSUFFICIENT_DATA", None, "ALARM", "OK"),
    ("0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("- - X - -", "ALARM", None, "ALARM", "OK"),
]
TWO_OF_THREE = [
    ("0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 - X - -", "OK", "OK", "ALARM", "OK"),
    ("- - - - 0", "OK", "OK", "ALARM", "OK"),
    ("- - - X -", "ALARM", None, "ALARM", "OK"),
]
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def data(drawn: str) -> list[Datum | None]:
    values = {"0": WITHIN, "X": BREACHING}
    return [
        Datum(at=60 * number, value=values[mark]) if mark in values else None
        for number, mark in enumerate(drawn.split())
    ]


def question(to_alarm: int = 3, missing: str = "missing", **other: object) -> Question:
    asked = {"operator": "GreaterThanThreshold", "threshold": 5, "periods": 3, "to_alarm": to_alarm, **other}
    return Question(missing=missing, **asked)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(("to_alarm", "rows"), [(3, ALL_OF_THREE), (2, TWO_OF_THREE)])
def test_the_user_guides_tables(to_alarm: int, rows: list[tuple[str, ...]]) -> None:
    for drawn, *states in rows:
        for missing, state in zip(TREATMENTS, states, strict=True):
            verdict = evaluate(data(drawn), question(to_alarm, missing))
            assert (verdict.state if verdict else None) == state, (drawn, missing)


def test_a_young_breach_is_no_alarm_yet() -> None:
    assert evaluate(data("- - - - X"), question()) is None
    assert evaluate(data("- - - X X"), question(2)).state == "ALARM"  # type: ignore[union-attr]  # it is decided


def test_words() -> None:
    one = question(1, periods=1)
    assert evaluate(data("X"), one).reason == (  # type: ignore[union-attr]  # it is decided
        "Threshold Crossed: 1 out of the last 1 datapoints [9.0 (01/01/70 00:00:00)] was greater than the threshold (5.0) "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert evaluate(data("X 0 X"), question(2)).reason == (  # type: ignore[union-attr]  # it is decided
        "Threshold Crossed: 2 out of the last 3 datapoints [9.0 (01/01/70 00:02:00), 9.0 (01/01/70 00:00:00)] were greater than "
        "the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    assert evaluate(data("-"), one).reason == "Insufficient Data: 1 datapoint was unknown."  # type: ignore[union-attr]  # it is decided
    treated = question(1, "notBreaching", periods=1)
    assert evaluate(data("-"), treated).reason == (  # type: ignore[union-attr]  # it is decided
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]."
    )


@pytest.mark.parametrize(
    ("operator", "breaches"),
    [
        ("GreaterThanOrEqualToThreshold", [5, 6]),
        ("GreaterThanThreshold", [6]),
        ("LessThanThreshold", [4]),
        ("LessThanOrEqualToThreshold", [4, 5]),
    ],
)
def test_operators(operator: str, breaches: list[int]) -> None:
    assert [value for value in (4, 5, 6) if question(operator=operator).breaches(value)] == breaches


def test_a_percentile_of_few_samples_leaves_the_state() -> None:
    asked = question(1, periods=1, significant=0.99)
    assert evaluate([Datum(at=0, value=9, samples=999)], asked) is None
    assert evaluate([Datum(at=0, value=9, samples=1000)], asked) is not None
