"""A DeploymentConfig becomes steps, as a table; a rollout lies in the store and goes on where it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.hosting.rollout import Rollout, Step, create, limit_of, replacement, resize

PERCENT, COUNT = "CAPACITY_PERCENT", "INSTANCE_COUNT"


def policy(kind: str, wait: int = 60, termination: int | None = None, **size: tuple[str, int]) -> dict[str, Any]:
    sizes = {name: {"Type": unit, "Value": value} for name, (unit, value) in size.items()}
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    given = {} if termination is None else {"TerminationWaitInSeconds": termination}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **given}}


def rolling(wait: int = 60, **size: tuple[str, int]) -> dict[str, Any]:
    sizes = {name: {"Type": unit, "Value": value} for name, (unit, value) in size.items()}
    return {"RollingUpdatePolicy": {"WaitIntervalInSeconds": wait, **sizes}}


def words(steps: tuple[Step, ...]) -> str:
    return ", ".join(
        f"{step.action} {step.percent:.4g}%" if step.percent else
        f"{step.action} {step.seconds:g} {step.why[0]}" if step.action == "bake" else step.action
        for step in steps
    )  # fmt: skip


@pytest.mark.parametrize(
    ("config", "counts", "expected"),
    [
        ({}, [1], "start, shift 100%, finish"),
        (policy("ALL_AT_ONCE"), [1], "start, shift 100%, finish"),
        (policy("ALL_AT_ONCE", termination=0), [1], "start, shift 100%, finish"),
        (policy("ALL_AT_ONCE", termination=30), [1], "start, shift 100%, bake 30 T, finish"),
        (policy("CANARY", CanarySize=(PERCENT, 10)), [1], "start, shift 10%, bake 60 W, shift 100%, finish"),
        (
            policy("CANARY", wait=5, termination=7, CanarySize=(COUNT, 1)),
            [4],
            "start, shift 25%, bake 5 W, shift 100%, bake 7 T, finish",
        ),
        (
            rolling(MaximumBatchSize=(COUNT, 1)),
            [3],
            (
                "start 33.33%, shift 33.33%, bake 60 W, shrink 66.67%, grow 66.67%, shift 66.67%, bake 60 W, shrink 33.33%, grow 100%, "
                "shift 100%, bake 60 W, finish"
            ),
        ),
        (
            rolling(MaximumBatchSize=(PERCENT, 50)),
            [3],
            "start 50%, shift 50%, bake 60 W, shrink 50%, grow 100%, shift 100%, bake 60 W, finish",
        ),
        (policy("CANARY", CanarySize=(COUNT, 1)), [2, 6], "start, shift 25%, bake 60 W, shift 100%, finish"),
        (
            policy("LINEAR", wait=1, LinearStepSize=(PERCENT, 33)),
            [3],
            "start, shift 33%, bake 1 W, shift 66%, bake 1 W, shift 99%, bake 1 W, shift 100%, finish",
        ),
        (
            policy("LINEAR", wait=1, termination=2, LinearStepSize=(COUNT, 1)),
            [3],
            "start, shift 33.33%, bake 1 W, shift 66.67%, bake 1 W, shift 100%, bake 2 T, finish",
        ),
        (
            policy("LINEAR", wait=1, LinearStepSize=(PERCENT, 50)),
            [1],
            "start, shift 50%, bake 1 W, shift 100%, finish",
        ),
    ],
)
def test_steps_of_an_update(config: dict[str, Any], counts: list[int], expected: str) -> None:
    assert words(replacement(config, counts)) == expected


def test_steps_of_a_first_fleet_and_of_other_counts() -> None:
    assert words(create()) == "start, shift 100%, finish"
    assert words(resize()) == "scale, finish"


@pytest.mark.parametrize(
    ("config", "counts", "message"),
    [
        (policy("CANARY"), [1], "CanarySize must be given"),
        (policy("LINEAR"), [1], "LinearStepSize must be given"),
        (policy("CANARY", CanarySize=(PERCENT, 51)), [1], "less than or equal to 50% of the variant's total instance count; it is 51%"),
        (policy("CANARY", CanarySize=(COUNT, 1)), [1], "less than or equal to 50%"),
        (policy("LINEAR", LinearStepSize=(PERCENT, 9)), [1], "between 10% and 50%"),
        (policy("LINEAR", LinearStepSize=(PERCENT, 10), CanarySize=(PERCENT, 10)), [1], "CanarySize must not be given"),
        (policy("ALL_AT_ONCE", CanarySize=(PERCENT, 10)), [1], "CanarySize must not be given"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(config: dict[str, Any], counts: list[int], message: str) -> None:
    with pytest.raises(ApiError, match=message):
        replacement(config, counts)


def at(index: int, since: float = 100.0, **changes: Any) -> Rollout:
    steps = replacement(policy("CANARY", termination=30, CanarySize=(PERCENT, 10)), [1])
    return Rollout(steps=steps, started=90.0, since=since, at=index, **changes)


def test_it_is_the_same_after_the_store() -> None:
    rollout = at(2, limit_s=600, reason="why")

    assert Rollout.decode(json.loads(json.dumps(rollout.encode()))) == rollout


def test_shares_bakes_and_the_deadline() -> None:
    assert [at(index).percent for index in range(6)] == [0, 0, 10, 10, 100, 100]
    assert at(2).baked_at == 160
    assert at(1, limit_s=600).deadline == 690
    assert at(1).deadline == float("inf")
    assert at(1).following(123.0) == at(2, since=123.0)
    assert limit_of({"BlueGreenUpdatePolicy": {"MaximumExecutionTimeoutInSeconds": 600}}) == 600
    assert limit_of({}) is None


@pytest.mark.parametrize(
    ("index", "now", "expected"),
    [
        (0, 120, "start, shift 10%, bake 60 W, shift 100%, bake 30 T, finish"),
        (1, 120, "start, shift 10%, bake 60 W, shift 100%, bake 30 T, finish"),
        (2, 120, "start, shift 10%, bake 40 W, shift 100%, bake 30 T, finish"),
        (2, 900, "start, shift 10%, bake 0 W, shift 100%, bake 30 T, finish"),
        (3, 120, "start, shift 10%, shift 100%, bake 30 T, finish"),
        (4, 120, "start, shift 100%, bake 10 T, finish"),
        (5, 120, "start, shift 100%, finish"),
    ],
)
def test_after_a_restart_the_new_fleet_starts_again_and_has_the_share_it_had(
    index: int, now: float, expected: str
) -> None:
    resumed = at(index).resumed(now)

    assert (words(resumed.steps), resumed.at) == (expected, 0)


def test_a_roll_back_and_a_resize_go_on_as_they_are() -> None:
    back = at(3, reason="why")
    scaling = Rollout(steps=resize(), started=0, since=0, at=1)

    assert back.resumed(200) == back
    assert scaling.resumed(200) == scaling


@pytest.mark.parametrize(
    ("index", "back", "expected"),
    [
        (0, 100, ((100, 0),)),  # it has no traffic yet
        (3, 100, ((100, 0),)),
        (3, 20, ((100, 30), (100, 10), (100, 0))),  # none of the old ones has ended
        (7, 50, ((50, 50), (100, 0))),
        (7, 25, ((50, 75), (50, 50), (75, 25), (100, 0))),
    ],
)
def test_the_way_back_of_a_rolling_update(index: int, back: float, expected: tuple[tuple[float, float], ...]) -> None:
    """start, shift 50%, bake, shrink 50%, grow 100%, shift 100%, bake, finish."""
    batch = {"MaximumBatchSize": {"Type": PERCENT, "Value": 50}, "WaitIntervalInSeconds": 1}
    steps = replacement({"RollingUpdatePolicy": batch}, [4])
    assert Rollout(steps=steps, started=0, since=0, at=index, back=back).retreat == expected
