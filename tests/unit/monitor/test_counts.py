"""Counts of texts: exact while they are few, within their bounds when they are many."""

from __future__ import annotations

from collections import Counter

import numpy as np

from fogbank.monitor.counts import CAPACITY, Distinct, Frequent


def test_the_frequent_are_kept_whatever_comes_between() -> None:
    one, two = Frequent(), Frequent()
    for part, frequent in enumerate((one, two)):
        frequent.add(Counter({"often": 5000}))
        for chunk in range(4):
            frequent.add(Counter(f"{part}/{chunk}/{i}" for i in range(3000)))
    one.merge(two)

    assert len(one.most(10 * CAPACITY)) <= 2 * CAPACITY
    [(text, count)] = one.most(1)
    assert (text, 10_000 - one.error <= count <= 10_000) == ("often", True)
    assert one.error <= (10_000 + 24_000) / CAPACITY


def test_the_frequent_of_many_numbers_are_within_their_bound() -> None:
    g, frequent, total = np.random.default_rng(3), Frequent(), 0
    for _ in range(5):
        values = np.sort(np.concatenate([np.full(900, 7.0), g.integers(100, 9000, size=20_000)]).astype(float))
        frequent.add_numbers(values)
        total += len(values)

    [(text, count)] = frequent.most(1)
    assert (text, 4500 - frequent.error <= count <= 4500) == ("7", True)
    assert frequent.error <= total / CAPACITY


def test_numbers_are_counted_under_one_text() -> None:
    frequent = Frequent()
    frequent.add_numbers(np.sort(np.array([1.0, 1.0, 0.5])))

    assert frequent.most(9) == [("1", 2), ("0.5", 1)]
    assert frequent.within(["1", "1", "gone"]) == 2


def test_different_values_are_counted_once_by_every_part() -> None:
    one, two = Distinct(), Distinct()
    one.add_numbers(np.array([1.0, -0.0, 0.0]))
    two.add_texts(["a", "b", "\ud800"])
    two.add_numbers(np.array([1.0]))
    one.merge(two)

    assert one.count() == 5
    one.add_numbers(np.arange(100_000, dtype=float))
    assert abs(one.count() / 100_003 - 1) < 0.05
