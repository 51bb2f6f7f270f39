"""The checks against a baseline, by a table of cases computed by hand from the published definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from fogbank.monitor import drift_distances
from fogbank.monitor.constraints import MONITORING_CONFIG, suggest_constraints, violations
from fogbank.monitor.dataset import Dataset
from fogbank.monitor.profile import Profile, statistics

Columns = Mapping[str, Sequence[str | None]]
DISTRIBUTION = MONITORING_CONFIG["distribution_constraints"]
BASE: Columns = {"n": ["1", "2", "3", "4"] * 25, "s": ["x", "y"] * 50}
NUMBERS: Columns = {"n": BASE["n"]}
TEXTS: Columns = {"s": BASE["s"]}


def checks(
    base: Columns, now: Columns, overrides: dict[str, Any] | None = None, **config: Any
) -> list[tuple[str, str, str]]:
    """What fires: feature, check and description. `overrides` are those of the first feature."""
    before = statistics(Dataset(base))
    constraints = suggest_constraints(before)
    constraints["monitoring_config"] = {**constraints["monitoring_config"], **config}
    constraints["features"][0]["monitoring_config_overrides"] = overrides or {}
    profile = Profile.of([Dataset(now)])
    found = violations(profile, profile.document(), constraints, before)
    return [(item["feature_name"], item["constraint_check_type"], item["description"]) for item in found]


def simple(**more: Any) -> dict[str, Any]:
    return {"distribution_constraints": {**DISTRIBUTION, "comparison_method": "Simple", **more}}


TYPE = "Data type match requirement is not met. Expected data type: Integral, Expected match: {}%. Observed: Only {}% of data is Integral."
COLUMNS = "There are {} columns in the current dataset. Number of columns in current dataset: {}, Number of columns in baseline constraints: {}"
CASES: dict[str, tuple[Columns, Columns, dict[str, Any], list[tuple[str, str, str]]]] = {
    "the same": (BASE, BASE, {}, []),
    "3 of 4 whole": (NUMBERS, {"n": ["1", "2", "3", "x"]}, {}, [("n", "data_type_check", TYPE.format(100.0, 75.0))]),
    "fractions are not whole": (
        NUMBERS, {"n": ["1", "2", "3", "4.5"]}, {}, [("n", "data_type_check", TYPE.format(100.0, 75.0))],
    ),
    "3 of 4 are enough": (NUMBERS, {"n": ["1", "2", "3", "x"]}, {"datatype_check_threshold": 0.75}, []),
    "whole numbers are numbers": ({"n": ["1.5", "2.5"]}, {"n": ["1", "2"]}, {}, []),
    "a quarter missing": (
        NUMBERS, {"n": ["1", "2", "4", None]}, {}, [("n", "completeness_check", "Value: 0.75 does not meet the constraint requirement! ")],
    ),
    "as complete as before": ({"n": ["1", None]}, {"n": ["1", None]}, {}, []),
    "all missing": (
        NUMBERS, {"n": [None] * 4}, {}, [("n", "completeness_check", "Value: 0.0 does not meet the constraint requirement! ")],
    ),
    # CDF of the baseline at 1 is 0.25, of the window 1: D = 0.75
    "Simple D": (NUMBERS, {"n": ["1"] * 4}, simple(), [("n", "baseline_drift_check", "Baseline drift distance: 0.75 exceeds threshold: 0.1")]),
    "D is its threshold": (NUMBERS, {"n": ["1"] * 4}, simple(comparison_threshold=0.75), []),
    # 0.75 - 1.8 sqrt((100 + 4) / (100 * 4)) = 0.75 - 1.8 * 0.509902 < 0
    "Robust D of four rows": (NUMBERS, {"n": ["1"] * 4}, {}, []),
    # 0.75 - 1.8 sqrt(200 / 10000) = 0.495441558772843
    "Robust D of a hundred": (
        NUMBERS, {"n": ["1"] * 100}, {}, [("n", "baseline_drift_check", "Baseline drift distance: 0.495441558773 exceeds threshold: 0.1")],
    ),
    "one row": (NUMBERS, {"n": ["1"]}, {}, []),
    "no comparison": (NUMBERS, {"n": ["1"] * 100}, simple(perform_comparison="Disabled"), []),
    # shares 0.5 and 0.5 against 0.75 and 0.25
    "LInfinity": (
        TEXTS, {"s": ["x", "x", "x", "y"]}, simple(), [("s", "baseline_drift_check", "Baseline drift distance: 0.25 exceeds threshold: 0.1")],
    ),
    # 60 and 40 where 50 and 50 are expected: 2 + 2
    "ChiSquared Simple": (
        TEXTS, {"s": ["x"] * 60 + ["y"] * 40}, simple(categorical_drift_method="ChiSquared"),
        [("s", "baseline_drift_check", "Baseline drift distance: 4.0 exceeds threshold: 0.1")],
    ),
    # 55 and 45: 0.5 + 0.5, p = 0.3173
    "ChiSquared Robust": (TEXTS, {"s": ["x"] * 55 + ["y"] * 45}, simple(categorical_drift_method="ChiSquared", comparison_method="Robust"), []),
    "outside the domain": (
        TEXTS, {"s": ["x", "x", "y", "z"]}, {"distribution_constraints": {"perform_comparison": "Disabled"}},
        [("s", "categorical_values_check", "Value: 0.75 does not meet the constraint requirement! ")],
    ),
    "3 of 4 in the domain are enough": (TEXTS, {"s": ["x", "x", "y", "z"]}, {"domain_content_threshold": 0.75}, []),
    "a column less": (BASE, NUMBERS, {}, [("s", "missing_column_check", COLUMNS.format("fewer", 1, 2))]),
    "a column more": (NUMBERS, BASE, {}, [("s", "extra_column_check", COLUMNS.format("more", 2, 1))]),
    "nothing is evaluated": (BASE, NUMBERS, {"evaluate_constraints": "Disabled"}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_fires(name: str) -> None:
    base, now, config, expected = CASES[name]

    assert checks(base, now, **config) == expected


def test_a_feature_has_thresholds_of_its_own() -> None:
    own = {"evaluate_constraints": "Disabled"}
    assert checks(BASE, {"n": [None], "s": [None]}, own) == [
        ("s", "completeness_check", "Value: 0.0 does not meet the constraint requirement! ")
    ]


def test_categories_drift_by_their_largest_share() -> None:
    one = statistics(Dataset({"s": ["x"] * 300 + ["y"] * 300}))
    two = statistics(Dataset({"s": ["x"] * 600}))

    assert drift_distances(one, two)["s"] == pytest.approx(0.5 - 1.8 * np.sqrt(1200 / 360000))
