"""Shapley values are shap's: of trees and linear models whose values shap told (shap_cases.json); and they add up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fogbank.monitor.shapley import ndcg, shapley

RECORDED = json.loads(Path(__file__).with_name("shap_cases.json").read_text())
ROWS, BACKGROUND = (np.array(RECORDED[name], dtype=object) for name in ("rows", "background"))


def score_of(case: dict[str, Any]) -> Any:
    if case["kind"] == "linear":
        return lambda rows: rows.astype(float) @ np.array(case["weights"]) + case["intercept"]
    return lambda rows: sum(walked(tree, rows.astype(np.float32)) for tree in case["trees"]) * case["scale"]


def walked(tree: dict[str, list[float]], rows: np.ndarray) -> np.ndarray:
    at = np.zeros(len(rows), int)
    left, right, feature, threshold, value = (
        np.array(tree[name]) for name in ("left", "right", "feature", "threshold", "value")
    )
    while (inner := left[at] >= 0).any():
        goes_left = rows[np.arange(len(rows)), feature[at]] <= threshold[at]
        at = np.where(inner, np.where(goes_left, left[at], right[at]), at)
    return np.asarray(value[at])


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["kind"])
def test_values_are_shaps(case: dict[str, Any]) -> None:
    values, expected = shapley(score_of(case), ROWS, BACKGROUND)

    assert values == pytest.approx(np.array(case["values"]), abs=1e-6)
    assert expected == pytest.approx(case["expected"], abs=1e-6)


def test_of_many_features_a_sample_is_asked_and_a_linear_model_is_exact() -> None:
    g = np.random.default_rng(0)
    weights, rows, background = g.normal(size=14), g.normal(size=(2, 14)), g.normal(size=(5, 14))
    values, expected = shapley(
        lambda asked: asked.astype(float) @ weights, rows.astype(object), background.astype(object)
    )

    assert values == pytest.approx(weights * (rows - background.mean(axis=0)), abs=1e-8)
    assert values.sum(axis=1) + expected == pytest.approx(rows @ weights)


def test_the_order_of_attributions_by_ndcg() -> None:
    assert ndcg([3, 2, 1], [30, 20, 10]) == 1.0
    # gains 1, 2, 3 where 3, 2, 1 is best: (1 + 2 / log2(3) + 3 / 2) / (3 + 2 / log2(3) + 1 / 2)
    assert ndcg([3, 2, 1], [1, 2, 3]) == pytest.approx((1 + 2 / np.log2(3) + 1.5) / (3 + 2 / np.log2(3) + 0.5))
    assert ndcg([0, 0], [1, 2]) == 1.0
