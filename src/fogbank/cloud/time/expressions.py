"""AWS's schedule expressions, pure: `cron(...)`, `rate(...)` and `at(...)` into the moments at which they fire.

Source: EventBridge Scheduler User Guide, "Schedule types" and "Time zones and daylight saving time": a local time that a clock change
leaves out is skipped, one that it gives twice fires once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from fogbank.cloud.time.cron import Cron, ScheduleExpressionError, parse_cron

UNITS = {"minute": 60, "hour": 3600, "day": 86400}
KIND = re.compile(r"(cron|rate|at)\((.*)\)")
AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


def due(expression: str, after: datetime, until: datetime, anchor: datetime, zone: str = "UTC") -> Iterator[datetime]:
    """The moments in (after, until] at which the expression fires, in UTC. A rate fires at `anchor`, and counts from there.

    Raises ScheduleExpressionError.
    """
    kind, inner = _taken_apart(expression)
    if kind == "rate":
        yield from _rate(period_of(inner), after, until, anchor)
    elif kind == "cron":
        yield from _cron(parse_cron(inner), after, until, time_zone(zone))
    else:
        moment = _at(inner, time_zone(zone))
        if after < moment <= until:
            yield moment


def check(expression: str, zone: str = "UTC") -> None:
    """Raises ScheduleExpressionError for what is not one of AWS's expressions, or no time zone."""
    now = datetime.now(UTC)
    list(due(expression, now, now, now, zone))
    time_zone(zone)


def is_once(expression: str) -> bool:
    """Whether it fires once only."""
    return expression.startswith("at(")


def period_of(inner: str) -> timedelta:
    """The period of `rate(...)`. Raises ScheduleExpressionError."""
    match = re.fullmatch(r"(\d+) (minute|hour|day)s?", inner)
    if not match or int(match[1]) == 0:
        raise ScheduleExpressionError(f"rate({inner}) is not `rate(value minutes|hours|days)` with a value above 0")
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def time_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; nothing else is looked for on the disk. Raises ScheduleExpressionError."""
    if name != "UTC" and name not in _zones():
        raise ScheduleExpressionError(f"no time zone {name!r}")
    return ZoneInfo(name)


def _taken_apart(expression: str) -> tuple[str, str]:
    match = KIND.fullmatch(expression)
    if match is None:
        raise ScheduleExpressionError(f"{expression!r} is none of cron(...), rate(...), at(...)")
    return match[1], match[2]


def _at(inner: str, zone: ZoneInfo) -> datetime:
    if not AT.fullmatch(inner):
        raise ScheduleExpressionError(f"at({inner}) is not `at(yyyy-mm-ddThh:mm:ss)`")
    try:
        return datetime.fromisoformat(inner).replace(tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise ScheduleExpressionError(f"at({inner}): {error}") from error


def _cron(cron: Cron, after: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = after.astimezone(zone).date() - timedelta(days=1)
    last = until.astimezone(zone).date() + timedelta(days=1)
    while day <= last:
        if cron.takes(day):
            for hour in cron.hours:
                for minute in cron.minutes:
                    local = datetime.combine(day, time(hour, minute), zone)
                    moment = local.astimezone(UTC)
                    exists = moment.astimezone(zone).replace(fold=0) == local
                    if exists and after < moment <= until:
                        yield moment
        day += timedelta(days=1)


def _rate(period: timedelta, after: datetime, until: datetime, anchor: datetime) -> Iterator[datetime]:
    moment = anchor + max(0, -(-(after - anchor) // period)) * period
    while moment <= until:
        if moment > after:
            yield moment
        moment += period
