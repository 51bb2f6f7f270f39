"""Every bias metric is smclarify's: over random rows whose values smclarify 0.5 told (bias_cases.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fogbank.monitor.bias import POST_TRAINING, PRE_TRAINING, Rows, measured

CASES = json.loads(Path(__file__).with_name("bias_cases.json").read_text())["cases"]


def flags(text: str) -> np.ndarray:
    return np.array([sign == "1" for sign in text])


def rows_of(case: dict[str, Any], **others: Any) -> Rows:
    return Rows(**{
        "facet": flags(case["facet"]), "label": flags(case["label"]), "predicted": flags(case["predicted"]),
        "group": np.array(list(case["group"])), "numbers": np.array(case["numbers"]), **others,
    })  # fmt: skip


@pytest.mark.parametrize("number", range(len(CASES)))
def test_every_metric_is_smclarifys(number: int) -> None:
    rows, expected = rows_of(CASES[number]), CASES[number]["expected"]
    found = {item["name"]: item["value"] for item in [*measured(rows, PRE_TRAINING), *measured(rows, POST_TRAINING)]}

    assert found.keys() == expected.keys()
    for name, value in found.items():
        if isinstance(expected[name], float):
            assert value == pytest.approx(expected[name], abs=1e-9), name
        else:
            assert value == expected[name], name


def test_what_a_metric_lacks_is_its_error() -> None:
    rows = rows_of(CASES[0], predicted=None, group=None, numbers=None)
    errors = {
        item["name"]: item.get("error")
        for item in measured(rows, {**PRE_TRAINING, "FT": POST_TRAINING["FT"], "GE": POST_TRAINING["GE"]})
    }

    assert {name: error for name, error in errors.items() if error} == {
        "CDDL": "Group variable is empty or not provided", "FT": "FlipTest does not support non-numeric columns",
        "GE": "there are no predicted labels",
    }  # fmt: skip
