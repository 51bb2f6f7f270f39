"""AWS's cron expressions, pure: six fields, with L, W and #, into the days and minutes that they name.

No maintained library has exactly AWS's fields (Quartz's days, no seconds, a year), so they are read here. Source: EventBridge
Scheduler User Guide, "Schedule types on EventBridge Scheduler".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

MONTHS = {
    name: i
    for i, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
DAYS = {name: i for i, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
FIELDS = (
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day-of-month", 1, 31),
    ("month", 1, 12),
    ("day-of-week", 1, 7),
    ("year", 1970, 2199),
)
TakesDay = Callable[[date], bool]


class ScheduleExpressionError(ValueError):
    """An expression that is not one of AWS's."""


@dataclass(frozen=True, kw_only=True)
class Cron:
    """A parsed expression: the values that its fields allow, and whether a day is among those of its two fields of days."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    day_of_month: TakesDay
    day_of_week: TakesDay

    def takes(self, day: date) -> bool:
        """Whether it fires on that day at all."""
        return day.year in self.years and day.month in self.months and self.day_of_month(day) and self.day_of_week(day)


def parse_cron(text: str) -> Cron:
    """Six fields: minutes, hours, day-of-month, month, day-of-week, year. Raises ScheduleExpressionError."""
    parts = text.upper().split()
    if len(parts) != len(FIELDS):
        raise ScheduleExpressionError(
            f"cron({text}) has {len(parts)} fields; AWS's has 6: minutes hours day-of-month month day-of-week year"
        )
    minutes, hours, days, months, weekdays, years = parts
    if (days == "?") == (weekdays == "?"):
        raise ScheduleExpressionError(f"cron({text}): one of day-of-month and day-of-week is ?, and the other is not")
    return Cron(
        minutes=tuple(sorted(_values(minutes, 0))),
        hours=tuple(sorted(_values(hours, 1))),
        months=_values(months, 3),
        years=_values(years, 5),
        day_of_month=_day_of_month(days),
        day_of_week=_day_of_week(weekdays),
    )


def _day_of_month(text: str) -> TakesDay:
    """`L` is the month's last day, `15W` the weekday nearest to the 15th, `LW` the last weekday."""
    if text == "?":
        return lambda _: True
    tests = [_one_day_of_month(part) for part in text.split(",")]
    return lambda day: any(test(day) for test in tests)


def _one_day_of_month(part: str) -> TakesDay:
    if part == "L":
        return lambda day: day.day == _last(day)
    if part == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    if match := re.fullmatch(r"(\d+)W", part):
        target = int(match[1])
        if not 1 <= target <= 31:
            raise ScheduleExpressionError(f"{part!r} in the field day-of-month is not within 1-31")
        return lambda day: target <= _last(day) and day.day == _nearest_weekday(day, target)
    values = _values(part, 2)
    return lambda day: day.day in values


def _day_of_week(text: str) -> TakesDay:
    """`L` is Saturday, the week's last day; `6L` the month's last Friday; `3#2` its second Tuesday."""
    if text == "?":
        return lambda _: True
    tests = [_one_day_of_week(part) for part in text.split(",")]
    return lambda day: any(test(day) for test in tests)


def _one_day_of_week(part: str) -> TakesDay:
    if part == "L":
        return lambda day: _weekday(day) == 7
    if match := re.fullmatch(r"(\w+)L", part):
        last = _number(match[1], 4)
        return lambda day: _weekday(day) == last and day.day + 7 > _last(day)
    if match := re.fullmatch(r"(\w+)#([1-5])", part):
        weekday, which = _number(match[1], 4), int(match[2])
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == which
    values = _values(part, 4)
    return lambda day: _weekday(day) in values


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, target: int) -> int:
    """The weekday nearest to a day of the month, without leaving the month."""
    weekday = day.replace(day=target).isoweekday()
    if weekday == 6:
        return target - 1 if target > 1 else target + 2
    if weekday == 7:
        return target + 1 if target < _last(day) else target - 2
    return target


def _values(text: str, field: int) -> frozenset[int]:
    """The values of a field without L, W and #: `*`, `1-5`, `0/15`, `1-9/2`, names, and lists of these."""
    name, low, high = FIELDS[field]
    values: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if match is None:
            raise ScheduleExpressionError(f"{part!r} in the field {name} is not an expression of AWS's")
        every, first, last, stride = match.groups()
        start = low if every else _number(first, field)
        end = high if every or (stride and not last) else _number(last or first, field)
        if end < start or (stride is not None and int(stride) < 1):
            raise ScheduleExpressionError(f"{part!r} in the field {name} names nothing")
        values.update(range(start, end + 1, int(stride or 1)))
    return frozenset(values)


def _number(text: str, field: int) -> int:
    name, low, high = FIELDS[field]
    names = {"month": MONTHS, "day-of-week": DAYS}.get(name, {})
    value = names.get(text, int(text) if text.isdecimal() else -1)
    if not low <= value <= high:
        raise ScheduleExpressionError(f"{text!r} in the field {name} is not within {low}-{high}")
    return value
