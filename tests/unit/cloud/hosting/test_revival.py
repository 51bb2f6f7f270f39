"""A cloud that was killed serves again what it served, and goes on with what it did."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fogbank.cloud.api.resource import Ground, Record, Resource
from fogbank.cloud.hosting.deployment import EndpointState
from fogbank.cloud.hosting.endpoints import ENDPOINT
from fogbank.cloud.hosting.revival import Revival
from fogbank.cloud.hosting.stages import Name
from tests.unit.cloud.hosting.conftest import NAME, US, Hosting
from tests.unit.cloud.hosting.test_rollouts import canary
from tests.waiting import until


def test_counts_and_weights_are_what_calls_made_of_them(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.scale(DesiredWeight=7, DesiredInstanceCount=3)
    hosting.settle()
    hosting.kill()
    hosting.endpoints.start()
    hosting.settle()

    variant = hosting.describe()["ProductionVariants"][0]
    assert (variant["DesiredWeight"], variant["CurrentInstanceCount"]) == (7, 3)
    assert len(hosting.hosts.of("old").running) == 3
    assert hosting.changes("endpoint")[-2:] == ["SystemUpdating", "InService"]


def test_who_asks_while_it_comes_up_waits_for_it(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.kill()
    hosting.hosts.of("old").go.clear()
    hosting.endpoints.start()
    assert hosting.endpoints.stages.coming() == [NAME]
    assert (hosting.status, hosting.endpoints.starting()) == ("SystemUpdating", ["e"])
    hosting.runner.submit(("go",), lambda _: hosting.hosts.of("old").go.set())

    assert hosting.share("old") == 1
    until(lambda: hosting.endpoints.stages.coming() == [])


@pytest.mark.parametrize("step", ["start", "canary", "termination"])
def test_killed_in_the_middle_of_an_update_the_old_one_serves_and_it_goes_on(hosting: Hosting, step: str) -> None:
    hosting.endpoint()
    if step == "start":
        hosting.hosts.of("new").go.clear()
    hosting.update(DeploymentConfig=canary(wait=60, termination=30))
    if step == "start":
        until(lambda: hosting.hosts.of("new").attempts == 1)
    else:
        hosting.baking()
    if step == "termination":
        hosting.pass_by(60)
        hosting.baking()
    hosting.now += 10
    hosting.kill()
    hosting.hosts.of("new").go.clear()
    hosting.endpoints.start()
    until(lambda: hosting.hosts.of("new").attempts == 1)
    assert (hosting.status, hosting.share("old")) == ("Updating", 1)

    hosting.hosts.of("new").go.set()
    hosting.baking()
    [(moment, _)] = hosting.endpoints.rollouts.moments()
    assert moment == {"start": 1070, "canary": 1060, "termination": 1090}[step], "what is left of the bake is left"
    assert hosting.status == "Updating"
    for _ in range(2):
        hosting.pass_by(120)
        until(lambda: hosting.status == "InService" or hosting.endpoints.rollouts.moments())
    hosting.settle()
    assert hosting.share("new") == 1


def test_killed_in_the_middle_of_a_scale_out(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.hosts.of("old").go.clear()
    hosting.scale(DesiredInstanceCount=3)
    hosting.kill()
    hosting.endpoints.start()
    hosting.settle()

    assert len(hosting.hosts.of("old").running) == 3


def test_killed_while_creating_and_while_deleting(hosting: Hosting) -> None:
    hosting.model("old")
    hosting.config("old", ("v", "old", 1, 1.0))
    hosting.hosts.of("old").go.clear()
    hosting.create("old")
    hosting.kill()
    hosting.endpoints.start()
    hosting.settle()

    instance = hosting.hosts.of("old").running[0]
    router = hosting.endpoints.router(*NAME)
    assert router is not None
    seat = router.pick().pool.take()
    assert seat is not None
    hosting.endpoints.delete(US, {"EndpointName": "e"})
    assert hosting.status == "Deleting"
    assert hosting.endpoints.router(*NAME) is None
    router.pick().pool.leave(seat)
    until(instance.stopped.is_set)
    until(lambda: hosting.endpoints.find(*NAME) is None)

    hosting.create("old")
    hosting.settle()
    hosting.endpoints.move(*NAME, "Deleting")
    hosting.kill()
    hosting.endpoints.start()
    assert hosting.endpoints.find(*NAME) is None


def test_killed_while_rolling_back(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.update(DeploymentConfig=canary())
    hosting.baking()
    state = hosting.record().state
    assert state.rollout is not None
    rollout = json.loads(json.dumps(state.rollout.encode() | {"reason": "it was slow"}))
    hosting.kill()
    document = hosting.store.get("endpoint", *NAME)
    assert document is not None
    hosting.store.put(
        "endpoint",
        *NAME,
        {**document, "EndpointStatus": "RollingBack", "_state": {**document["_state"], "rollout": rollout}},
    )
    hosting.endpoints.start()
    hosting.settle()

    assert hosting.record().public["FailureReason"] == "it was slow"
    assert hosting.share("old") == 1
    assert hosting.hosts.of("new").attempts == 0


def test_what_does_not_come_up_is_out_of_service_and_is_tried_again(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.kill()
    hosting.hosts.of("old").failure = "the data is gone"
    hosting.endpoints.start()
    hosting.settle("OutOfService")
    assert hosting.record().public["FailureReason"] == "production variant v: the data is gone"
    assert hosting.endpoints.router(*NAME) is None
    assert hosting.endpoints.stages.coming() == []

    hosting.kill()
    hosting.endpoints.start()
    hosting.settle()
    assert "FailureReason" not in hosting.record().public


class Heard(Resource[EndpointState]):
    """The endpoints' records; `expected` is who was said to come up again when one of them was said to be out of service."""

    expected: list[Name]

    def __init__(self, hosting: Hosting) -> None:
        super().__init__(ENDPOINT, EndpointState, Ground(hosting.store, hosting.clock, hosting.events, hosting.runner))
        self._stages = hosting.endpoints.stages

    def move(
        self,
        region: str,
        name: str,
        status: str,
        state: Callable[[EndpointState], EndpointState] | None = None,
        **members: Any,
    ) -> Record[EndpointState] | None:
        """As ever."""
        if status == "OutOfService":
            self.expected = self._stages.coming()
        return super().move(region, name, status, state, **members)


