"""Room on the instances of an endpoint: who lives there, and what managed instances follow."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import Ground, Record, Resource
from fogbank.cloud.hosting.component import ComponentState
from fogbank.cloud.hosting.components import COMPONENT
from fogbank.cloud.hosting.housing import Housing, item_of, lives_on, needs
from fogbank.cloud.hosting.placement import NO_ROOM
from tests.unit.cloud.hosting.conftest import Hosting
from tests.unit.cloud.hosting.test_components import MANAGED, create, endpoint, instances, settled, update
from tests.waiting import until


def test_managed_instances_follow_the_copies(hosting: Hosting) -> None:
    endpoint(hosting, ManagedInstanceScaling=MANAGED)
    create(hosting, copies=2, cores=2)
    settled(hosting)
    assert instances(hosting) == (2, 2)
    update(hosting, copies=1)
    settled(hosting)
    until(lambda: instances(hosting) == (1, 1))
    create(hosting, "d", copies=3, cores=2)
    assert settled(hosting, "d")["FailureReason"] == NO_ROOM
    assert instances(hosting) == (1, 1)
    assert hosting.describe()["ProductionVariants"][0]["ManagedInstanceScaling"] == MANAGED


def test_instances_that_copies_need_are_not_taken_from_them(hosting: Hosting) -> None:
    endpoint(hosting, count=2)
    create(hosting, copies=2, cores=2)
    settled(hosting)
    with pytest.raises(ApiError, match="not enough hardware resources"):
        hosting.scale(DesiredInstanceCount=1)
    hosting.scale(DesiredInstanceCount=3)
    hosting.settle()
    assert instances(hosting) == (3, 3)


def test_managed_instances_go_to_none_and_come_back_with_a_copy(hosting: Hosting) -> None:
    endpoint(hosting, ManagedInstanceScaling={**MANAGED, "MinInstanceCount": 0})
    create(hosting)
    settled(hosting)
    update(hosting, copies=0)
    settled(hosting)
    until(lambda: instances(hosting) == (0, 0))
    update(hosting, copies=1)
    settled(hosting)
    assert instances(hosting) == (1, 1)


class Slow(Resource[ComponentState]):
    """The components' records and their lock; whoever looks through them is overtaken by `meanwhile`, where nothing keeps that waiting."""

    def __init__(self, hosting: Hosting, meanwhile: Callable[[], None]) -> None:
        super().__init__(
            COMPONENT, ComponentState, Ground(hosting.store, hosting.clock, hosting.events, hosting.runner)
        )
        self.lock = hosting.components.lock
        self.other = threading.Thread(target=meanwhile)

    def all(self, region: str | None = None) -> list[Record[ComponentState]]:
        """As ever, and old by the time that they are here."""
        found = super().all(region)
        self.other.start()
        self.other.join(0.2)
        return found


def test_a_component_made_while_instances_are_given_back_keeps_those_that_it_needs(hosting: Hosting) -> None:
    endpoint(hosting, ManagedInstanceScaling=MANAGED)
    create(hosting, cores=2)
    settled(hosting)
    hosting.endpoints.set_instances("us-east-1", "e", "v", 2)
    records = Slow(hosting, lambda: create(hosting, "d", cores=2))
    Housing(records, hosting.endpoints).release("us-east-1", "e", "v")
    records.other.join(20)

    assert settled(hosting, "d")["InferenceComponentStatus"] == "InService"
    assert instances(hosting) == (2, 2)


def test_who_failed_or_goes_takes_no_room_and_the_oldest_is_the_first(hosting: Hosting) -> None:
    endpoint(hosting)
    housing = Housing(hosting.components, hosting.endpoints)
    for name, cores in (("b", 1.0), ("a", 0.5), ("large", 9.0)):
        hosting.now += 1
        create(hosting, name, cores=cores)
        settled(hosting, name)
    hosted = housing.hosted("us-east-1", "e")
    assert [each.name for each in hosted] == ["a", "b"]
    assert [need.size.cores for need in needs(hosted, "v")] == [1.0, 0.5]
    assert needs(hosted, "w") == []
    assert all(lives_on(each, hosting.record()) for each in hosted)
    assert item_of(hosting.record(), "v")["InstanceType"] == "ml.m5.large"
    assert housing.hosted("eu-west-1", "e") == []
    with pytest.raises(ApiError, match='Could not find variant "w"'):
        item_of(hosting.record(), "w")
