"""Points: what is added is added up, accounts, regions and units stand apart, and age makes them coarser and lets them go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.cloud.observe.points import DAY_S, Point, Points, Series
from fogbank.cloud.observe.summary import Summary

SERIES = Series(account="1", region="r", namespace="n", name="m", dimensions=(("a", "b"),), unit="Count")
NOW = 1_000 * DAY_S


class Busy(Points):
    """One to which points come between its transactions: before each the next of `coming`."""

    coming: Iterator[Point] = iter(())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        coming, self.coming = self.coming, iter(())
        if (point := next(coming, None)) is not None:
            self.add([point])
        self.coming = coming
        with super()._transaction():
            yield


@pytest.fixture
def points(tmp_path: Path) -> Iterator[Points]:
    with closing(Points(tmp_path / "points.db")) as points:
        yield points


def point(start: int, *values: float, series: Series = SERIES, seconds: int = 60) -> Point:
    return Point(series=series, seconds=seconds, start=start, summary=Summary.of(list(values or (1.0,))))


def found(points: Points, like: Series = SERIES) -> list[tuple[int, int, float]]:
    return [(each.seconds, each.start, each.summary.total) for each in points.between(like, 0, NOW + 1)]


def test_what_is_added_to_a_minute_is_added_up_and_a_source_counts_once(points: Points) -> None:
    points.add([point(0, 1.0, 2.0), point(60, 4.0)])
    for source in ("x", "x", "y", "y"):
        points.add([point(0, 8.0)], source=source)

    assert found(points) == [(60, 0, 19.0), (60, 60, 4.0)]
    assert points.between(SERIES, 0, 60)[0].summary.buckets == Summary.of([1.0, 2.0, 8.0, 8.0]).buckets


def test_series_stand_apart(points: Points) -> None:
    others = [
        replace(SERIES, account="other"),
        replace(SERIES, region="other"),
        replace(SERIES, namespace="other"),
        replace(SERIES, name="other"),
        replace(SERIES, unit="other"),
        replace(SERIES, dimensions=()),
    ]
    points.add([point(0, float(number), series=series) for number, series in enumerate(others, 2)])
    points.add([point(0, 1.0)])

    assert [found(points, series)[0][2] for series in [SERIES, *others]] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert {each.series.unit for each in points.between(replace(SERIES, unit=""), 0, 1)} == {"Count", "other"}
    assert [series.name for series in points.known("1", "r", 0, "n")] == ["other", "m", "m"]
    assert points.known("1", "r", 61) == []


def test_age_makes_points_coarser_and_lets_them_go(points: Points) -> None:
    ages = {1: 4 * 3600, 60: 16 * DAY_S, 300: 64 * DAY_S, 3600: 456 * DAY_S}
    for seconds, age in ages.items():
        begin = (NOW - age) // 3600 * 3600
        points.add([point(begin + seconds * step, 1.0, seconds=seconds) for step in range(2)])
    points.add([point(NOW - 60, 32.0)])
    points.age(NOW)
    whole = {
        seconds: sum(total for each, _, total in found(points) if each == seconds) for seconds in (1, 60, 300, 3600)
    }

    assert whole == {1: 0, 60: 34.0, 300: 2.0, 3600: 2.0}
    points.age(NOW + 500 * DAY_S)
    assert found(points) == []
    assert points.known("1", "r", 0) == []


def test_hours_that_are_over_are_read_as_one_and_nothing_is_lost_or_doubled(points: Points) -> None:
    began = NOW - 3 * 3600
    points.add([point(began + 60 * minute, float(minute + 1)) for minute in range(150)])

    def hours(end: int = NOW, period: int = 3600) -> list[tuple[int, float, float | None]]:
        read = points.between(SERIES, began, end, period)
        return [(each.start - began, each.summary.total, each.summary.statistic("p50")) for each in read]

    before, by_days = hours(), hours(period=7200)
    points.age(NOW - 3600 + 60)  # two of the three are over

    assert hours() == before
    assert hours(period=7200) == by_days
    assert hours(began + 3600 + 600)[1][:2] == (3600, float(sum(range(61, 71)))), (
        "an hour that is cut is read by its minutes"
    )
    assert points.between(SERIES, began, NOW, 3600)[0].seconds == 3600
    points.add([point(began + 30, 1000.0, seconds=1), point(NOW - 60, 2000.0)])
    assert [total for _, total, _ in hours()] == [before[0][1] + 1000, before[1][1], before[2][1] + 2000], (
        "what comes late counts"
    )
    points.age(NOW + 100 * DAY_S)
    assert [total for _, total, _ in hours()] == [before[0][1] + 1000, before[1][1], before[2][1] + 2000]


def test_a_point_that_comes_to_an_idle_hour_while_hours_are_summed_up_counts(tmp_path: Path) -> None:
    began = NOW - 10 * 3600
    with closing(Busy(tmp_path / "points.db")) as points:
        points.add([point(began + hour * 3600) for hour in (3, 7)])
        ageing, idle = (
            [3] * 4,
            [1, 5, 9, 2],
        )  # four steps of the ladder; hours below the next sum each, and one that is late
        points.coming = iter([point(began + hour * 3600) for hour in (*ageing, *idle)])
        points.age(NOW)
        hours = points.between(SERIES, began, NOW, 3600)

    assert [((each.start - began) // 3600, each.summary.total) for each in hours] == [
        (1, 1.0), (2, 1.0), (3, 5.0), (5, 1.0), (7, 1.0), (9, 1.0)
    ]  # fmt: skip


def test_all_or_nothing_is_added_and_it_is_there_for_the_next(points: Points, tmp_path: Path) -> None:
    points.add([point(0, 1.0)])
    bad = replace(point(0), summary=Summary(buckets={1 << 20: 1.0}))
    with pytest.raises(OverflowError):
        points.add([point(0, 1.0), bad])
    with closing(Points(tmp_path / "points.db")) as again:
        assert found(again) == [(60, 0, 1.0)]
    points.clear()
    assert found(points) == []


def test_a_file_that_is_none_is_put_aside(tmp_path: Path, said: list[str]) -> None:
    file = tmp_path / "points.db"
    file.write_bytes(b"not a database, and long enough to be taken for one" * 100)
    with closing(Points(file)) as points:
        points.add([point(0, 1.0)])
        assert found(points) == [(60, 0, 1.0)]

    assert "metrics begin anew: points.db is damaged" in "\n".join(said)
    assert file.with_suffix(".damaged").read_bytes().startswith(b"not a database")