def test_what_is_said_to_be_out_of_service_is_not_said_to_come(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.kill()
    hosting.hosts.of("old").failure = "the data is gone"
    records, room = Heard(hosting), hosting.endpoints
    Revival(records, room.stages, room.rollouts, hosting.models, hosting.runner).begin()
    hosting.settle("OutOfService")

    assert records.expected == []


def test_an_endpoint_outlives_its_model_and_its_configuration(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.models.delete(US, {"ModelName": "old"})
    hosting.configs.delete(US, {"EndpointConfigName": "old"})
    hosting.kill()
    hosting.endpoints.start()
    hosting.settle()

    assert hosting.share("old") == 1


@pytest.mark.parametrize(
    ("status", "pending"), [("InService", False), ("Updating", False), ("Updating", True), ("Creating", False)]
)
def test_documents_of_version_1(hosting: Hosting, status: str, *, pending: bool) -> None:
    hosting.endpoint()
    hosting.kill()
    config, other = (hosting.configs.get("us-east-1", name).public for name in ("old", "new"))
    document = hosting.store.get("endpoint", *NAME)
    assert document is not None
    state = {"region": "us-east-1", "config": config, "pending": other if pending else None, "weights": {"v": 3.0}}
    hosting.store.put("endpoint", *NAME, {**document, "EndpointStatus": status, "_state": state})
    hosting.endpoints.start()
    until(lambda: hosting.record().public["EndpointConfigName"] == ("new" if pending else "old"))
    hosting.settle()

    assert hosting.share("new" if pending else "old") == 1
    if not pending:
        assert hosting.describe()["ProductionVariants"][0]["DesiredWeight"] == 3.0
