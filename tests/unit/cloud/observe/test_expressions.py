"""Metric math: values as the User Guide's "Using math expressions with CloudWatch metrics" says them."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.observe.expressions import ExpressionError, Scope, evaluate, ids, one_series, solve

SCOPE = Scope(
    series={"m1": {0: 1.0, 60: 2.0, 180: 4.0}, "m2": {0: 2.0, 60: 0.0, 120: 6.0}},
    grid=[0, 60, 120, 180],
    period=60,
    metrics=["m1", "m2"],
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("m1 + m2", {0: 3, 60: 2}),
        ("m1 / m2 * 100", {0: 50}),
        ("-m1 ^ 2", {0: 1, 60: 4, 180: 16}),
        ("2 + 3 * 4 - 1", 13),
        ("m1 > 1", {0: 0, 60: 1, 180: 1}),
        ("m1 >= 1 AND m2 == 0", {0: 0, 60: 1}),
        ("IF(m1 > 1, m1, 0)", {0: 0, 60: 2, 180: 4}),
        ("IF(m1 > 1, m1)", {60: 2, 180: 4}),
        ("FILL(m1, 0)", {0: 1, 60: 2, 120: 0, 180: 4}),
        ("FILL(m1, REPEAT)", {0: 1, 60: 2, 120: 2, 180: 4}),
        ("FILL(m1, LINEAR)", {0: 1, 60: 2, 120: 3, 180: 4}),
        ("SUM(METRICS())", {0: 3, 60: 2, 120: 6, 180: 4}),
        ('SUM(METRICS("m1"))', {0: 1, 60: 2, 180: 4}),
        ("AVG([m1, m2])", {0: 1.5, 60: 1, 120: 6, 180: 4}),
        ("MAX(m1)", 4),
        ("MIN([m1, m2])", {0: 1, 60: 0, 120: 6, 180: 4}),
        ("m1 / PERIOD(m1)", {0: 1 / 60, 60: 2 / 60, 180: 4 / 60}),
        ("RATE(m1)", {60: 1 / 60, 180: 2 / 120}),
        ("RUNNING_SUM(m1)", {0: 1, 60: 3, 180: 7}),
        ("ABS(m1 - 3)", {0: 2, 60: 1, 180: 1}),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert evaluate(text, SCOPE) == value


@pytest.mark.parametrize(
    "text",
    [
        "m1 +",
        "m3",
        "SEARCH('x')",
        "ANOMALY_DETECTION_BAND(m1)",
        "(m1",
        "m1 m2",
        "SUM()",
        "m1 $ 2",
        "[1, m1]",
        "(" * 99 + "1",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, SCOPE)


def test_expressions_stand_on_one_another() -> None:
    solved = solve({"e1": "e2 * 2", "e2": "m1 + 1"}, SCOPE)
    assert solved["e1"] == {0: 4, 60: 6, 180: 10}
    with pytest.raises(ExpressionError, match="depends on itself"):
        solve({"e1": "e2", "e2": "e1"}, SCOPE)


def test_ids() -> None:
    assert ids("SUM([m1, e2]) + 100 * IF(errors > 1, 1, 0)") == {"m1", "e2", "errors"}


def test_one_series() -> None:
    assert one_series(3.0, [0, 60]) == {0: 3.0, 60: 3.0}
    assert one_series(evaluate("1 / 0", SCOPE), [0, 60]) == {}
    with pytest.raises(ExpressionError):
        one_series(evaluate("METRICS()", SCOPE), [0])
