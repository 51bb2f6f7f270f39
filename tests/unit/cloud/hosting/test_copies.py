"""The copies that run, on instances in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store
from fogbank.cloud.hosting.component import Part
from fogbank.cloud.hosting.copies import Copies, Site, Slot
from fogbank.cloud.hosting.deployment import Deployment
from fogbank.cloud.hosting.fleet import Yard
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.stages import ComingError
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.measures import Measures
from fogbank.cloud.observe.samples import Samples
from tests.fakes.instances import FakeHosts
from tests.waiting import until

NAME = ("us-east-1", "c")
ITEM = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
CONFIG = {"EndpointConfigName": "bare", "ProductionVariants": [ITEM]}
SITE = Site(source=Source("us-east-1", "e", "v", "c"), deployment=Deployment.of(CONFIG, {}, 0.0), item=ITEM)
REQUIRED = {"ComputeResourceRequirements": {"MinMemoryRequiredInMb": 128}}


def part(model: str = "old", copies: int = 1) -> Part:
    return Part(specification={"ModelName": model, **REQUIRED}, model={"ModelName": model}, copies=copies, taken=0.0)


class Room:
    """Copies, and the hosts of their models."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.hosts, self.runner = FakeHosts(), Runner()
        clock = Clock(store)
        samples = Samples(Measures(folder, clock))
        yard = Yard(hosts=self.hosts, runner=self.runner, events=Events(store, clock), clock=clock, samples=samples)
        self.copies = Copies(lambda: yard)

    @property
    def slot(self) -> Slot:
        return self.copies.slot(NAME)

    def bring(self, wanted: Part, site: Site = SITE) -> None:
        self.copies.bring(self.slot, wanted, site, threading.Event())


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with closing(Store(tmp_path / "cloud.db")) as store:
        room = Room(store, tmp_path)
        yield room
        assert room.runner.close(20)


def test_other_numbers_are_the_same_pool_and_another_specification_is_another(room: Room) -> None:
    room.bring(part(copies=2))
    first = room.copies.find(NAME)
    room.bring(part(copies=1))
    second = room.copies.find(NAME)
    assert first is not None
    assert second is not None
    assert (second.variant, second.part.copies) == (first.variant, 1)
    room.bring(part("new"))
    third = room.copies.find(NAME)
    assert third is not None
    assert third.variant is not first.variant
    until(lambda: not room.hosts.of("old").running)
    other = replace(SITE, deployment=Deployment.of({**CONFIG, "EndpointConfigName": "other"}, {}, 0.0))
    room.bring(part("new"), other)
    until(lambda: len(room.hosts.of("new").running) == 1)
    assert len(room.hosts.of("new").started) == 2


def test_what_does_not_come_leaves_what_there_is(room: Room) -> None:
    room.bring(part())
    room.hosts.of("old").failure = room.hosts.of("new").failure = "no handler"
    for wanted in (part(copies=2), part("new")):
        with pytest.raises(StartError, match="no handler"):
            room.bring(wanted)
    serving = room.copies.find(NAME)
    assert serving is not None
    assert (serving.part, room.copies.running(NAME)) == (part(), 1)


def test_a_slot_that_is_closed_ends_what_comes_too(room: Room) -> None:
    room.bring(part())
    room.hosts.of("new").go.clear()
    slot = room.slot

    def close(_: threading.Event) -> None:
        until(lambda: room.hosts.of("new").attempts == 1)
        room.copies.close(slot)

    room.runner.begin(("close",), close)
    with pytest.raises(StartError, match="stopped while it started"):
        room.copies.bring(slot, part("new"), SITE, threading.Event())
    until(lambda: room.hosts.running == [])
    assert room.copies.find(NAME) is None


def test_who_asks_while_it_comes_up_again_is_told_to_wait(room: Room) -> None:
    room.copies.expect(NAME)
    with pytest.raises(ComingError):
        room.copies.find(NAME)
    room.copies.arrived(NAME)
    assert room.copies.find(NAME) is None
