"""Metrics of invocations: written down before the answer, summed up a minute at a time under AWS's names, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.metrics import VARIANTS, Counted, Metrics, summaries
from fogbank.cloud.observe.points import Points, Series
from fogbank.cloud.observe.summary import Summary
from fogbank.cloud.observe.tail import ROOM
from fogbank.ground.aws import LOCAL_ACCOUNT
from tests.fakes.wall import Wall

SOURCE = Source(region="us-east-1", endpoint="ep", variant="v")


class Room:
    """Metrics on a file of points; `again` is what the next process finds."""

    def __init__(self, folder: Path, clock: Clock, points: Points) -> None:
        self.folder, self.clock, self.points = folder, clock, points
        self.again()

    def again(self) -> None:
        self.metrics = Metrics(self.folder, self.clock, self.points)

    def add(self, source: Source = SOURCE, status: int = 200, model_us: float = 1.0, config: str = "") -> None:
        self.metrics.add(Counted(source, config), status, 2, model_us, 5.0)

    def find(self, name: str, source: Source = SOURCE, config: str = "") -> dict[int, Summary]:
        """The summaries by minute."""
        like = Series(
            account=LOCAL_ACCOUNT,
            region=source.region,
            namespace="AWS/SageMaker",
            name=name,
            dimensions=(
                *((("EndpointConfigName", config),) if config else ()),
                ("EndpointName", source.endpoint),
                ("VariantName", source.variant),
            ),
            unit="",
        )
        return {point.start: point.summary for point in self.points.between(like, 0, 1e9)}

    def left(self) -> list[Path]:
        return list(self.folder.glob("*.tail"))


@pytest.fixture
def wall() -> Wall:
    return Wall(6000.0)


@pytest.fixture
def room(tmp_path: Path, wall: Wall, open_store: Callable[[Path], Store]) -> Iterator[Room]:
    with closing(Points(tmp_path / "points.db")) as points:
        yield Room(tmp_path / "metrics", Clock(open_store(tmp_path / "s.db"), wall=wall), points)


def test_values_are_summed_up_by_the_minute_of_the_clouds_clock(room: Room, wall: Wall) -> None:
    for i in range(1000):
        room.add(model_us=float(i))
    wall.now += 60
    room.add(status=500)
    room.metrics.flush()
    room.metrics.flush()

    assert [(start, s.count, s.total, s.least, s.most) for start, s in room.find("ModelLatency").items()] == [
        (6000, 1000, 499500.0, 0.0, 999.0), (6060, 1, 1.0, 1.0, 1.0),
    ]  # fmt: skip
    assert room.find("InvocationsPerInstance")[6000].total == 500.0
    assert [summary.total for summary in room.find("Invocation5XXErrors").values()] == [0.0, 1.0]
    assert room.left() == []


@pytest.mark.parametrize(
    ("status", "errors"),
    [(200, (0, 0, 0)), (404, (1, 0, 1)), (500, (0, 1, 1)), (0, (0, 1, 1)), (301, (0, 0, 1))],
)
def test_the_containers_status_decides_which_error_it_is(status: int, errors: tuple[int, int, int]) -> None:
    found = summaries([(0, 0, status, 1, 1.0, 1.0)])

    kinds = ("4XXErrors", "5XXErrors", "ModelErrors")
    assert tuple(found[f"Invocation{kind}"].total for kind in kinds) == errors
    assert {found[f"Invocation{kind}"].count for kind in kinds} == {1}


def test_variants_endpoints_and_regions_stand_apart(room: Room) -> None:
    others = [SOURCE, *(SOURCE._replace(**each) for each in ({"variant": "w"}, {"endpoint": "o"}, {"region": "eu"}))]
    for source in others:
        room.add(source)
    room.metrics.flush()

    assert [room.find("Invocations", source)[6000].total for source in others] == [1.0] * 4


def test_what_a_killed_process_counted_is_summed_up_by_the_next_and_once(room: Room) -> None:
    other = SOURCE._replace(endpoint="other")
    room.add()
    room.add(other)
    with (room.folder / VARIANTS).open("a") as file:
        file.write('["us-east-1", "ha')
    room.again()
    room.add(SOURCE._replace(endpoint="new"))
    [first, _] = sorted(room.left(), key=lambda path: path.stat().st_ino)
    kept = first.read_bytes()
    room.metrics.flush()
    assert [room.find("Invocations", source)[6000].total for source in (SOURCE, other)] == [1.0, 1.0]
    assert room.find("Invocations", SOURCE._replace(endpoint="new"))[6000].total == 1.0

    room.add()
    [last] = room.left()
    room.metrics.flush()
    last.write_bytes(kept)  # killed between the sums and the removal
    room.again()
    room.metrics.flush()
    assert room.find("Invocations")[6000].total == 2.0
    assert room.left() == []


def test_more_than_a_file_holds_are_counted_too(room: Room) -> None:
    for _ in range(ROOM + 1):
        room.add()
    assert len(room.left()) == 2
    room.metrics.flush()

    assert room.find("Invocations")[6000].total == ROOM + 1


def test_a_reset_forgets_all_of_it(room: Room) -> None:
    room.add()
    room.metrics.flush()
    room.add()
    room.metrics.reset()
    room.metrics.flush()

    assert (room.find("Invocations"), room.left()) == ({}, [])


def test_a_full_disk_stops_metrics_and_nothing_else(room: Room, said: list[str]) -> None:
    room.folder.rename(room.folder.with_name("away"))
    room.add()
    room.add()

    assert "\n".join(said).count("invocations are not counted") == 1


def test_measures_of_a_variant_are_summed_up_once_whatever_was_killed_and_forgotten_with_the_rest(room: Room) -> None:
    for value in (1.0, 3.0):
        room.metrics.measure(SOURCE, {"ModelLoadingTime": (value, "Microseconds")})
    room.add()
    room.metrics.flush()
    room.again()
    room.metrics.flush()
    assert [(summary.count, summary.total) for summary in room.find("ModelLoadingTime").values()] == [(2, 4.0)]
    assert list(room.folder.glob("*.measures")) == []

    room.metrics.measure(SOURCE, {"ModelLoadingTime": (5.0, "Microseconds")})
    room.metrics.reset()
    room.metrics.flush()
    assert room.find("ModelLoadingTime") == {}


def test_each_fleet_of_a_deployment_has_metrics_of_its_own(room: Room) -> None:
    for config, times in (("old", 3), ("new", 2)):
        for _ in range(times):
            room.add(config=config)
    room.again()
    room.add(config="new")
    room.metrics.flush()
    assert [summary.count for summary in room.find("Invocations").values()] == [6]
    assert [summary.count for summary in room.find("Invocations", config="old").values()] == [3]
    assert [summary.count for summary in room.find("Invocations", config="new").values()] == [3]


def test_a_components_are_its_own_and_what_earlier_versions_counted_is_still_a_variants(room: Room) -> None:
    (room.folder / VARIANTS).write_text('["us-east-1", "ep", "v"]\n["us-east-1", "ep", "v", "old"]\n')
    room.again()
    component = SOURCE._replace(component="c")
    room.add()
    room.add(config="old")
    room.add(component)
    room.again()
    room.add(component)
    room.metrics.flush()
    lines = (room.folder / VARIANTS).read_text().splitlines()
    assert lines[2:] == ['["us-east-1", "ep", "v", "", "c"]']
    assert [summary.count for summary in room.find("Invocations").values()] == [4]
    assert [summary.count for summary in room.find("InvocationsPerInstance").values()] == [2]
    like = Series(
        account=LOCAL_ACCOUNT, region="us-east-1", namespace="AWS/SageMaker", name="InvocationsPerCopy",
        dimensions=(("InferenceComponentName", "c"),), unit="",
    )  # fmt: skip
    assert [point.summary.total for point in room.points.between(like, 0, 1e9)] == [1.0]
