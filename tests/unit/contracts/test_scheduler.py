"""EventBridge Scheduler's expressions: how often they are due, and a little later."""

from __future__ import annotations

import pytest

from fogbank.contracts.scheduler import later, period_s

HOUR = 3600


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("cron(0 * ? * * *)", HOUR),
        ("cron(30 * * * ? *)", HOUR),
        ("cron(0 */6 ? * * *)", 6 * HOUR),
        ("cron(0 0/12 ? * * *)", 12 * HOUR),
        ("cron(0 2 * * ? *)", 24 * HOUR),
        ("rate(5 minutes)", 300),
        ("rate(1 hour)", HOUR),
        ("rate(7 days)", 7 * 24 * HOUR),
        ("cron(0 */5 ? * * *)", None),
        ("cron(0 */0 ? * * *)", None),
        ("cron(0 17/6 ? * * *)", None),
        ("cron(0 8 ? * MON-FRI *)", None),
        ("cron(0 8 1 * ? *)", None),
        ("cron(*/5 * ? * * *)", None),
        ("at(2026-11-20T13:00:00)", None),
        ("hourly", None),
    ],
)
def test_a_period_is_told_where_it_is_always_the_same(expression: str, seconds: int | None) -> None:
    assert period_s(expression) == seconds


@pytest.mark.parametrize(
    ("expression", "moved"),
    [
        ("cron(0 * ? * * *)", "cron(10 * ? * * *)"),
        ("cron(49 2 * * ? *)", "cron(59 2 * * ? *)"),
        ("cron(50 2 * * ? *)", "cron(50 2 * * ? *)"),
        ("rate(1 hour)", "rate(1 hour)"),
    ],
)
def test_a_time_is_moved_within_its_hour(expression: str, moved: str) -> None:
    assert later(expression, 10) == moved
