"""AWS's schedule expressions, pure: `cron(...)`, `rate(...)` and `at(...)` into the moments at which they fire.

Source: EventBridge Scheduler User Guide "Schedule types"; SageMaker's ScheduleConfig. L, W and # are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = {
    name: i
    for i, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
DAYS = {name: i for i, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
UNITS = {"minute": 60, "hour": 3600, "day": 86400}
FIELDS = (
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day-of-month", 1, 31),
    ("month", 1, 12),
    ("day-of-week", 1, 7),
    ("year", 1970, 2199),
)


class ScheduleExpressionError(ValueError):
    """An expression that is not one of AWS's, or that is not supported here."""


@dataclass(frozen=True)
class Cron:
    """A parsed cron expression: the values that each field allows; None where the field is `?`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    years: frozenset[int]

    def takes_day(self, day: datetime) -> bool:
        """Whether it fires on that day at all."""
        weekday = day.isoweekday() % 7 + 1
        return (
            day.year in self.years
            and day.month in self.months
            and (self.days is None or day.day in self.days)
            and (self.weekdays is None or weekday in self.weekdays)
        )


def due(expression: str, after: datetime, until: datetime, anchor: datetime, zone: str = "UTC") -> Iterator[datetime]:
    """The moments in (after, until] at which the expression fires, in UTC. `anchor` is where a rate counts from.

    Raises ScheduleExpressionError.
    """
    kind, _, inner = expression.strip().rstrip(")").partition("(")
    if kind == "rate":
        yield from _rate(inner, after, until, anchor)
    elif kind == "cron":
        yield from _cron(parse_cron(inner), after, until, _zone(zone))
    elif kind == "at":
        moment = datetime.fromisoformat(inner).replace(tzinfo=_zone(zone)).astimezone(UTC)
        if after < moment <= until:
            yield moment
    else:
        raise ScheduleExpressionError(f"{expression!r} is none of cron(...), rate(...), at(...)")


def parse_cron(text: str) -> Cron:
    """Six fields: minutes, hours, day-of-month, month, day-of-week, year. Raises ScheduleExpressionError."""
    parts = text.split()
    if len(parts) != 6:
        raise ScheduleExpressionError(
            f"cron({text}) has {len(parts)} fields; AWS's has 6: minutes hours day-of-month month day-of-week year"
        )
    minutes, hours, days, months, weekdays, years = (
        _field(part, name, low, high) for part, (name, low, high) in zip(parts, FIELDS, strict=True)
    )
    if minutes is None or hours is None or months is None or years is None:
        raise ScheduleExpressionError(f"cron({text}): ? stands in day-of-month or day-of-week only")
    return Cron(minutes, hours, days, months, weekdays, years)


def _field(text: str, name: str, low: int, high: int) -> frozenset[int] | None:
    if text == "?":
        return None
    values: set[int] = set()
    for part in text.upper().split(","):
        span, _, stride = part.partition("/")
        first, _, last = span.partition("-")
        try:
            start = low if first == "*" else _number(first, name)
            end = high if first == "*" or (stride and not last) else _number(last or first, name)
            values.update(range(start, end + 1, int(stride or 1)))
        except ValueError as error:
            raise ScheduleExpressionError(f"{part!r} in the field {name} is not supported here") from error
    if not values or min(values) < low or max(values) > high:
        raise ScheduleExpressionError(f"{text!r} in the field {name} is not within {low}-{high}")
    return frozenset(values)


def _number(text: str, name: str) -> int:
    names = MONTHS if name == "month" else DAYS if name == "day-of-week" else {}
    return names[text] if text in names else int(text)


def _cron(cron: Cron, after: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = after.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while day.astimezone(UTC) <= until:
        if cron.takes_day(day):
            for hour in sorted(cron.hours):
                for minute in sorted(cron.minutes):
                    moment = day.replace(hour=hour, minute=minute).astimezone(UTC)
                    if after < moment <= until:
                        yield moment
        day += timedelta(days=1)


def _rate(inner: str, after: datetime, until: datetime, anchor: datetime) -> Iterator[datetime]:
    match = re.fullmatch(r"(\d+) (minute|hour|day)s?", inner.strip())
    if not match or int(match[1]) == 0:
        raise ScheduleExpressionError(f"rate({inner}) is not `rate(value minutes|hours|days)`")
    period = timedelta(seconds=int(match[1]) * UNITS[match[2]])
    moment = anchor + max(1, (after - anchor) // period) * period
    while moment <= until:
        if moment > after:
            yield moment
        moment += period


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except ZoneInfoNotFoundError as error:
        raise ScheduleExpressionError(f"no time zone {name!r}") from error
