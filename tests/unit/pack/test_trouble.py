from __future__ import annotations

import numpy as np

from fogbank.pack.trouble import COLUMNS, troubles

GENERATOR = np.random.default_rng(0)
ROWS = np.column_stack([GENERATOR.normal(size=80), GENERATOR.integers(1, 4, 80), GENERATOR.integers(0, 9000, 80)])


def test_the_rows_are_what_could_go_wrong() -> None:
    kinds = troubles(ROWS, [True, False, False], None)

    assert set(kinds) == {
        "baseline",
        "mixed",
        "zeros",
        "extremes",
        "infinities",
        "rounding",
        "unseen",
        "missing",
        "missing anywhere",
    }
    np.testing.assert_array_equal(kinds["baseline"], ROWS)
    assert (kinds["zeros"] == 0).all(axis=1).any()
    assert np.isnan(kinds["missing"][:, 0]).all()
    assert not np.isnan(kinds["missing"][:, 1:]).any()
    assert np.isnan(kinds["missing anywhere"]).all(axis=1).any()
    alone = kinds["extremes"][np.isin(np.abs(kinds["extremes"]), 1.7976931348623157e308).sum(axis=1) == 1]
    assert {int(np.abs(row).argmax()) for row in alone} == {0, 1, 2}
    assert (np.abs(kinds["extremes"]) > 3.4028235e38).all(axis=1).any()
    assert {4.0, 0.0, -1.0, 1.5} <= set(kinds["unseen"][:, 1].tolist())
    assert not set(kinds["unseen"][:, 2].tolist()) - set(ROWS[:, 2].tolist())
    assert np.isinf(kinds["infinities"]).any(axis=1).all()


def test_the_same_rows_each_time_and_not_more_than_can_be_asked() -> None:
    wide = GENERATOR.normal(size=(40, 300))
    first, second = troubles(wide, [True] * 300, None), troubles(wide, [True] * 300, None)

    assert all(np.array_equal(first[kind], second[kind], equal_nan=True) for kind in first)
    assert len({int(place) for row in first["infinities"][:-2] for place in np.flatnonzero(np.isinf(row))}) == COLUMNS
    assert sum(map(len, first.values())) < 10_000


def test_codes_that_are_far_apart_are_not_counted_through() -> None:
    """Keys of customers: between two of them lie more whole numbers than memory has room for."""
    rows = np.column_stack([GENERATOR.choice([7.0, 2.0**53, 2.0**53 + 2], 80), GENERATOR.normal(size=80)])

    unseen = troubles(rows, [False, False], None)["unseen"]
    assert {8.0, 9.0} <= set(unseen[:, 0].tolist())
