"""Rolling updates of inference components on instances in memory: batches on the cloud's clock, back in batches, killed in the middle."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from tests.fakes.full import FullStore
from tests.unit.cloud.hosting.conftest import US, Hosting
from tests.unit.cloud.hosting.test_components import ask, config, counts, create, described, endpoint, settled
from tests.waiting import until

NAME = ("us-east-1", "c")


def rolling(size: int = 1, kind: str = "COPY_COUNT", wait: int = 10, **policy: Any) -> dict[str, Any]:
    """A DeploymentConfig whose alarm is `errors`."""
    batch = {"Type": kind, "Value": size}
    return {
        "RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": wait, **policy},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }


def update(hosting: Hosting, deployment: dict[str, Any], copies: int | None = None, model: str = "new") -> None:
    required = {"NumberOfCpuCoresRequired": 1.0, "MinMemoryRequiredInMb": 1024}
    hosting.components.update(
        US,
        {
            "InferenceComponentName": "c",
            "Specification": {"ModelName": model, "ComputeResourceRequirements": required},
            "DeploymentConfig": deployment,
            **({"RuntimeConfig": {"CopyCount": copies}} if copies is not None else {}),
        },
    )


def hosted(hosting: Hosting, copies: int = 4) -> None:
    """A component `c` of model `old` on two instances, and a model `new`."""
    endpoint(hosting, count=2)
    hosting.model("new")
    hosting.alarms["errors"] = "OK"
    create(hosting, copies=copies)
    settled(hosting)


def running(hosting: Hosting) -> tuple[int, int]:
    """Copies of the old specification and of the new one."""
    return len(hosting.hosts.of("old").running), len(hosting.hosts.of("new").running)


def share(hosting: Hosting, asks: int = 200) -> float:
    """The part of the requests that the new copies answer."""
    return sum(ask(hosting).body.startswith(b"new") for _ in range(asks)) / asks


def baking(hosting: Hosting, old: int, new: int) -> None:
    until(lambda: hosting.components.rollouts.moments() and running(hosting) == (old, new))


def test_batches_of_new_copies_take_the_place_of_old_ones(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling())
    for old, new in ((4, 1), (3, 2), (2, 3), (1, 4)):
        baking(hosting, old, new)
        assert abs(share(hosting) - new / 4) < 0.2
        assert described(hosting)["InferenceComponentStatus"] == "Updating"
        assert counts(hosting) == (old + new, 4)
        hosting.pass_by(9)
        assert running(hosting) == (old, new)
        hosting.pass_by(1)

    found = settled(hosting)
    until(lambda: running(hosting) == (0, 4))
    assert (found["Specification"]["ModelName"], found["LastDeploymentConfig"]) == ("new", rolling())
    assert (share(hosting, 20), "FailureReason" in found) == (1, False)
    assert hosting.components.get(*NAME).state.rollout is None


def test_moving_the_clock_passes_every_bake_of_components_and_endpoints(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling(50, "CAPACITY_PERCENT", wait=60), copies=2)
    hosting.catch_up(1075)
    assert hosting.components.rollouts.moments() == [(1120.0, NAME)]
    hosting.catch_up(1120)
    assert described(hosting)["InferenceComponentStatus"] == "InService"
    until(lambda: running(hosting) == (0, 2))
    assert hosting.clock.epoch() == 1120


def test_an_alarm_takes_it_back_batch_by_batch(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling(2, RollbackMaximumBatchSize={"Type": "COPY_COUNT", "Value": 1}))
    baking(hosting, 4, 2)
    hosting.pass_by(10)
    baking(hosting, 2, 4)
    hosting.hosts.of("old").go.clear()
    hosting.alarms["errors"] = "ALARM"
    hosting.pass_by(1)
    until(lambda: hosting.hosts.of("old").attempts == 5)  # one of two that are missing: a batch is one copy
    assert described(hosting)["InferenceComponentStatus"] == "Updating"
    hosting.hosts.of("old").go.set()

    found = settled(hosting)
    until(lambda: running(hosting) == (4, 0))
    assert "CloudWatch alarm(s) [errors] went into ALARM" in found["FailureReason"]
    assert (found["InferenceComponentStatus"], found["Specification"]["ModelName"]) == ("InService", "old")
    assert (share(hosting, 20), hosting.hosts.of("old").attempts) == (0, 6)


def test_a_batch_that_does_not_start_takes_it_back(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling(1, MaximumExecutionTimeoutInSeconds=600))
    baking(hosting, 4, 1)
    hosting.hosts.of("new").failure = "no memory"
    hosting.pass_by(10)

    assert "no memory" in settled(hosting)["FailureReason"]
    until(lambda: running(hosting) == (4, 0))


def test_one_that_takes_too_long_goes_back(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling(1, wait=3600, MaximumExecutionTimeoutInSeconds=600))
    baking(hosting, 4, 1)
    hosting.pass_by(600)

    assert "MaximumExecutionTimeoutInSeconds (600)" in settled(hosting)["FailureReason"]
    until(lambda: running(hosting) == (4, 0))


def test_what_nobody_foresaw_takes_it_back(hosting: Hosting) -> None:
    class Broken(dict[str, str]):
        def get(self, *_: Any) -> Any:
            raise KeyError("alarms")

    hosted(hosting)
    update(hosting, rolling(1))
    baking(hosting, 4, 1)
    hosting.alarms = Broken()
    hosting.components.rollouts.baked(NAME)

    assert "InternalServerError: KeyError" in settled(hosting)["FailureReason"]
    until(lambda: running(hosting) == (4, 0))


def test_killed_between_two_batches_it_goes_on(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling())
    baking(hosting, 4, 1)
    hosting.pass_by(10)
    baking(hosting, 3, 2)
    hosting.now += 4
    hosting.kill()
    hosting.endpoints.start()
    hosting.components.start()

    baking(hosting, 4, 2)
    assert hosting.components.rollouts.moments() == [(1020.0, NAME)], "what is left of the bake is left"
    assert abs(share(hosting) - 0.5) < 0.2
    for _ in range(3):
        hosting.pass_by(10)
        until(lambda: hosting.components.rollouts.moments() or running(hosting) == (0, 4))
    assert settled(hosting)["Specification"]["ModelName"] == "new"
    until(lambda: running(hosting) == (0, 4))


def test_killed_on_the_way_back_it_is_what_it_was(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling(2))
    baking(hosting, 4, 2)
    hosting.pass_by(10)
    baking(hosting, 2, 4)
    hosting.hosts.of("old").go.clear()
    hosting.alarms["errors"] = "ALARM"
    hosting.pass_by(1)
    until(lambda: hosting.hosts.of("old").attempts == 6)
    hosting.kill()
    rollout = hosting.components.get(*NAME).state.rollout
    assert rollout is not None
    assert "ALARM" in str(rollout.reason)
    hosting.endpoints.start()
    hosting.components.start()

    assert "went into ALARM" in settled(hosting)["FailureReason"]
    until(lambda: running(hosting) == (4, 0))
    assert share(hosting, 20) == 0


def test_the_endpoint_goes_while_it_bakes(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling(1, wait=3600))
    baking(hosting, 4, 1)
    hosting.endpoints.delete(US, {"EndpointName": "e"})

    found = settled(hosting)
    assert (found["InferenceComponentStatus"], found["FailureReason"]) == (
        "Failed",
        "the endpoint e does not exist any more",
    )
    until(lambda: running(hosting) == (0, 0))
    hosting.components.delete(US, {"InferenceComponentName": "c"})
    until(lambda: hosting.components.find(*NAME) is None)


def test_the_endpoint_moves_while_it_bakes(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling(2))
    baking(hosting, 4, 2)
    config(hosting, "more", count=2)
    hosting.update("more")
    hosting.settle()
    for _ in range(2):
        until(hosting.components.rollouts.moments)
        hosting.pass_by(10)

    def served() -> tuple[str, str]:
        serving = hosting.components.copies.find(NAME)
        return (serving.config, serving.part.model["ModelName"]) if serving else ("", "")

    until(lambda: served() == ("more", "new"))
    found = settled(hosting)
    assert (found["InferenceComponentStatus"], found["Specification"]["ModelName"]) == ("InService", "new")
    assert "FailureReason" not in found
    until(lambda: running(hosting) == (0, 4))
    assert share(hosting, 20) == 1


def test_no_request_fails_on_the_way_there_and_back(hosting: Hosting) -> None:
    hosted(hosting)
    statuses: list[int] = []
    over = threading.Event()

    def asks(_: threading.Event) -> None:
        while not over.is_set():
            statuses.append(ask(hosting).status)

    tasks = [hosting.runner.begin(("asks",), asks) for _ in range(4)]
    for model, fails in (("new", False), ("old", True), ("old", False)):
        update(hosting, rolling(wait=1), model=model)
        for _ in range(2):
            until(hosting.components.rollouts.moments)
            hosting.pass_by(1)
        hosting.alarms["errors"] = "ALARM" if fails else "OK"
        hosting.catch_up(hosting.clock.epoch() + 60)
        settled(hosting)
        hosting.alarms["errors"] = "OK"
    over.set()
    for task in tasks:
        assert task.ended.wait(20)
    assert described(hosting)["Specification"]["ModelName"] == "old"
    assert set(statuses) == {200}
    assert len(statuses) > 20


def test_nothing_else_changes_it_meanwhile(hosting: Hosting) -> None:
    hosted(hosting)
    update(hosting, rolling())
    baking(hosting, 4, 1)
    with pytest.raises(ApiError, match="UPDATE_IN_PROGRESS"):
        update(hosting, rolling())
    with pytest.raises(ApiError, match="UPDATE_IN_PROGRESS"):
        hosting.components.delete(US, {"InferenceComponentName": "c"})


def test_where_nothing_is_replaced_there_is_no_batch(hosting: Hosting) -> None:
    hosted(hosting, copies=2)
    hosting.components.update(
        US, {"InferenceComponentName": "c", "RuntimeConfig": {"CopyCount": 3}, "DeploymentConfig": rolling()}
    )
    assert settled(hosting)["LastDeploymentConfig"] == rolling()
    assert counts(hosting) == (3, 3)
    update(hosting, rolling(), copies=0)
    settled(hosting)
    until(lambda: running(hosting) == (0, 0))
    update(hosting, rolling(25, "CAPACITY_PERCENT"), copies=4)
    settled(hosting)
    until(lambda: running(hosting) == (0, 4))


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        (rolling(3), "MaximumBatchSize must be between 5% and 50% of the inference component's copy count; it is 75%"),
        (rolling(4, "CAPACITY_PERCENT"), "MaximumBatchSize must be between 5% and 50%"),
        (
            rolling(1, RollbackMaximumBatchSize={"Type": "COPY_COUNT", "Value": 5}),
            "RollbackMaximumBatchSize must be between 5% and 100%",
        ),
        ({**rolling(), "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "none"}]}}, "Could not find the CloudWatch"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(hosting: Hosting, deployment: dict[str, Any], message: str) -> None:
    hosted(hosting)
    with pytest.raises(ApiError) as refused:
        update(hosting, deployment)
    assert message in str(refused.value)
    assert described(hosting)["InferenceComponentStatus"] == "InService"


@pytest.mark.parametrize("first", [2, 3, 4])
def test_whatever_writes_fail_a_component_serves_what_it_says(tmp_path: Path, first: int) -> None:
    with closing(FullStore(tmp_path / "full.db")) as store:
        hosting = Hosting(store, tmp_path)
        hosted(hosting, copies=2)
        store.fill(first, 4)
        update(hosting, rolling())

        def over() -> bool:
            hosting.pass_by(10)
            settled_now = described(hosting)["InferenceComponentStatus"] == "InService"
            return settled_now and running(hosting) in {(0, 2), (2, 0)}

        until(over)
        model = described(hosting)["Specification"]["ModelName"]
        assert running(hosting) == ((0, 2) if model == "new" else (2, 0))
        hosting.close()
