from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.cloud.monitoring.clockwork import previous
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.expressions import due
from tests.drawn import at_most

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


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 9 L * ? *)", ["31 09:00", "28 09:00", "31 09:00"]),
        ("cron(0 9 LW * ? 2026)", ["27 09:00", "31 09:00"]),  # the last weekday of January has passed
        ("cron(0 9 1W * ? *)", ["02 09:00", "02 09:00", "01 09:00"]),  # 1 February and 1 March 2026 are Sundays
        ("cron(0 9 ? * 6L *)", ["27 09:00", "27 09:00"]),
        ("cron(0 9 ? * 3#2 *)", ["10 09:00", "10 09:00"]),
        ("cron(0 9 ? * L *)", [f"{day:02} 09:00" for day in (31, 7, 14, 21, 28, 7, 14, 21, 28)]),
    ],
)
def test_last_nearest_and_nth_days(expression: str, expected: list[str]) -> None:
    assert fires(expression, 24 * 60 + 12) == expected


SPRING, AUTUMN = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (SPRING, ["28 01:30", "30 00:30"]),  # 02:30 on the 29th does not exist in Berlin
        (AUTUMN, ["24 00:30", "25 00:30", "26 01:30"]),  # 02:30 on the 25th comes twice, and fires once
    ],
)
def test_both_clock_changes(start: datetime, expected: list[str]) -> None:
    moments = due("cron(30 2 * * ? *)", start, start + timedelta(days=3), start, "Europe/Berlin")

    assert [f"{moment:%d %H:%M}" for moment in moments] == expected


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../etc/passwd", "", "/usr/share/zoneinfo/UTC", "utc\0"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ScheduleExpressionError):
        fires("cron(0 2 * * ? *)", 1, zone)


def test_a_rate_fires_at_its_anchor_and_counts_from_there() -> None:
    anchor = START + timedelta(minutes=7)
    moments = due("rate(6 hours)", START, START + timedelta(hours=13), anchor)

    assert [moment - anchor for moment in moments] == [timedelta(hours=hours) for hours in (0, 6, 12)]


YEARS = datetime(2024, 1, 1, tzinfo=UTC)
MANY = os.environ.get("FOGBANK_EXPRESSIONS")
EXPRESSIONS = settings(max_examples=int(MANY), deadline=None) if MANY else at_most(150)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"]


def one_field(low: int, high: int) -> st.SearchStrategy[tuple[str, set[int]]]:
    """A field's text, and what it names, worked out apart."""
    value = st.integers(low, high)
    whole = st.just(("*", set(range(low, high + 1))))
    single = value.map(lambda n: (str(n), {n}))
    span = st.tuples(value, value).map(sorted).map(lambda p: (f"{p[0]}-{p[1]}", set(range(p[0], p[1] + 1))))
    step = st.tuples(value, st.integers(1, 30)).map(
        lambda p: (f"{p[0]}/{p[1]}", {n for n in range(low, high + 1) if n >= p[0] and (n - p[0]) % p[1] == 0})
    )
    one = st.one_of(single, span, step)
    several = st.lists(one, min_size=1, max_size=3).map(
        lambda parts: (",".join(part for part, _ in parts), set().union(*(values for _, values in parts)))
    )
    return st.one_of(whole, several)


@given(
    fields=st.tuples(one_field(0, 59), one_field(0, 23), one_field(1, 31), one_field(1, 12), one_field(1, 7)),
    by_weekday=st.booleans(),
    zone=st.sampled_from(ZONES),
    start=st.integers(0, 8 * 365 * 24 * 60).map(lambda minutes: YEARS + timedelta(minutes=minutes)),
)
@EXPRESSIONS
def test_an_evaluator_minute_by_minute_agrees(
    fields: tuple[tuple[str, set[int]], ...], by_weekday: bool, zone: str, start: datetime
) -> None:
    (minutes, ms), (hours, hs), (days, ds), (months, mons), (weekdays, ws) = fields
    text = f"cron({minutes} {hours} {'?' if by_weekday else days} {months} {weekdays if by_weekday else '?'} *)"
    begin = start
    expected = []
    seen = set()
    for step in range(1, 3 * 24 * 60 + 1):
        moment = begin + timedelta(minutes=step)
        local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        day = local.isoweekday() % 7 + 1 in ws if by_weekday else local.day in ds
        if local.minute in ms and local.hour in hs and local.month in mons and day and local not in seen:
            expected.append(moment)
        seen.add(local)
    first_again = begin.astimezone(ZoneInfo(zone)).fold == 1  # its first time lies before the window

    found = list(due(text, begin, begin + timedelta(days=3), begin, zone))

    assert [m for m in found if not first_again] == [m for m in expected if not first_again]


