"""The project's own constraints.json: checked, and of the model's columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DataError
from fogbank.project.packaging.constraints import checked, own_constraints


def document(*names: str, **more: Any) -> dict[str, Any]:
    features = [{"name": name, "inferred_type": "Integral", "completeness": 1.0} for name in names]
    return {"version": 0.0, "features": features, **more}


def test_the_projects_own_take_the_place_of_the_suggestion(tmp_path: Path) -> None:
    config = ProjectConfig(root=tmp_path, name="churn")
    suggested = json.dumps(document("a", "b")).encode()
    assert own_constraints(config, suggested) == suggested

    own = json.dumps(document("a", "b", monitoring_config={"datatype_check_threshold": 0.9})).encode()
    (tmp_path / "constraints.json").write_bytes(own)
    assert own_constraints(config, suggested) == own

    with pytest.raises(DataError, match="in another order: a, b") as refusal:
        own_constraints(config, json.dumps(document("b", "a")).encode())
    assert refusal.value.code == "constraints-columns"


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"monitoring_config": {"comparison_treshold": 1}}, "monitoring_config.comparison_treshold: is not known"),
        (
            {"monitoring_config": {"distribution_constraints": {"comparison_method": "robust"}}},
            "monitoring_config.distribution_constraints.comparison_method: must be one of Simple, Robust, not 'robust'",
        ),
        ({"features": [{"name": "a", "inferred_type": "Integral"}]}, "features[0] (a).completeness: is missing"),
        ({"features": document("a", "a")["features"]}, "features[1] (a): is there twice"),
        ({"features": [7]}, "features[0]: must be an object"),
        (
            {"features": [{**document("a")["features"][0], "completeness": 1.5}]},
            "must be a number from 0 to 1, not 1.5",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, own: dict[str, Any], problem: str) -> None:
    (tmp_path / "constraints.json").write_text(json.dumps({**document("a"), **own}))

    with pytest.raises(DataError, match="has 1 problem") as refusal:
        checked(tmp_path / "constraints.json")

    assert problem in refusal.value.cause
