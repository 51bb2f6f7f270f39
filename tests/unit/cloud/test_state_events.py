"""What is told of state changes: each once, in order, and after a kill from where it was."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.resource import Ground, NoState, Resource
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store
from fogbank.cloud.jobs.transforms import TRANSFORM_JOB
from fogbank.cloud.registry.groups import Groups
from fogbank.cloud.registry.packages import Packages
from fogbank.cloud.state_events import StateEvents
from tests.waiting import until

US = Scope("us-east-1")


class Account:
    """Jobs on a store, and what is told of them; each `StateEvents` is a process of the cloud."""

    def __init__(self, folder: Path) -> None:
        store = Store(folder / "cloud.db")
        clock = Clock(store, wall=lambda: 1000.0)
        self.ground = Ground(store, clock, Events(store, clock), Runner())
        self.jobs = Resource(TRANSFORM_JOB, NoState, self.ground)
        self.told: list[Mapping[str, Any]] = []

    def job(self, name: str) -> None:
        self.jobs.add(US, name, {"TransformJobName": name, "TransformJobStatus": "InProgress"}, NoState())

    def follow(self, count: int) -> None:
        """Run a process until so many events were told in all."""
        stop = threading.Event()
        follower = StateEvents(self.ground, [self.jobs], lambda _, event: self.told.append(event), 0.02)
        self.ground.runner.submit(("follow",), lambda _: follower.follow(stop))
        until(lambda: len(self.told) >= count)
        stop.set()
        assert self.ground.runner.wait(("follow",), 20)

    def statuses(self) -> list[tuple[str, str]]:
        return [(event["detail"]["TransformJobName"], event["detail"]["TransformJobStatus"]) for event in self.told]


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_each_is_told_once_from_where_the_last_process_was(account: Account) -> None:
    account.job("before")
    account.follow(0)  # what happened before anybody told of it is not told
    account.job("a")
    account.jobs.move("us-east-1", "a", "Completed")
    account.follow(2)
    account.job("b")
    account.follow(3)
    assert account.statuses() == [("a", "InProgress"), ("a", "Completed"), ("b", "InProgress")]
    assert account.told[0]["time"] == "1970-01-01T00:16:40Z"
    assert account.told[0]["detail"]["CreationTime"] == "1970-01-01T00:16:40.000Z"


def test_what_is_gone_is_not_told(account: Account) -> None:
    account.follow(0)
    account.job("gone")
    account.jobs.remove("us-east-1", "gone")
    account.job("there")
    account.follow(1)
    assert account.statuses() == [("there", "InProgress")]


def test_a_version_of_a_model_tells_each_verdict(account: Account) -> None:
    """As EventBridge has it: the group, the version, and what it is now; an update that is no verdict is not told."""
    groups = Groups(account.ground)
    packages = Packages(account.ground, groups)
    account.jobs = packages  # type: ignore[assignment]  # what is followed
    account.follow(0)
    groups.create(US, {"ModelPackageGroupName": "g"})
    made = packages.create(US, {"ModelPackageGroupName": "g", "SourceUri": "s3://b/m"})
    packages.update(US, {**made, "SourceUri": "s3://b/n"})
    packages.update(US, {**made, "ModelApprovalStatus": "Approved"})
    account.follow(2)
    assert [event["detail-type"] for event in account.told] == ["SageMaker Model Package State Change"] * 2
    details = [event["detail"] for event in account.told]
    assert [detail["ModelApprovalStatus"] for detail in details] == ["PendingManualApproval", "Approved"]
    assert (details[1]["ModelPackageGroupName"], details[1]["ModelPackageVersion"]) == ("g", 1)
    assert (details[1]["CreationTime"], account.told[1]["resources"]) == (
        "1970-01-01T00:16:40Z",
        [made["ModelPackageArn"]],
    )
