"""Which deployments a stack's history tells of, and which of them is gone back to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.contracts.errors import ProjectError
from fogbank.engine.updates import Update, update_of
from fogbank.project.versions.deployments import Deployment, deployments, live_digest, message, target

A, B, C = ("aaaaaa" + "0" * 58), ("bbbbbb" + "0" * 58), ("aaaaab" + "0" * 58)


def update(number: int, digest: str = "", **other: Any) -> Update:
    said = message(digest, "me@laptop") if digest else "mend the schedule"
    values: dict[str, Any] = {
        "version": number, "kind": "update", "message": said, "started": datetime(2026, 11, 26, tzinfo=UTC), "seconds": 3.0,
        "result": "succeeded", "changed": True, "author": "Jane",
    }  # fmt: skip
    return Update(**{**values, **other})


def told(*updates: Update) -> tuple[Deployment, ...]:
    return deployments(updates)


def test_only_what_changed_something_or_failed_is_a_deployment() -> None:
    history = told(
        update(1, A), update(2, A, changed=False), update(3, B, changed=False, result="failed"), update(4, kind="refresh"),
        update(5, kind="destroy"),
    )  # fmt: skip

    assert [(item.number, item.what, item.verdict) for item in history] == [
        (5, "destroy", "succeeded"), (3, "up", "failed"), (1, "up", "succeeded")
    ]  # fmt: skip


def test_a_plain_pulumi_up_is_told_by_what_it_noted() -> None:
    (item,) = told(update(1))

    assert (item.digest, item.who, item.what) == ("", "Jane", "mend the schedule")


def test_who_and_whether_it_was_the_way_back_are_in_the_message() -> None:
    (item,) = told(update(1, message=message(A, "user/jane\nx", back=True)))

    assert (item.digest, item.who, item.what) == (A, "user/jane x", "rollback")


@pytest.mark.parametrize(
    ("history", "to", "number"),
    [
        (told(update(1, A), update(2, B)), "", 1),
        (told(update(1, A), update(2, B, result="failed")), "", 1),
        (told(update(1, A), update(2, B), update(3, A)), "", 2),
        (told(update(1, A), update(2, B, result="failed"), update(3, A)), "1", 1),
        (told(update(1, A), update(2, B)), "#2", 2),
        (told(update(1, A), update(2, A), update(3, B)), "aaaaaa", 2),
        (told(update(1, A), update(2, B)), f"sha256:{A}", 1),
    ],
)
def test_where_the_way_back_leads(history: tuple[Deployment, ...], to: str, number: int) -> None:
    assert target(history, to).number == number


@pytest.mark.parametrize(
    ("history", "to", "code"),
    [
        ((), "", "nothing-to-go-back-to"),
        (told(update(1, A), update(2, A)), "", "nothing-to-go-back-to"),
        (told(update(1, A)), "7", "deployment-unknown"),
        (told(update(1, A)), "", "nothing-to-go-back-to"),
        (told(update(1, A)), "cccccc", "deployment-unknown"),
        (told(update(1, A)), "aa", "deployment-unknown"),
        (told(update(1, A), update(2, C)), "aaaaaaa0aaa", "deployment-unknown"),
        (told(update(1, A, result="failed")), "1", "deployment-failed"),
        (told(update(1)), "1", "deployment-failed"),
    ],
)
def test_what_cannot_be_gone_back_to_is_said(history: tuple[Deployment, ...], to: str, code: str) -> None:
    with pytest.raises(ProjectError) as caught:
        target(history, to)

    assert caught.value.code == code


def test_a_digest_that_two_packages_begin_with_is_refused() -> None:
    two = told(update(1, "abcdef" + "0" * 58), update(2, "abcdef" + "1" * 58))

    with pytest.raises(ProjectError, match="more than one"):
        target(two, "abcdef")
    assert target(two, "abcdef0").number == 1


def test_what_is_live_is_the_newest_that_succeeded() -> None:
    assert live_digest(told(update(1, A), update(2, B, result="failed"))) == A
    assert live_digest(told(update(1, A), update(2))) == "", "a plain `pulumi up` may have deployed any package"
    assert live_digest(()) == ""


def test_the_engines_summary_is_read_with_its_times_in_utc() -> None:
    start = datetime(2026, 11, 26, 10)  # noqa: DTZ001 - as the Automation API gives it
    summary = SimpleNamespace(
        version=3, kind="update", message="m", start_time=start, end_time=start + timedelta(seconds=5), result="succeeded",
        resource_changes={"same": 2, "create": 1}, environment={"git.author": "Jane"},
    )  # fmt: skip
    read = update_of(summary)

    assert (read.version, read.seconds, read.changed, read.author) == (3, 5.0, True, "Jane")
    assert read.started == datetime(2026, 11, 26, 10, tzinfo=UTC)
    unended = SimpleNamespace(**{**vars(summary), "end_time": None, "resource_changes": None})
    assert (update_of(unended).seconds, update_of(unended).changed) == (None, False)
