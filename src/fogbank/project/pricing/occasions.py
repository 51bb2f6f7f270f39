"""How often a schedule runs in a month of 730 hours. Pure.

In: an expression of EventBridge Scheduler or of SageMaker's monitoring; out: runs. What is not by a fixed period is counted over a year.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fogbank.contracts.scheduler import HOUR_S, period_s

MONTH_S = 730 * HOUR_S
YEAR, MONTHS = timedelta(days=365), 12
START = datetime(2026, 1, 1, tzinfo=UTC)


def runs_a_month(expression: str) -> Decimal:
    """Runs in a month; one for what runs once; none for what is no expression, which is refused elsewhere.

    >>> runs_a_month("rate(1 day)").quantize(Decimal("0.01")), runs_a_month("at(2026-12-01T00:00:00)"), runs_a_month("NOW")
    (Decimal('30.42'), Decimal('1'), Decimal('1'))
    """
    if expression == "NOW" or expression.startswith("at("):
        return Decimal(1)
    if period := period_s(expression):
        return Decimal(MONTH_S) / period
    from fogbank.cloud.time.cron import ScheduleExpressionError
    from fogbank.cloud.time.expressions import due

    try:
        return Decimal(sum(1 for _ in due(expression, START, START + YEAR, START))) / MONTHS
    except ScheduleExpressionError:
        return Decimal(0)
