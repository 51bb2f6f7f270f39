"""How many instances a serverless variant has, on a clock that is moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Answer
from fogbank.cloud.hosting.capacity import Load
from fogbank.cloud.hosting.invocation import Invocation
from fogbank.cloud.hosting.serverless import Concurrency, ServerlessConfig
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.measures import Measures
from fogbank.cloud.observe.samples import Samples
from fogbank.contracts.container import INVOCATION_LIMIT_S
from tests.unit.cloud.hosting.conftest import REQUEST, US, Hosting
from tests.waiting import until

LOAD = Load(running=0, outstanding=0)


class World:
    def __init__(self, store: Store, measures: Measures) -> None:
        self.now = 1000.0
        clock = Clock(store, wall=lambda: self.now)
        self.samples = Samples(measures)
        config = ServerlessConfig(memory_mb=1024, most=3)
        self.concurrency = Concurrency(config, Source("r", "e", "v"), clock, self.samples, idle_s=100)

    def instances(self, at: float) -> int:
        self.now = at
        return self.concurrency.instances(LOAD)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with closing(Store(tmp_path / "cloud.db")) as store, closing(Measures(tmp_path, Clock(store))) as measures:
        yield World(store, measures)


def test_none_at_rest_one_for_each_request_and_no_more_than_may_be(world: World) -> None:
    assert world.instances(1000) == 0
    assert [world.concurrency.enter() for _ in range(4)] == [True, True, True, False]
    assert world.instances(1001) == 3
    world.concurrency.leave()
    assert world.concurrency.enter()


def test_what_is_not_needed_any_more_goes_and_what_still_is_stays(world: World) -> None:
    for _ in range(3):
        world.concurrency.enter()
    for _ in range(2):
        world.concurrency.leave()

    assert world.instances(1099) == 3
    assert world.instances(1100) == 3, "it was needed in the stretch before"
    assert world.instances(1200) == 1
    world.concurrency.leave()
    assert world.instances(5000) == 0


def test_provisioned_ones_stay_and_limits_may_change(world: World) -> None:
    world.concurrency.configure(ServerlessConfig(memory_mb=1024, most=5, provisioned=2))
    assert world.instances(9000) == 2
    assert all(world.concurrency.enter() for _ in range(5))
    assert world.instances(9001) == 5


def serverless(hosting: Hosting, most: int = 1) -> None:
    hosting.model("old")
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": most}
    variant = {"VariantName": "v", "ModelName": "old", "ServerlessConfig": config}
    hosting.configs.create(US, {"EndpointConfigName": "c", "ProductionVariants": [variant]})
    hosting.create("c")
    hosting.settle()


def test_a_cold_start_that_fails_is_told_to_its_caller_and_the_next_one_is_let_in(hosting: Hosting) -> None:
    serverless(hosting)
    assert hosting.hosts.running == []
    hosting.hosts.of("old").failure = "no handler"
    for _ in range(3):
        answer = hosting.ask(REQUEST)
        assert answer.status == 424
        assert "no handler" in json.loads(answer.body)["OriginalMessage"]
    hosting.hosts.of("old").failure = None
    stage = hosting.endpoints.stages.find(("us-east-1", "e"))
    assert stage is not None
    assert stage.live is not None
    stage.live.provision(hosting.record().state.live)  # type: ignore[arg-type]  # it is InService

    assert hosting.ask(REQUEST).body == b"old:x"


def test_an_instance_that_does_not_come_in_time_is_not_ready(hosting: Hosting) -> None:
    serverless(hosting)
    hosting.hosts.of("old").go.clear()
    answer: Future[Answer] = Future()
    invocation = Invocation(REQUEST, {}, hosting.runtime, answer.set_result)
    invocation.started -= INVOCATION_LIMIT_S
    hosting.loop.call_soon_threadsafe(invocation.begin)

    assert answer.result(20).status == 429
    assert answer.result().headers["x-amzn-ErrorType"] == "ModelNotReadyException"
    hosting.hosts.of("old").go.set()
    until(lambda: len(hosting.hosts.running) == 1)
    assert hosting.ask(REQUEST).status == 200, "who has given up is not counted any more"


def test_an_update_from_one_serverless_configuration_to_another_lets_nobody_wait_for_the_old(hosting: Hosting) -> None:
    serverless(hosting)
    assert hosting.ask(REQUEST).body == b"old:x"
    hosting.model("new")
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
    variant = {"VariantName": "v", "ModelName": "new", "ServerlessConfig": config}
    hosting.configs.create(US, {"EndpointConfigName": "new", "ProductionVariants": [variant]})
    hosting.update("new")
    hosting.settle()

    assert hosting.ask(REQUEST).body == b"new:x"
    assert hosting.describe()["ProductionVariants"][0]["CurrentServerlessConfig"] == config
    until(lambda: hosting.hosts.of("old").running == [])


def test_a_body_over_four_megabytes_is_refused(hosting: Hosting) -> None:
    serverless(hosting)
    body = type(REQUEST.payload).of(b"x" * (4 * 1024 * 1024 + 1))
    answer = hosting.ask(
        REQUEST.__class__(method="POST", path=REQUEST.path, query="", headers=REQUEST.headers, payload=body)
    )

    assert answer.status == 400
    assert "is over the limit of 4194304 bytes" in json.loads(answer.body)["message"]


def test_an_idle_instance_goes_with_the_clock(hosting: Hosting) -> None:
    serverless(hosting)
    assert hosting.ask(REQUEST).status == 200
    assert len(hosting.hosts.running) == 1
    hosting.now += 10_000
    hosting.endpoints.stages.adjust()
    until(lambda: hosting.hosts.running == [])
