"""Token buckets on a clock of the test's."""

from __future__ import annotations

from fogbank.cloud.access.throttle import Buckets


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    assert [buckets.take("a", 2, 3) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("b", 2, 3), "another key has its own"
    now[0] = 0.5
    assert [buckets.take("a", 2, 3) for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [buckets.take("a", 2, 3) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("none", 10, 0) is False
    buckets.forget("a")
    assert buckets.take("a", 2, 3)
