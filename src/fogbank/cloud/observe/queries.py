"""What is asked of metrics: statistics of a metric, period by period.

In: points, from whoever has them; out: CloudWatch's datapoints. A period begins at the start of the stretch that is asked for, which is a
whole second, minute, five minutes or hour as CloudWatch rounds it. Source: CloudWatch API Reference, GetMetricStatistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fogbank.cloud.observe.points import DAY_S, MINUTE, Point, Series
from fogbank.cloud.observe.summary import Summary

SHORT_PERIODS = frozenset({1, 5, 10, 30})
ROUNDED = ((63 * DAY_S, 3600), (15 * DAY_S, 300), (0, MINUTE))
"""A stretch that begins so long ago begins at a whole multiple of so many seconds."""


class Between(Protocol):
    """Whoever has points."""

    def __call__(self, like: Series, start: int, end: float, period: int, *, histograms: bool) -> Sequence[Point]:
        """Those of a metric that begin in a stretch of time, by periods or finer; of every unit where `like` has none."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A metric (`like.unit` is empty for every unit), a stretch of time in seconds since 1970, and the seconds of a period."""

    like: Series
    start: float
    end: float
    period: int


@dataclass(frozen=True, kw_only=True)
class Datapoint:
    """A period from `start` on, of one unit."""

    start: int
    unit: str
    summary: Summary


def datapoints(query: Query, sources: Iterable[Between], now: float, *, histograms: bool) -> list[Datapoint]:
    """The periods that have values, the earliest first; units stand apart. Percentiles want histograms. The points are used up."""
    first = rounded(query.start, query.period, now)
    sums: dict[tuple[int, str], Summary] = {}
    for between in sources:
        for point in between(query.like, first, query.end, query.period, histograms=histograms):
            start = first + (point.start - first) // query.period * query.period
            earlier = sums.setdefault((start, point.series.unit), point.summary)
            if earlier is not point.summary:
                earlier.add(point.summary)
    return [
        Datapoint(start=start, unit=unit, summary=summary) for (start, unit), summary in sorted(sums.items(), key=_key)
    ]


def rounded(start: float, period: int, now: float) -> int:
    """Where the first period begins."""
    whole = period if period in SHORT_PERIODS else next(step for ago, step in ROUNDED if now - start >= ago or not ago)
    return int(start // whole * whole)


def _key(item: tuple[tuple[int, str], Summary]) -> tuple[int, str]:
    return item[0]
