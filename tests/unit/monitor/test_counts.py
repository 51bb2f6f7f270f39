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


def test_numbers_and_texts_are_counted_together() -> None:
    one, two = Frequent(), Frequent()
    one.add_numbers(np.array([1.0, 1.0, 2.0]))
    two.add_numbers(np.array([-0.0, 1.0]))
    two.merge(one)
    two.add(Counter({"1": 4, "x": 1}))
    two.add_numbers(np.array([2.0]))

    assert two.most(9) == [("1", 7), ("2", 2), ("0", 1), ("x", 1)]
    assert one.most(9) == [("1", 2), ("2", 1)]


def test_numbers_that_come_by_few_are_within_the_bound() -> None:
    """As wide data does: no chunk is long enough to tell of itself that most of its numbers are there once."""
    g, parts = np.random.default_rng(5), [Frequent() for _ in range(3)]
    for frequent in parts:
        for _ in range(8):
            frequent.add_numbers(np.sort(np.concatenate([np.full(300, 7.0), g.normal(size=3000)])))
    [whole, *others] = parts
    for other in others:
        whole.merge(other)

    [(text, count), *rest] = whole.most(9)
    assert (text, 7200 - whole.error <= count <= 7200) == ("7", True)
    assert whole.error <= 24 * 3300 / CAPACITY
    assert whole.full
    assert all(number == 1 for _, number in rest)


def test_different_values_are_counted_once_by_every_part() -> None:
    one, two = Distinct(), Distinct()
    one.add_numbers(np.array([1.0, -0.0, 0.0]))
    two.add_texts(["a", "b", "\ud800"])
    two.add_numbers(np.array([1.0]))
    one.merge(two)

    assert one.count() == 5
    one.add_numbers(np.arange(100_000, dtype=float))
    assert abs(one.count() / 100_003 - 1) < 0.05
