"""A variant that runs: its instances, and the event of what becomes of each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store
from fogbank.cloud.hosting.address import Address
from fogbank.cloud.hosting.capacity import Provisioned
from fogbank.cloud.hosting.variant import Variant, VariantPlan
from fogbank.cloud.observe.capture import Source
from tests.fakes.instances import FakeHost, FakeInstance
from tests.waiting import until

PLAN = VariantPlan(
    source=Source(region="eu-west-1", endpoint="e", variant="v"),
    config_name="c",
    capacity=Provisioned(1),
    strategy="RANDOM",
    address=Address(many={"primary": False}),
)


class Running:
    def __init__(self, store: Store) -> None:
        self.host, self.runner = FakeHost(), Runner()
        self.events = Events(store, Clock(store))
        self.variant = Variant(PLAN, self.host, self.runner, self.events)
        self.variant.pool.adjust()
        self.variant.pool.wait(threading.Event())

    @property
    def instance(self) -> FakeInstance:
        return self.host.started[-1]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with closing(Store(tmp_path / "s.db")) as store:
        running = Running(store)
        yield running
        assert running.runner.close(20)


def test_what_becomes_of_an_instance_is_told_as_its_variants(running: Running) -> None:
    first = running.instance
    first.die()
    running.variant.pool.adjust()
    until(lambda: [event.change for event in running.events.since(0)] == ["Started", "Died", "Replaced"])

    replaced = running.events.since(2)[0]
    assert running.variant.name == "v"
    assert (replaced.topic, replaced.region, replaced.name) == ("instance", "eu-west-1", "e")
    assert replaced.detail == {"variant": "v", "config": "c", "instance": running.instance.id, "dead": first.id}
