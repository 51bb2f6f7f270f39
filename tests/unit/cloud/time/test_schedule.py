"""When a schedule fires: within its dates, at its creation, and never for what passed before an update."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fogbank.cloud.time.schedule import Schedule, moment_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def schedule(expression: str, **more: Any) -> Schedule:
    created = NOON.timestamp()
    document = {"Name": "s", "ScheduleExpression": expression, "CreationDate": created, "LastModificationDate": created}
    return Schedule(region="us-east-1", document={**document, **more})


def hours(given: Schedule, since: datetime = NOON - HOUR, until: datetime = NOON + 5 * HOUR) -> list[float]:
    return [(moment - NOON) / HOUR for moment in given.moments(since, until)]


def test_a_rate_fires_at_its_creation_and_from_there_on() -> None:
    assert hours(schedule("rate(2 hours)")) == [0, 2, 4]


def test_what_passed_before_an_update_does_not_fire_after_it() -> None:
    updated = schedule("rate(2 hours)", LastModificationDate=(NOON + 2.5 * HOUR).timestamp())
    cron = schedule("cron(0 13 * * ? *)", LastModificationDate=(NOON + 1.001 * HOUR).timestamp())

    assert hours(updated, since=NOON) == [4]
    assert hours(cron, since=NOON + 0.9 * HOUR) == []


def test_it_fires_between_its_dates() -> None:
    window = schedule("rate(1 hour)", StartDate=(NOON + HOUR).timestamp(), EndDate="2026-01-01T15:00:00Z")

    assert hours(window) == [1, 2, 3]
    assert [window.is_over(NOON + hour * HOUR) for hour in (2, 3)] == [False, True]
    assert schedule("at(2026-01-01T12:30:00)").is_over(NOON + HOUR)
    assert not schedule("rate(1 hour)").is_over(NOON + HOUR)


def test_its_names() -> None:
    grouped = schedule("rate(1 hour)", GroupName="g")

    assert grouped.key == "g/s"
    assert grouped.arn == "arn:aws:scheduler:us-east-1:123456789012:schedule/g/s"
    assert moment_of("2026-01-01T12:00:00") == moment_of(NOON.timestamp()) == NOON
