"""Samples become points, or wait until they can; what a process took is there in the next one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.metrics import Metrics
from fogbank.cloud.observe.points import Point, Points, Series


class Full(Points):
    """A file on a disk that is full, for a while."""

    full = True

    def add(self, points: Iterable[Point], source: str = "") -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        super().add(points, source)


def test_samples_are_summed_up_and_survive_a_file_that_takes_none(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "cloud.db")) as store:
        clock, points = Clock(store, wall=lambda: 90.0), Full(tmp_path / "metrics.db")
        metrics = Metrics(tmp_path / "metrics", clock, points)
        metrics.samples.add(Source("r", "e", ""), "ApproximateBacklogSize", 3, "Count")
        metrics.samples.add(Source("r", "e", ""), "ApproximateBacklogSize", 1, "Count")
        metrics.flush()
        points.full = False
        following = Metrics(tmp_path / "metrics", clock, points)
        following.flush()
        following.flush()
        with closing(points):
            like = Series(
                account="123456789012",
                region="r",
                namespace="AWS/SageMaker",
                name="ApproximateBacklogSize",
                dimensions=(("EndpointName", "e"),),
                unit="Count",
            )
            [point] = points.between(like, 0, 1000)

    assert (point.start, point.summary.count, point.summary.total, point.summary.most) == (60, 2, 4, 3)
