from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fogbank.cloud.time.cron import ScheduleExpressionError, due
from fogbank.cloud.time.timeline import previous

START = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)  # a Friday


def fires(expression: str, hours: float, zone: str = "UTC") -> list[str]:
    return [f"{moment:%d %H:%M}" for moment in due(expression, START, START + timedelta(hours=hours), START, zone)]


@pytest.mark.parametrize(
    ("expression", "hours", "expected"),
    [
        ("cron(0 * ? * * *)", 3, ["31 00:00", "31 01:00", "31 02:00"]),
        ("cron(0 2 * * ? *)", 40, ["31 02:00", "01 02:00"]),
        ("cron(0 0/12 ? * * *)", 30, ["31 00:00", "31 12:00", "01 00:00"]),
        ("cron(15,45 8-9 ? * MON *)", 72, ["02 08:15", "02 08:45", "02 09:15", "02 09:45"]),
        ("cron(0 12 ? * 1 2026)", 72, ["01 12:00"]),
        ("cron(0 12 ? FEB SUN 2027)", 72, []),
        ("rate(40 minutes)", 2, ["31 00:10", "31 00:50", "31 01:30"]),
        ("rate(1 day)", 25, ["31 23:30"]),
        ("at(2026-01-31T01:00:00)", 3, ["31 01:00"]),
    ],
)
def test_expressions(expression: str, hours: float, expected: list[str]) -> None:
    assert fires(expression, hours) == expected


def test_a_time_zone_moves_the_hour() -> None:
    assert fires("cron(0 2 * * ? *)", 24, "Europe/Berlin") == ["31 01:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 2 * * *)",
        "cron(0 2 L * ? *)",
        "cron(0 25 * * ? *)",
        "cron(? 2 * * ? *)",
        "rate(0 minutes)",
        "rate(5)",
        "daily",
        "cron(0 2 * * MOO *)",
    ],
)
def test_what_is_not_an_expression_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleExpressionError):
        fires(expression, 1)


def test_a_window_begins_at_the_slot_before() -> None:
    nine = datetime(2026, 2, 2, 9, tzinfo=UTC)
    assert previous("cron(0 * ? * * *)", nine, START) == nine - timedelta(hours=1)
    assert previous("cron(0 9 ? * * *)", nine, START) == nine - timedelta(days=1)
