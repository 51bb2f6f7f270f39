"""Objects expire at midnights of the cloud's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fogbank.cloud.objects.bucket import Bucket, Rule
from fogbank.cloud.objects.lifecycle import Lifecycle
from fogbank.cloud.objects.xml import parse, text
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


def rule(inner: str, *, name: str = "r", chosen: str = "<Prefix></Prefix>") -> str:
    return f"<Rule><ID>{name}</ID><Status>Enabled</Status><Filter>{chosen}</Filter>{inner}</Rule>"


def put(room: Room, *rules: str) -> tuple[int, str]:
    body = f"<LifecycleConfiguration>{''.join(rules)}</LifecycleConfiguration>"
    answer = room.ask("PUT", "", body.encode(), query="lifecycle")
    return answer.status, text(parse(answer.body, "Error"), "Code") or "" if answer.status >= 400 else ""


def pass_days(room: Room, days: int) -> None:
    """Everything that expires within so many days, a midnight after the other."""
    start = datetime.fromtimestamp(room.time, UTC)
    end = start + days * DAY
    lifecycle = Lifecycle(room.shelf, lambda *_: None)
    while due := [expiry for expiry in lifecycle.expiries(start, end) if expiry.moment > start]:
        start = due[0].moment
        room.time = start.timestamp()
        lifecycle.expire(due[0])
    room.time = end.timestamp()


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ("<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan>", ["log/exact", "log/small"]),
        ("<ObjectSizeLessThan>10</ObjectSizeLessThan>", ["big", "log/big", "log/exact"]),
        (
            "<And><Prefix>log/</Prefix><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></And>",
            ["big", "log/exact", "log/small"],
        ),
    ],
)
def test_a_rule_for_sizes_leaves_what_has_another_size(room: Room, chosen: str, left: list[str]) -> None:
    assert put(room, rule("<Expiration><Days>1</Days></Expiration>", chosen=chosen)) == (204, "")
    for key, size in (("log/small", 1), ("log/exact", 10), ("log/big", 11), ("big", 11)):
        room.ask("PUT", key, b"x" * size)
    pass_days(room, 4)
    assert [item.key for item in room.shelf.keys("b", "", "", 10)] == left


def test_the_newest_versions_below_the_latest_stay(room: Room) -> None:
    room.buckets.set(Bucket(name="b", region="us-east-1", versioning="Enabled"))
    kept = "<NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions>"
    put(room, rule(f"<NoncurrentVersionExpiration>{kept}</NoncurrentVersionExpiration>"))
    for body in (b"1", b"2", b"3", b"4", b"5"):
        room.ask("PUT", "k", body)
    pass_days(room, 10)
    listed = parse(room.ask("GET", "", query="versions").body, "ListVersionsResult")
    assert len(listed.findall("Version")) == 3


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([rule("<Expiration><Days>0</Days></Expiration>")], "InvalidArgument"),
        ([rule("<Expiration><Days>x</Days></Expiration>")], "MalformedXML"),
        ([rule("<Expiration><Date>2027-01-01T03:00:00Z</Date></Expiration>")], "InvalidArgument"),
        ([rule("")], "InvalidRequest"),
        ([rule("<Expiration><Days>1</Days></Expiration>")] * 2, "InvalidArgument"),
        ([rule("<Expiration><Days>1</Days></Expiration>", name="n" * 256)], "InvalidArgument"),
        (
            [
                rule(
                    "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
                    "</AbortIncompleteMultipartUpload>",
                    chosen="<Tag><Key>a</Key><Value>b</Value></Tag>",
                )
            ],
            "InvalidRequest",
        ),
        ([], "MalformedXML"),
    ],
)
def test_a_lifecycle_that_s3_refuses_leaves_the_one_that_is_there(room: Room, rules: list[str], code: str) -> None:
    good = rule("<Expiration><Days>3</Days></Expiration>", name="good")
    put(room, good)
    assert put(room, *rules) == (400, code)
    assert b"<ID>good</ID>" in room.ask("GET", "", query="lifecycle").body
