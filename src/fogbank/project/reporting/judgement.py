"""How good the model is, as a report shows it, pure: confusion, curves, calibration and metrics with intervals, bias and attributions.

In: training's evaluation.json, or what a monitor of quality, bias or explainability wrote; out: plain values of one form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fogbank.contracts.errors import DataError
from fogbank.monitor import scored

MOST_CLASSES, MOST_ATTRIBUTED = 20, 20
Document = dict[str, Any]


def held_out(evaluation: Mapping[str, Any]) -> Document | None:
    """Of `held_out` in evaluation.json: `labels` and `predictions`, with `scores` of the class `positive` where there are some.

    None where there are none. Raises DataError (`evaluation-invalid`).
    """
    rows = evaluation.get("held_out")
    if rows is None:
        return None
    try:
        labels, predictions = [str(each) for each in rows["labels"]], [str(each) for each in rows["predictions"]]
        scores = [float(each) for each in rows.get("scores") or ()]
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise _invalid(f"{type(error).__name__}: {error}") from error
    if not all(map(math.isfinite, scores)):
        raise _invalid("a score is no finite number")
    if len(labels) != len(predictions) or (scores and len(scores) != len(labels)):
        raise _invalid(f"{len(labels)} labels, {len(predictions)} predictions and {len(scores)} scores")
    curves = scored(labels, scores, str(rows.get("positive", "1"))) if scores else {}
    classes = sorted({*labels, *predictions})
    return {
        "source": "held-out rows",
        "rows": len(labels),
        "metrics": [],
        "confusion": _counted(labels, predictions, classes) if 0 < len(classes) <= MOST_CLASSES else None,
        **_curves(curves),
    }


def _invalid(why: str) -> DataError:
    return DataError(
        "evaluation-invalid",
        f"`held_out` of evaluation.json is not right: {why}",
        "training writes `labels` and `predictions` of one length there, and as many `scores`, numbers, or none",
    )


def monitored(schedule: str, statistics: Mapping[str, Any], curves: Mapping[str, Any]) -> Document | None:
    """Of a model quality monitor's statistics.json; None of another's."""
    section = next((key for key in statistics if key.endswith("_metrics")), None)
    if section is None:
        return None
    own = statistics[section]
    matrix = own.get("confusion_matrix")
    return {
        "source": f"labelled records, {schedule}",
        "rows": (statistics.get("dataset") or {}).get("item_count"),
        "metrics": [_metric(name, metric) for name, metric in own.items() if _is_shown(name, metric)],
        "confusion": _matrix(matrix) if matrix and len(matrix) <= MOST_CLASSES else None,
        **_curves(curves),
    }


def biases(schedule: str, analysis: Mapping[str, Any]) -> list[Document]:
    """Each metric of each facet's value in analysis.json."""
    return [
        {"schedule": schedule, "facet": facet, "value": str(own["value_or_threshold"]), "metric": metric["name"], "is": metric["value"]}
        for stage in ("pre_training_bias_metrics", "post_training_bias_metrics")
        for facet, values in (analysis.get(stage) or {}).get("facets", {}).items()
        for own in values
        for metric in own["metrics"]
        if metric.get("value") is not None
    ]  # fmt: skip


def attributions(schedule: str, analysis: Mapping[str, Any]) -> list[Document]:
    """The global SHAP values in analysis.json, the largest first."""
    labels = (analysis.get("explanations") or {}).get("kernel_shap") or {}
    values = [(name, float(is_)) for own in labels.values() for name, is_ in own["global_shap_values"].items()]
    ordered = sorted(values, key=lambda item: -abs(item[1]))[:MOST_ATTRIBUTED]
    return [{"schedule": schedule, "name": name, "value": value} for name, value in ordered]


def _curves(curves: Mapping[str, Any]) -> Document:
    return {
        "roc": curves.get("roc") or None,
        "precision_recall": curves.get("precision_recall") or None,
        "calibration": curves.get("calibration") or [],
    }


def _is_shown(name: str, metric: Any) -> bool:
    return isinstance(metric, dict) and "value" in metric and not name.endswith("_best_constant_classifier")


def _metric(name: str, metric: Mapping[str, Any]) -> Document:
    interval = metric.get("confidence_interval") or {}
    return {"name": name, "value": metric["value"], "low": interval.get("low"), "high": interval.get("high")}


def _counted(labels: Sequence[str], predictions: Sequence[str], classes: Sequence[str]) -> Document:
    places = {name: place for place, name in enumerate(classes)}
    matrix = [[0] * len(classes) for _ in classes]
    for label, prediction in zip(labels, predictions, strict=True):
        matrix[places[label]][places[prediction]] += 1
    return {"labels": list(classes), "matrix": matrix}


def _matrix(matrix: Mapping[str, Mapping[str, int]]) -> Document:
    return {"labels": list(matrix), "matrix": [[row.get(name, 0) for name in matrix] for row in matrix.values()]}
