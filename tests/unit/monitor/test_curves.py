"""A binary model's curves: as scikit-learn has them, bands that hold the truth, calibration, and what has no curve."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from fogbank.monitor.curves import calibration, scored

G = np.random.default_rng(1)


def test_the_curve_is_the_known_one_and_its_band_is_around_it() -> None:
    scores = G.random(3000).round(2)
    labels = (G.random(3000) < scores).astype(int)

    found = scored([str(each) for each in labels], scores.tolist(), "1")

    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert found["roc"]["y"][1:] == pytest.approx(np.interp(found["roc"]["x"], false, true)[1:], abs=1e-6)
    assert found["roc"]["area"]["value"] == pytest.approx(roc_auc_score(labels, scores), abs=0.005)
    assert found["roc"]["area"]["low"] < 5 / 6 < found["roc"]["area"]["high"], (
        "what a score that is its own chance comes to"
    )
    for name in ("roc", "precision_recall"):
        own = found[name]
        assert all(low <= y <= high for low, y, high in zip(own["low"], own["y"], own["high"], strict=True))
    assert found["precision_recall"]["y"][-1] >= labels.mean(), "some that are negative come after the last positive"


def test_scores_that_are_chances_are_calibrated_and_others_have_no_calibration() -> None:
    scores = G.random(5000)
    actual = G.random(5000) < scores

    bins = calibration(actual, scores)

    assert sum(each["rows"] for each in bins) == 5000
    assert sum(each["low"] <= each["score"] <= each["high"] for each in bins) >= 8
    assert calibration(actual, scores * 9 - 4) == []


@pytest.mark.parametrize("label", ["0", "1"])
def test_one_class_has_no_curves(label: str) -> None:
    found = scored([label] * 5, [0.1, 0.2, 0.3, 0.4, 0.5], "1")

    assert (found["roc"], found["precision_recall"]) == ({}, {})
    assert found["calibration"]
