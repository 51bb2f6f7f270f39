"""The rows of a proof stand where they should: at a threshold and one double beyond it, in the split that has it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fogbank.pack.convert import convert
from fogbank.pack.thresholds import Place, _double, _order, threshold_rows

GENERATOR = np.random.default_rng(0)
ROWS = np.round(GENERATOR.uniform(0, 10, (300, 3)), 1)
LABELS = ROWS[:, 0] > ROWS[:, 1]


def place_of(model: object) -> Place:
    conversion = convert(model)
    assert conversion.ensemble is not None
    return Place(ensemble=conversion.ensemble, before=conversion.before, sources=conversion.sources)


def test_every_split_is_stood_on_from_both_sides() -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(4, max_depth=4, random_state=0)).fit(ROWS, LABELS)
    place = place_of(model)

    with np.errstate(over="ignore"):
        rows, splits = threshold_rows(place, ROWS, 1000, GENERATOR)

    assert (splits, len(rows)) == (place.ensemble.splits, 3 * place.ensemble.splits)
    met = 0
    scaled = model[0].transform(rows).astype(np.float32)
    for tree, fitted in zip(place.ensemble.trees, model[1].estimators_, strict=True):
        paths = fitted.decision_path(scaled).toarray()
        for node in np.flatnonzero(tree.left != -1):
            here = np.flatnonzero(paths[:, node])
            left, right = paths[here][:, tree.left[node]], paths[here][:, tree.right[node]]
            cells = rows[here, tree.feature[node]]
            met += bool(
                left.any() and right.any() and cells[left > 0].max() == np.nextafter(cells[right > 0].min(), -np.inf)
            )
    assert met >= splits * 0.9  # a row of another split may stand between


def test_the_trees_of_doubles_are_stood_on_in_doubles() -> None:
    model = HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=2).fit(ROWS, ROWS[:, 0])
    place = place_of(model)
    rows, _ = threshold_rows(place, ROWS, 10, GENERATOR)
    limits = {float(limit) for tree in place.ensemble.trees for limit in tree.threshold[tree.left != -1]}

    assert {cell for cell in rows.ravel().tolist() if cell in limits}
    assert len(rows) == 30


@pytest.mark.parametrize("value", [0.0, 5e-324, -5e-324, 1.0, -1.0, 1e308, -1e308, 0.1])
def test_doubles_and_whole_numbers_have_the_same_order(value: float) -> None:
    here = np.array([value])
    above = np.nextafter(here, np.inf)

    assert _double(_order(here)).tolist() == [value]
    assert (_order(above) - _order(here)).tolist() == [1]
