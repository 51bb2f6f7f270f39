"""Evidence of a live stream: false alarms at most as asked for, however often it is looked at; shifts are told, and how soon."""

from __future__ import annotations

import numpy as np
import pytest

from fogbank.monitor.sequential import Sequential, Stream, alarms


def test_streams_without_a_shift_alarm_no_more_often_than_asked_for_at_any_time() -> None:
    """300 streams of 200 rows, with ties, each looked at after every row: the level 0.1, and three deviations of a binomial."""
    g, streams, level = np.random.default_rng(5), 300, 0.1
    false = 0
    for seed in range(streams):
        values = g.normal(size=260).round(1)
        false += Sequential(values[:60], seed=seed).add(values[60:]).p_value <= level

    assert false / streams <= level + 3 * np.sqrt(level * (1 - level) / streams)


@pytest.mark.parametrize(("move", "spread"), [(1.0, 1.0), (0.0, 3.0)])
def test_a_shift_is_told_within_the_rows_that_it_takes(move: float, spread: float) -> None:
    g = np.random.default_rng(6)
    test = Sequential(g.normal(size=1000))
    before = test.add(g.normal(size=200))
    after = test.add(g.normal(move, spread, size=200))

    assert before.p_value > 0.05
    assert after.p_value < 1e-4
    assert (after.rows, round(after.smallest_detectable, 4)) == (400, round(float(np.sqrt(np.log(20) / 2400)), 4))


def test_the_columns_that_shift_are_named_and_missing_values_left_out() -> None:
    g = np.random.default_rng(7)
    stream = Stream({f"c{i}": g.normal(size=500) for i in range(10)})
    rows = {f"c{i}": g.normal(size=300) for i in range(10)}
    rows["c3"] = np.where(np.arange(300) % 2, np.nan, rows["c3"] + 1.5)
    found = stream.add(rows)

    assert stream.shifted() == ["c3"]
    assert (found["c3"].rows, found["c0"].rows) == (150, 300)


def test_the_share_of_false_alarms_is_held_over_columns() -> None:
    assert alarms({"a": 39.0, "b": 1.0}, 0.05) == []
    assert alarms({"a": 40.0, "b": 20.0}, 0.05) == ["a", "b"]
    assert alarms({}, 0.05) == []


def test_a_reference_of_a_few_values_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 20 values of the reference: there are 19"):
        Sequential(np.append(np.arange(19.0), np.nan))
