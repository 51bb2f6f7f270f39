"""Measures: a line before `add` returns, a point a minute, once, whatever is killed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.observe.measures import SUFFIX, Measures, points_in

DIMENSIONS = (("VariantName", "v"), ("EndpointName", "e"))


def measures(folder: Path) -> Measures:
    return Measures(folder, cast(Clock, SimpleNamespace(epoch=lambda: 61.5)))


def test_values_of_a_minute_are_one_point_of_their_metric(tmp_path: Path) -> None:
    subject = measures(tmp_path)
    for value in (1.0, 3.0):
        subject.add("us-east-1", "AWS/SageMaker", DIMENSIONS, {"ModelLoadingTime": (value, "Microseconds")})
    [path] = subject.written()
    [point] = points_in(path)

    assert (point.start, point.summary.count, point.summary.total) == (60, 2, 4.0)
    assert point.series.dimensions == (("EndpointName", "e"), ("VariantName", "v"))
    assert point.series.unit == "Microseconds"
    subject.forget(path)
    assert (subject.written(), list(tmp_path.iterdir())) == ([], [])


def test_what_a_killed_process_left_is_found_without_its_unfinished_line(tmp_path: Path) -> None:
    killed = measures(tmp_path)
    killed.add("us-east-1", "N", DIMENSIONS, {"M": (1.0, "None")})
    killed.close()
    [left] = tmp_path.glob(f"*{SUFFIX}")
    with left.open("ab") as file:
        file.write(b'[61, "us-ea')

    [path] = measures(tmp_path).written()
    assert [point.summary.count for point in points_in(path)] == [1]


def test_a_folder_that_cannot_be_written_stops_measures_alone(tmp_path: Path) -> None:
    subject = measures(tmp_path / "none")
    subject.add("us-east-1", "N", DIMENSIONS, {"M": (1.0, "None")})

    assert subject.written() == []