@given(
    number=st.integers(1, 5000),
    unit=st.sampled_from([("minute", 60), ("hour", 3600), ("day", 86_400)]),
    age=st.integers(0, 10**7),
    zone=st.sampled_from(ZONES),
)
@EXPRESSIONS
def test_a_rate_is_multiples_of_its_period_since_its_anchor_in_every_zone(
    number: int, unit: tuple[str, int], age: int, zone: str
) -> None:
    name, seconds = unit
    anchor = YEARS - timedelta(seconds=age)
    text = f"rate({number} {name}{'' if number == 1 else 's'})"
    found = list(due(text, YEARS, YEARS + timedelta(days=3), anchor, zone))
    period = number * seconds

    assert [(moment - anchor).total_seconds() for moment in found] == [
        k * period for k in range(age // period, (age + 3 * 86_400) // period + 1) if k * period > age
    ]


@given(
    local=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1)).map(lambda at: at.replace(microsecond=0)),  # noqa: DTZ001 - local
    zone=st.sampled_from(ZONES),
)
@EXPRESSIONS
def test_at_is_the_first_moment_that_clocks_of_the_zone_show_it_or_would(local: datetime, zone: str) -> None:
    begin = local.replace(tzinfo=UTC) - timedelta(days=2)
    found = list(due(f"at({local:%Y-%m-%dT%H:%M:%S})", begin, begin + timedelta(days=4), begin, zone))

    assert len(found) == 1
    [moment] = found
    shown = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    earlier = (moment - timedelta(hours=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if shown == local:
        assert earlier != local
    else:  # clocks were put forward over it, by an hour at most but for a day that Samoa left out
        there = [local.replace(tzinfo=UTC) + timedelta(minutes=m) for m in range(-15 * 60, 15 * 60, 30)]
        assert all(each.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local for each in there)


def test_a_time_zone_moves_the_hour() -> None:
    assert fires("cron(0 2 * * ? *)", 24, "Europe/Berlin") == ["31 01:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 2 * * *)",
        "cron(0 25 * * ? *)",
        "cron(? 2 * * ? *)",
        "rate(0 minutes)",
        "rate(5)",
        "daily",
        "cron(0 2 * * MOO *)",
        "cron(0 2 ? * ? *)",
        "cron(0 2 * * * *)",
        "cron(100 9 * * ? 2027)",
        "cron(0 9 ? * 0 *)",
        "cron(0 9 ? * 2#6 *)",
        "cron(0 9 32W * ? *)",
        "cron(0 9 5-1 * ? *)",
        "cron(0/0 9 1 * ? *)",
        "cron(0 9 1 * ? 1969)",
        "rate(1 week)",
        "every day",
        "at(2026-13-45T00:00:00)",
        "at(tomorrow)",
        "at(2026-12-01T00:00:00Z)",
        " rate(1 day)",
    ],
)
def test_what_is_not_an_expression_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleExpressionError):
        fires(expression, 1)


def test_a_window_begins_at_the_slot_before() -> None:
    nine = datetime(2026, 2, 2, 9, tzinfo=UTC)
    assert previous("cron(0 * ? * * *)", nine, START) == nine - timedelta(hours=1)
    assert previous("cron(0 9 ? * * *)", nine, START) == nine - timedelta(days=1)
