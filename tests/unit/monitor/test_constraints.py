"""The checks against a baseline."""

from __future__ import annotations

import numpy as np
import pytest

from fogbank.monitor import drift_distances
from fogbank.monitor.dataset import Dataset
from fogbank.monitor.profile import statistics


def test_categories_drift_by_their_largest_share() -> None:
    one = statistics(Dataset({"s": ["x"] * 300 + ["y"] * 300}))
    two = statistics(Dataset({"s": ["x"] * 600}))

    assert drift_distances(one, two)["s"] == pytest.approx(0.5 - 1.8 * np.sqrt(1200 / 360000))
