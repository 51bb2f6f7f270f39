from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fogbank.scoring.plan import Leaves, MethodPlan, Plan, decode_plan


@pytest.mark.parametrize(
    "classes",
    [
        None,
        np.array([False, True]),
        np.array([-3, 5], dtype=np.int32),
        np.array([0.5, 1 / 3]),
        np.array(["low", "höher"]),
        np.array(["a", 1, 2.5, True], dtype=object),
    ],
)
def test_a_plan_comes_back_as_it_was(classes: Any) -> None:
    values = np.array([[1 / 3, 5e-324], [-0.0, 1e308]])
    plan = Plan(
        features=2,
        names=("a", "b"),
        classes=classes,
        methods={"predict": MethodPlan(output="leaves", finish=(("divide", 3.0), ("largest",)))},
        leaves={"leaves": Leaves(values=values, groups=2)},
    )

    text = plan.encode()
    again = decode_plan(text)

    assert json.loads(text)["features"] == 2
    assert (again.features, again.names, again.methods) == (plan.features, plan.names, plan.methods)
    assert again.leaves["leaves"].values.tobytes() == values.tobytes()
    assert again.leaves["leaves"].groups == 2
    if classes is None:
        assert again.classes is None
    else:
        assert again.classes is not None
        assert (again.classes.dtype, again.classes.tolist()) == (classes.dtype, classes.tolist())


@pytest.mark.parametrize("classes", [np.array([(1, 2)], dtype=object), np.array(["2026-01-01"], dtype="datetime64[D]")])
def test_labels_that_json_does_not_have_are_refused(classes: Any) -> None:
    with pytest.raises(ValueError, match="no plain values"):
        Plan(features=1, methods={}, classes=classes).encode()
