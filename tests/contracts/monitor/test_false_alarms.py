"""How often windows without a shift have an alarm: at most as often as asked for. `benchmarks/bench_monitor.py` looks at 2,000."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fogbank.monitor.profile import Document, Profile
from fogbank.monitor.shifts import shifts

WINDOWS = int(os.environ.get("FOGBANK_WINDOWS", "200"))
FEATURES = 20
ASKED = 0.05


def window(rows: np.ndarray) -> Document:
    profile = Profile()
    profile.add({f"c{i}": rows[:, i] for i in range(FEATURES)}, len(rows))
    return profile.document()


@pytest.mark.parametrize("control", ["Benjamini-Hochberg", "Holm"])
def test_windows_without_a_shift_have_no_more_alarms_than_asked_for(control: str) -> None:
    """Each window has its own reference; the bound is the level and three deviations of a binomial."""
    g = np.random.default_rng(7)
    pairs = ((window(g.normal(size=(300, FEATURES))), window(g.normal(size=(200, FEATURES)))) for _ in range(WINDOWS))

    alarms = sum(bool(shifts(base, now, control=control)["shifted"]) for base, now in pairs)

    assert alarms / WINDOWS <= ASKED + 3 * np.sqrt(ASKED * (1 - ASKED) / WINDOWS)
