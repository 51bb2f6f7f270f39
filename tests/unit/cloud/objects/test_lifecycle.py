"""Objects expire at midnights of the cloud's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fogbank.cloud.objects.bucket import Bucket, Rule
from fogbank.cloud.objects.lifecycle import Lifecycle
from tests.unit.cloud.objects.conftest import Room

DAY = timedelta(days=1)


def test_what_is_older_than_its_days_goes_at_midnight(room: Room) -> None:
    rules = [
        Rule(id="logs", prefix="logs/", days=2),
        Rule(id="tagged", tags={"t": "1"}, days=1),
        Rule(id="up", abort_days=1),
    ]
    room.buckets.set(Bucket(name="b", region="us-east-1", rules=rules))
    for key, tags in (("logs/a", ""), ("kept", ""), ("tagged", "t=1")):
        room.ask("PUT", key, b"1", x_amz_tagging=tags)
    room.ask("POST", "big", query="uploads")
    told: list[str] = []
    lifecycle = Lifecycle(room.shelf, lambda event, _, version: told.append(f"{event} {version.key}"))
    start = datetime.fromtimestamp(room.time, UTC)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    expiries = list(lifecycle.expiries(start, start + 5 * DAY))

    assert [expiry.moment for expiry in expiries] == [midnight + 2 * DAY, midnight + 3 * DAY]
    assert list(lifecycle.expiries(start, start + timedelta(minutes=1))) == []
    lifecycle.expire(expiries[0])
    assert (told, b"<Upload>" in room.ask("GET", "", query="uploads").body) == (
        ["LifecycleExpiration:Delete tagged"],
        False,
    )
    lifecycle.expire(expiries[1])
    assert [item.key for item in room.shelf.keys("b", "", "", 10)] == ["kept"]


def test_versions_that_are_not_the_latest_expire_by_the_one_above(room: Room) -> None:
    rules = [Rule(id="all", days=1, noncurrent_days=1, markers=True)]
    room.buckets.set(Bucket(name="b", region="us-east-1", versioning="Enabled", rules=rules))
    room.ask("PUT", "k", b"1")
    lifecycle = Lifecycle(room.shelf, lambda *_: None)
    start = datetime.fromtimestamp(room.time, UTC)
    for _ in range(4):
        due = list(lifecycle.expiries(start, start + 3 * DAY))
        if not due:
            break
        room.time = due[0].moment.timestamp()
        lifecycle.expire(due[0])
        start = due[0].moment

    assert not room.shelf.index.has_versions("b")
