"""What instances use, by looks at a process whose use is known."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from fogbank.cloud.hosting.component import MEBIBYTE
from fogbank.cloud.hosting.instance_sizes import Size
from fogbank.cloud.hosting.utilisation import COMPONENTS, ENDPOINTS, Utilisation, normalised
from fogbank.cloud.observe.points import Points, Series
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.ground.processes import cpu_seconds, total_memory


@dataclass(frozen=True)
class Running:
    log: Path
    home: Path
    pid: int = os.getpid()


@pytest.fixture
def points(tmp_path: Path) -> Iterator[Points]:
    with closing(Points(tmp_path / "metrics.db")) as points:
        yield points


def values(points: Points, name: str) -> list[tuple[float, float]]:
    """(number, mean) of each minute."""
    like = Series(
        account=LOCAL_ACCOUNT, region="us-east-1", namespace=ENDPOINTS, name=name,
        dimensions=(("EndpointName", "e"), ("VariantName", "v")), unit="Percent",
    )  # fmt: skip
    return [(each.summary.count, each.summary.total / each.summary.count) for each in points.between(like, 0, 1e12)]


def test_cpu_is_what_was_used_between_two_looks_and_processors_are_summed_up(tmp_path: Path, points: Points) -> None:
    now, used = [0.0], [7.0]
    looks = Utilisation(tmp_path / "logs", points, lambda: 120.0, lambda _: used[0], lambda: now[0])
    instance = Running(tmp_path / "logs/endpoints/us-east-1/e/v/i-1.log", tmp_path)
    looks.look([instance])
    assert values(points, "CPUUtilization") == []
    now[0], used[0] = 10.0, 22.0
    looks.look([instance])
    assert values(points, "CPUUtilization") == [(1, 150.0)]
    [(count, memory)] = values(points, "MemoryUtilization")
    assert (count, 0 < memory < 100) == (2, True)
    [(_, disk)] = values(points, "DiskUtilization")
    assert 0 < disk <= 100


def test_jobs_and_strangers_are_not_the_endpoints(tmp_path: Path, points: Points) -> None:
    looks = Utilisation(tmp_path / "logs", points, lambda: 120.0)
    looks.look([Running(tmp_path / "logs/transform/j.log", tmp_path), Running(Path("/elsewhere/i.log"), tmp_path)])
    assert points.known(LOCAL_ACCOUNT, "us-east-1", 0) == []


def test_this_process_has_used_its_processor() -> None:
    before = cpu_seconds(os.getpid())
    while cpu_seconds(os.getpid()) == before:
        sum(range(100_000))
    assert cpu_seconds(os.getpid()) > before


def test_a_copy_is_measured_against_what_is_reserved_for_it(tmp_path: Path, points: Points) -> None:
    size = Size(cores=0.5, memory_mb=total_memory() / MEBIBYTE / 2)
    now, used = [0.0], [7.0]
    looks = Utilisation(
        tmp_path / "logs", points, lambda: 120.0, lambda _: used[0], lambda: now[0], lambda _region, _name: size
    )
    copy = Running(tmp_path / "logs/components/us-east-1/c/v/i-1.log", tmp_path)
    looks.look([copy])
    now[0], used[0] = 10.0, 8.0
    looks.look([copy])
    like = Series(
        account=LOCAL_ACCOUNT, region="us-east-1", namespace=COMPONENTS, name="CPUUtilizationNormalized",
        dimensions=(("InferenceComponentName", "c"),), unit="Percent",
    )  # fmt: skip
    [found] = points.between(like, 0, 1e12)
    assert found.summary.total == 20.0
    assert normalised({"MemoryUtilization": 10.0, "CPUUtilization": 500.0}, size) == {
        "MemoryUtilizationNormalized": pytest.approx(20.0),
        "CPUUtilizationNormalized": 100.0,
    }
    assert normalised({"MemoryUtilization": 10.0}, None) == {"MemoryUtilizationNormalized": 10.0}
