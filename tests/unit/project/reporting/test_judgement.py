"""How good the model is, in one form, from training's file and from monitors' files."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.contracts.errors import DataError
from fogbank.project.reporting.judgement import attributions, biases, held_out, monitored


def test_held_out_rows_are_counted_and_have_curves_only_with_scores() -> None:
    rows = {"labels": [1, 0, 1, 0], "predictions": [1, 0, 0, 0]}

    plain, scored = (held_out({"held_out": {**rows, **more}}) for more in ({}, {"scores": [0.9, 0.2, 0.4, 0.1]}))

    assert plain is not None
    assert scored is not None
    assert plain["confusion"] == scored["confusion"] == {"labels": ["0", "1"], "matrix": [[2, 0], [1, 1]]}
    assert (plain["roc"], plain["calibration"]) == (None, [])
    assert scored["roc"]["area"]["value"] == 1.0


@pytest.mark.parametrize(
    "rows",
    [
        [],
        5,
        {"labels": [1]},
        {"labels": [1], "predictions": []},
        {"labels": [1], "predictions": [1], "scores": ["high"]},
        {"labels": [1], "predictions": [1], "scores": [float("nan")]},
    ],
)
def test_what_is_no_held_out_rows_is_refused(rows: Any) -> None:
    with pytest.raises(DataError, match="held_out") as caught:
        held_out({"held_out": rows})

    assert caught.value.code == "evaluation-invalid"


def test_without_held_out_rows_there_is_nothing() -> None:
    assert held_out({"family": "forest"}) is None


def test_a_monitors_metrics_have_their_intervals_and_constant_classifiers_are_left_out() -> None:
    interval = {"low": 0.8, "high": 0.95}
    own = {
        "accuracy": {"value": 0.9, "confidence_interval": interval},
        "recall_best_constant_classifier": {"value": 1.0},
        "confusion_matrix": {"0": {"0": 2, "1": 1}, "1": {"0": 0, "1": 3}},
    }
    found = monitored("scores", {"dataset": {"item_count": 6}, "binary_classification_metrics": own}, {})

    assert found is not None
    assert found["metrics"] == [{"name": "accuracy", "value": 0.9, "low": 0.8, "high": 0.95}]
    assert found["confusion"]["matrix"] == [[2, 1], [0, 3]]
    assert monitored("data", {"features": []}, {}) is None


def test_analysis_json_is_told() -> None:
    metrics = [{"name": "DPL", "value": 0.1}, {"name": "CI", "value": None, "error": "one class"}]
    facets = {"sex": [{"value_or_threshold": "f", "metrics": metrics}]}
    shap = {"label0": {"global_shap_values": {"a": 0.1, "b": -0.3}}}
    analysis = {"post_training_bias_metrics": {"facets": facets}, "explanations": {"kernel_shap": shap}}

    assert [(item["facet"], item["metric"], item["is"]) for item in biases("s", analysis)] == [("sex", "DPL", 0.1)]
    assert [item["name"] for item in attributions("s", analysis)] == ["b", "a"]
    assert (biases("s", {}), attributions("s", {})) == ([], [])
