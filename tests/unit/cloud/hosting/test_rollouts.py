"""Rollouts on the cloud's clock: steps, shares, failures; and in revival's place a process that is killed in the middle."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from tests.unit.cloud.hosting.conftest import NAME, Hosting
from tests.waiting import until


def canary(wait: int = 60, termination: int = 0, limit: int | None = None, percent: int = 25) -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": percent}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": wait, "CanarySize": size}
    policy: dict[str, Any] = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": termination}
    if limit is not None:
        policy["MaximumExecutionTimeoutInSeconds"] = limit
    return {"BlueGreenUpdatePolicy": policy}


def test_all_at_once(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.update()
    hosting.settle()

    assert hosting.record().public["EndpointConfigName"] == "new"
    assert hosting.share("new") == 1
    until(lambda: hosting.hosts.of("old").running == [])
    assert hosting.changes("endpoint") == ["Creating", "InService", "Updating", "InService"]
    assert hosting.changes("rollout") == ["FleetStarted", "Shifted", "Finished"] * 2


def test_a_canary_bakes_on_the_clouds_clock(hosting: Hosting) -> None:
    hosting.endpoint(count=4)
    hosting.update(DeploymentConfig=canary(wait=60, termination=30))
    hosting.baking()
    assert hosting.status == "Updating"
    assert 0.1 < hosting.share("new") < 0.45
    pending = hosting.describe()["PendingDeploymentSummary"]["ProductionVariants"][0]
    assert pending["VariantStatus"] == [
        {
            "Status": "Baking",
            "StatusMessage": "Baking for 60 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s).",
            "StartTime": 1000.0,
        }
    ]

    hosting.pass_by(59)
    assert hosting.share("new") < 1
    hosting.pass_by(1)
    until(lambda: hosting.endpoints.rollouts.moments() == [(1090.0, NAME)])
    assert hosting.share("new") == 1
    assert len(hosting.hosts.of("old").running) == 4, "the old fleet waits for the termination wait"
    hosting.pass_by(30)
    hosting.settle()
    until(lambda: hosting.hosts.of("old").running == [])
    assert hosting.record().public["LastDeploymentConfig"] == canary(wait=60, termination=30)


def test_linear_steps_shift_one_after_the_other(hosting: Hosting) -> None:
    hosting.endpoint()
    routing = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 10,
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    hosting.update(DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}})
    hosting.baking()
    assert 0.3 < hosting.share("new") < 0.7
    hosting.pass_by(10)
    hosting.settle()

    assert hosting.share("new") == 1
    assert hosting.changes("rollout")[3:] == ["FleetStarted", "Shifted", "Baking", "Baked", "Shifted", "Finished"]


def test_moving_the_clock_carries_out_every_step_at_its_own_time(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.update(DeploymentConfig=canary(wait=60, termination=30))
    hosting.catch_up(1075)
    assert hosting.endpoints.rollouts.moments() == [(1090.0, NAME)]
    assert hosting.share("new") == 1
    assert hosting.clock.epoch() == 1060
    hosting.catch_up(5000)

    assert hosting.status == "InService"
    events = [event for event in hosting.events.since(0) if event.topic == "rollout"][3:]
    assert [(event.change, event.at) for event in events] == [
        ("FleetStarted", 1000),
        ("Shifted", 1000),
        ("Baking", 1000),
        ("Baked", 1060),
        ("Shifted", 1060),
        ("Baking", 1060),
        ("Baked", 1090),
        ("Finished", 1090),
    ]


def test_a_new_fleet_that_does_not_start_rolls_back_with_the_reason(hosting: Hosting) -> None:
    hosting.endpoint(count=2)
    hosting.hosts.of("new").failure = "no handler at code/none.py"
    hosting.update()
    hosting.settle("InService")
    until(lambda: hosting.changes("endpoint")[-2:] == ["RollingBack", "InService"])

    record = hosting.record()
    assert record.public["EndpointConfigName"] == "old"
    assert record.public["FailureReason"] == "production variant v: no handler at code/none.py"
    assert hosting.share("old") == 1
    assert hosting.hosts.of("new").running == []
    hosting.hosts.of("new").failure = None
    hosting.update()
    until(lambda: hosting.record().public["EndpointConfigName"] == "new")
    assert "FailureReason" not in hosting.record().public


def test_a_deployment_that_takes_too_long_rolls_back(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.update(DeploymentConfig=canary(wait=3600, limit=600))
    hosting.baking()
    assert hosting.endpoints.rollouts.moments() == [(1600.0, NAME)]
    hosting.pass_by(600)
    hosting.settle()

    assert "MaximumExecutionTimeoutInSeconds (600)" in hosting.record().public["FailureReason"]
    assert hosting.share("old") == 1
    until(lambda: hosting.hosts.of("new").running == [])


def test_an_endpoint_that_does_not_come_up_is_failed_and_nothing_of_it_runs(hosting: Hosting) -> None:
    hosting.model("old")
    hosting.config("old", ("a", "old", 2, 1.0))
    hosting.hosts.of("old").failure = "broken"
    hosting.create("old")
    hosting.settle("Failed")

    assert hosting.record().public["FailureReason"] == "production variant a: broken"
    assert hosting.endpoints.router(*NAME) is None
    assert hosting.hosts.running == []


def test_counts_really_change(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.scale(DesiredInstanceCount=3)
    hosting.settle()
    assert len(hosting.hosts.of("old").running) == 3
    variant = hosting.describe()["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (3, 3)

    hosting.scale(DesiredInstanceCount=1)
    hosting.settle()
    until(lambda: len(hosting.hosts.of("old").running) == 1)


def test_a_scale_out_that_fails_rolls_counts_and_weights_back(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.hosts.of("old").failure = "no room"
    hosting.scale(DesiredInstanceCount=2, DesiredWeight=5)
    until(lambda: hosting.changes("endpoint")[-2:] == ["RollingBack", "InService"])

    assert "no room" in hosting.record().public["FailureReason"]
    variant = hosting.describe()["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"], variant["DesiredWeight"]) == (1, 1, 1.0)


def test_weights_change_before_the_call_returns(hosting: Hosting) -> None:
    for name in ("old", "new"):
        hosting.model(name)
    hosting.config("both", ("v", "old", 1, 1.0), ("w", "new", 1, 1.0))
    hosting.create("both")
    hosting.settle()
    assert 0.2 < hosting.share("old") < 0.8
    hosting.scale(DesiredWeight=0)

    assert hosting.share("old") == 0
    hosting.settle()
    assert hosting.share("old") == 0


def test_nothing_changes_while_a_change_is_under_way(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.hosts.of("new").go.clear()
    hosting.update()

    with pytest.raises(ApiError, match="in-progress"):
        hosting.update()
    with pytest.raises(ApiError, match="in-progress"):
        hosting.scale(DesiredWeight=2)
    hosting.hosts.of("new").go.set()
    hosting.settle()


def test_what_nobody_foresaw_rolls_back_too(hosting: Hosting) -> None:
    hosting.endpoint()

    hosting.hosts.of("new").error = KeyError("x")
    hosting.update()
    hosting.settle("InService")
    until(lambda: "KeyError" in hosting.record().public.get("FailureReason", ""))
    assert (hosting.status, hosting.record().public["EndpointConfigName"]) == ("InService", "old")
    assert hosting.share("old", 20) == 1


def test_updates_that_follow_at_once_are_all_carried_out(hosting: Hosting) -> None:
    hosting.endpoint()
    for turn in range(20):
        hosting.update("new" if turn % 2 == 0 else "old")
        hosting.settle()
        assert hosting.record().public["EndpointConfigName"] == ("new" if turn % 2 == 0 else "old")
    until(lambda: len(hosting.hosts.running) == 1)


def test_no_request_fails_through_updates_and_scaling(hosting: Hosting) -> None:
    hosting.endpoint(count=2)
    stop, failures = threading.Event(), list[BaseException]()

    def traffic() -> None:
        while not stop.is_set():
            try:
                hosting.share("old", 1)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells it
                failures.append(error)

    callers = [threading.Thread(target=traffic) for _ in range(4)]
    for caller in callers:
        caller.start()
    for config, count in (("new", 3), ("old", 1), ("new", 2)):
        hosting.update(config)
        hosting.settle()
        hosting.scale(DesiredInstanceCount=count)
        hosting.settle()
    stop.set()
    for caller in callers:
        caller.join()

    assert failures == []


def test_an_alarm_that_goes_off_while_it_bakes_rolls_back(hosting: Hosting) -> None:
    hosting.endpoint(count=4)
    watched = {**canary(wait=60), "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    with pytest.raises(ApiError, match="Could not find"):
        hosting.update(DeploymentConfig=watched)
    hosting.alarms["errors"] = "OK"
    hosting.update(DeploymentConfig=watched)
    hosting.baking()
    hosting.kill()
    hosting.endpoints.start()
    hosting.baking()
    hosting.pass_by(5)
    assert hosting.status == "Updating"
    hosting.alarms["errors"] = "ALARM"
    hosting.pass_by(1)
    hosting.settle()

    assert hosting.record().public["EndpointConfigName"] == "old"
    assert "[errors] went into ALARM state" in hosting.record().public["FailureReason"]
    assert hosting.share("old") == 1
    with pytest.raises(ApiError, match="are in ALARM state"):
        hosting.update(DeploymentConfig=watched)


ROLLING: dict[str, Any] = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 10},
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
}


def running(hosting: Hosting) -> tuple[int, int]:
    """Instances of the old fleet and of the new one."""
    return len(hosting.hosts.of("old").running), len(hosting.hosts.of("new").running)


def in_the_middle(hosting: Hosting) -> None:
    """A rolling update of three instances of which one has given way, and the next one comes."""
    hosting.endpoint(count=3)
    hosting.alarms["errors"] = "OK"
    hosting.update(DeploymentConfig=ROLLING)
    hosting.baking()
    hosting.pass_by(10)
    hosting.baking()
    until(lambda: running(hosting) == (2, 2))


def test_batches_of_the_new_fleet_take_the_place_of_the_old_ones(hosting: Hosting) -> None:
    hosting.endpoint(count=3)
    hosting.alarms["errors"] = "OK"
    hosting.update(DeploymentConfig=ROLLING)
    for new in (1, 2, 3):
        hosting.baking()
        until(lambda new=new: running(hosting) == (4 - new, new))  # type: ignore[misc]  # bound now
        hosting.pass_by(10)
    hosting.settle()

    until(lambda: running(hosting) == (0, 3))
    assert hosting.share("new") == 1
    assert hosting.record().public["EndpointConfigName"] == "new"


def test_what_gave_way_in_batches_comes_up_again_where_it_is_rolled_back(hosting: Hosting) -> None:
    in_the_middle(hosting)
    hosting.kill()
    hosting.endpoints.start()
    hosting.baking()
    hosting.alarms["errors"] = "ALARM"
    hosting.pass_by(1)
    hosting.settle()

    until(lambda: running(hosting) == (3, 0))
    assert hosting.share("old") == 1
    assert hosting.record().public["EndpointConfigName"] == "old"


def test_what_comes_up_again_when_the_cloud_stops_does_so_in_the_next_one(hosting: Hosting) -> None:
    in_the_middle(hosting)
    hosting.hosts.of("old").go.clear()
    hosting.alarms["errors"] = "ALARM"
    hosting.pass_by(1)
    hosting.settle("RollingBack")
    hosting.kill()

    assert hosting.status == "RollingBack"
    hosting.endpoints.start()
    hosting.settle()
    until(lambda: running(hosting) == (3, 0))
    assert "[errors] went into ALARM state" in hosting.record().public["FailureReason"]


def test_it_comes_up_again_in_batches_where_these_have_a_size(hosting: Hosting) -> None:
    hosting.endpoint(count=4)
    hosting.alarms["errors"] = "OK"
    half = {"Type": "CAPACITY_PERCENT", "Value": 50}
    policy = {**ROLLING["RollingUpdatePolicy"], "MaximumBatchSize": half, "RollbackMaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}}  # fmt: skip
    hosting.update(DeploymentConfig={**ROLLING, "RollingUpdatePolicy": policy})
    hosting.baking()
    hosting.pass_by(10)
    until(lambda: running(hosting) == (2, 4))
    hosting.baking()
    hosting.hosts.of("old").go.clear()
    hosting.alarms["errors"] = "ALARM"
    hosting.pass_by(1)
    until(lambda: hosting.hosts.of("old").attempts == 5)  # one of the two that are missing
    hosting.hosts.of("old").go.set()
    hosting.settle()

    until(lambda: running(hosting) == (4, 0))
    assert (hosting.hosts.of("old").attempts, hosting.share("old")) == (6, 1)


def test_a_rollback_after_an_error_that_nobody_foresaw_hears_the_cloud_stop(hosting: Hosting) -> None:
    class Broken(dict[str, str]):
        def get(self, *_: Any) -> Any:
            raise KeyError("alarms")

    in_the_middle(hosting)
    hosting.hosts.of("old").go.clear()
    hosting.alarms = Broken()
    hosting.now += 10
    hosting.endpoints.rollouts.begin(NAME)
    hosting.settle("RollingBack")
    hosting.alarms = {}
    hosting.kill()  # every task ends in time

    assert hosting.status == "RollingBack"
    hosting.endpoints.start()
    hosting.settle()
    until(lambda: running(hosting) == (3, 0))
    assert "InternalServerError: KeyError" in hosting.record().public["FailureReason"]
