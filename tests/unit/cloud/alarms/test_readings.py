"""Whether an alarm's metric has values in a stretch of time, at the cost of what is near."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fogbank.cloud.alarms.book import Alarm
from fogbank.cloud.alarms.readings import has_points
from fogbank.cloud.observe.queries import Datapoint, Query
from fogbank.cloud.observe.summary import Summary

DAY = 86400
ALARM = Alarm(
    account="1", region="us-east-1",
    document={"AlarmName": "a", "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60},
)  # fmt: skip


class Minutes:
    """A metric with a value at each of these seconds; `read` is how many were handed out."""

    def __init__(self, seconds: Sequence[int]) -> None:
        self.seconds, self.read = seconds, 0

    def __call__(self, query: Query, statistic: str) -> Sequence[Datapoint]:
        found = [at for at in self.seconds if query.start <= at < query.end]
        self.read += len(found)
        return [Datapoint(start=at, unit="None", summary=Summary.of([1.0])) for at in found]


def test_a_full_day_is_not_read_whole() -> None:
    metric = Minutes(range(0, DAY, 60))
    assert has_points(ALARM, 0, DAY, metric)
    assert metric.read <= 60


@pytest.mark.parametrize(("at", "found"), [(0, True), (3600, True), (40_000, True), (DAY - 1, True), (DAY, False), (-60, False)])  # fmt: skip
def test_a_single_value_is_found_wherever_it_is(at: int, found: bool) -> None:
    assert has_points(ALARM, 0, DAY, Minutes([at])) is found
