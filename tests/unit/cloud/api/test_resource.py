"""What all kinds do alike, on a kind of the test's own: one name is one record, moves follow the table, changes are events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, Resource
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Document, Store
from fogbank.contracts.status import IllegalTransitionError

US, EU = Scope("us-east-1"), Scope("eu-west-1")
LAMP = Kind(
    path="lamp",
    stem="Lamp",
    key="LampName",
    arn="LampArn",
    missing=lambda arn: not_found(f"no {arn}"),
    taken=lambda arn: validation(f"taken {arn}"),
    listing=Listing(operation="ListLamps", answer="Lamps", name="LampName", status="LampStatus"),
    status="LampStatus",
    transitions={"Off": frozenset({"On"}), "On": frozenset({"Off"})},
    summary={"Colour": "LampColour"},
)


@dataclass(frozen=True)
class Watts:
    """What only the cloud knows of a lamp."""

    watts: int = 0

    def encode(self) -> Document:
        return {"watts": self.watts}

    @classmethod
    def decode(cls, document: Document) -> Self:
        return cls(document.get("watts", 0))


class Lamps(Resource[Watts]):
    def __init__(self, store: Store) -> None:
        self.now = 100.0
        clock = Clock(store, wall=lambda: self.now)
        super().__init__(LAMP, Watts, Ground(store, clock, Events(store, clock), Runner()))

    def make(self, name: str, scope: Scope = US, watts: int = 5) -> None:
        self.add(scope, name, {"LampName": name, "LampStatus": "Off", "LampColour": "red"}, Watts(watts))


@pytest.fixture
def lamps(tmp_path: Path) -> Iterator[Lamps]:
    with closing(Store(tmp_path / "s.db")) as store:
        yield Lamps(store)


def test_described_listed_and_deleted(lamps: Lamps) -> None:
    lamps.make("Hall")
    lamps.make("Hall", EU)
    described = lamps.describe(US, {"LampName": "Hall"})

    assert described["LampArn"] == "arn:aws:sagemaker:us-east-1:123456789012:lamp/hall"
    assert (described["CreationTime"], described["LastModifiedTime"]) == (100.0, 100.0)
    [summary] = lamps.summaries(US, {"StatusEquals": "Off"})["Lamps"]
    assert summary["Colour"] == "red"
    lamps.delete(US, {"LampName": "Hall"})
    with pytest.raises(ApiError) as caught:
        lamps.describe(US, {"LampName": "Hall"})
    assert (caught.value.code, caught.value.message) == ("ResourceNotFound", f"no {described['LampArn']}")
    assert [record.region for record in lamps.all()] == ["eu-west-1"]


def test_names_that_differ_by_case_would_have_one_arn(lamps: Lamps) -> None:
    lamps.make("Hall")
    with pytest.raises(ApiError, match="taken arn:aws:sagemaker:us-east-1:123456789012:lamp/hall"):
        lamps.make("hALL")
    lamps.make("hall", EU)

    assert [record.name for record in lamps.all(US.region)] == ["Hall"]


def test_the_state_is_kept_beside_what_is_answered(lamps: Lamps) -> None:
    lamps.make("hall", watts=9)

    assert lamps.get("us-east-1", "hall").state == Watts(9)
    assert "_state" not in lamps.describe(US, {"LampName": "hall"})


def test_of_many_who_add_one_name_one_wins(lamps: Lamps) -> None:
    barrier = threading.Barrier(8)

    def race(watts: int) -> bool:
        barrier.wait(10)
        try:
            lamps.make("hall", watts=watts)
        except ApiError:
            return False
        return True

    with ThreadPoolExecutor(8) as callers:
        outcomes = list(callers.map(race, range(8)))

    assert sum(outcomes) == 1
    assert lamps.get("us-east-1", "hall").state == Watts(outcomes.index(True))


def test_changes_from_many_threads_are_all_there(lamps: Lamps) -> None:
    lamps.make("hall", watts=0)

    def brighter(_: int) -> None:
        lamps.change("us-east-1", "hall", lambda state: replace(state, watts=state.watts + 1))

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(brighter, range(80)))

    assert lamps.get("us-east-1", "hall").state == Watts(80)


def test_moves_follow_the_table_and_are_events(lamps: Lamps) -> None:
    lamps.make("hall")
    lamps.now = 200.0
    lamps.move("us-east-1", "hall", "On", lambda state: replace(state, watts=1), FailureReason="hot")
    with pytest.raises(IllegalTransitionError):
        lamps.move("us-east-1", "hall", "On")
    lamps.change("us-east-1", "hall", FailureReason=None)

    record = lamps.get("us-east-1", "hall")
    assert (record.public["LampStatus"], record.public["LastModifiedTime"], record.state) == ("On", 200.0, Watts(1))
    assert "FailureReason" not in record.public
    assert lamps.move("us-east-1", "none", "On") is None
    assert [(event.change, dict(event.detail)) for event in lamps.events.since(0)] == [
        ("Off", {}),
        ("On", {"reason": "hot"}),
    ]
