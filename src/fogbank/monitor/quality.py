"""Model quality: metrics of regression, binary and multiclass models, each with its deviation and its bootstrap interval.

In: labels and predictions; out: the metrics of SageMaker's statistics.json. A metric that has nothing to divide by is 0, as in Spark.
Sources: AWS Developer Guide, "Model quality metrics" (standard deviation: five random subsamples of 80 %, from 200 rows on); Efron (1979).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.quality import SECTIONS, QualitySettings
from fogbank.monitor.labelled import Labelled
from fogbank.monitor.sketch import Floats

Values = dict[str, float]
Measure = Callable[[Floats], Values]
"""Metrics of the rows with these weights."""
FEWEST_ROWS, SUBSAMPLES, SHARE = 200, 5, 0.8
RESAMPLES, WORK = 400, 40_000_000
"""So many bootstrap samples, or fewer, but 40 at least, so that not more than so many rows are drawn."""
LEVEL = 0.95
CURVE = 200
BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}


@dataclass(frozen=True)
class Quality:
    """Metrics by their names, each an object of `value`, `standard_deviation` and `confidence_interval`; curves and matrices as they are."""

    section: str
    rows: int
    metrics: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """As statistics.json has them."""
        return {"version": 0.0, "dataset": {"item_count": self.rows}, self.section: dict(self.metrics)}

    def values(self) -> Values:
        """The metrics that are one number."""
        return {name: metric["value"] for name, metric in self.metrics.items() if "value" in metric}


def quality(data: Labelled, settings: QualitySettings, *, seed: int = 0) -> Quality:
    """The quality of predictions. Raises ValueError for a binary model with more than two classes."""
    rows = len(data.labels)
    if settings.problem == "Regression":
        measure: Measure = _Regression(np.array(data.labels, float), np.array(data.predictions, float))
        extra: dict[str, Any] = {}
    elif settings.problem == "BinaryClassification":
        binary = _Binary.of(data, settings.positive)
        measure, extra = binary, binary.shown()
    else:
        many = _Multiclass.of(data)
        measure, extra = many, many.shown()
    return Quality(
        SECTIONS[settings.problem], rows, {**extra, **_with_intervals(measure, rows, np.random.default_rng(seed))}
    )


def _with_intervals(measure: Measure, rows: int, random: np.random.Generator) -> dict[str, Any]:
    values = measure(np.ones(rows))
    samples = max(40, min(RESAMPLES, WORK // rows))
    drawn = [measure(np.bincount(random.integers(0, rows, rows), minlength=rows).astype(float)) for _ in range(samples)]
    deviations = _deviations(measure, rows, random)
    tail = 50 * (1 - LEVEL)
    metrics = {}
    for name, value in values.items():
        low, high = np.percentile([sample[name] for sample in drawn], [tail, 100 - tail])
        metrics[name] = {
            "value": value,
            "standard_deviation": deviations.get(name, "NaN"),
            "confidence_interval": {
                "level": LEVEL,
                "low": float(low),
                "high": float(high),
                "method": "percentile bootstrap",
            },
        }
    return metrics


def _deviations(measure: Measure, rows: int, random: np.random.Generator) -> Values:
    """Those of five random subsamples of 80 %; none of fewer than 200 rows."""
    if rows < FEWEST_ROWS:
        return {}
    found = []
    for _ in range(SUBSAMPLES):
        weights = np.zeros(rows)
        weights[random.permutation(rows)[: int(rows * SHARE)]] = 1.0
        found.append(measure(weights))
    return {name: float(np.std([values[name] for values in found])) for name in found[0]}


@dataclass(frozen=True)
class _Regression:
    labels: Floats
    predictions: Floats

    def __call__(self, weights: Floats) -> Values:
        total = weights.sum()
        errors = self.labels - self.predictions
        mse = float((weights * errors**2).sum() / total)
        mean = (weights * self.labels).sum() / total
        spread = float((weights * (self.labels - mean) ** 2).sum() / total)
        return {
            "mae": float((weights * np.abs(errors)).sum() / total),
            "mse": mse,
            "rmse": float(np.sqrt(mse)),
            "r2": 1.0 - mse / spread if spread else 0.0,
        }


@dataclass(frozen=True)
class _Binary:
    """`actual`, `predicted`: whether each row is positive. `order` sorts by score, the highest first; None without scores."""

    actual: NDArray[np.bool_]
    predicted: NDArray[np.bool_]
    scores: Floats | None
    names: tuple[str, str]

    @classmethod
    def of(cls, data: Labelled, positive: str) -> _Binary:
        classes = sorted({*data.labels, *data.predictions} - {positive})
        if len(classes) > 1:
            raise ValueError(
                f"a binary model has two classes: besides the positive {positive!r} there are {', '.join(classes[:5])}: ground truth and "
                "answers must name them alike, and the variable positive_label the positive one"
            )
        return cls(
            actual=np.array(data.labels) == positive,
            predicted=np.array(data.predictions) == positive,
            scores=np.array(data.probabilities) if data.probabilities else None,
            names=(classes[0] if classes else "0" if positive != "0" else "1", positive),
        )

    def __call__(self, weights: Floats) -> Values:
        a, p = self.actual, self.predicted
        tp, fp = float(weights[a & p].sum()), float(weights[~a & p].sum())
        fn, tn = float(weights[a & ~p].sum()), float(weights[~a & ~p].sum())
        own = _rates(tp, fp, fn, tn)
        mostly = tp + fn >= fp + tn
        constant = _rates(tp + fn, fp + tn, 0, 0) if mostly else _rates(0, 0, tp + fn, fp + tn)
        compared = ("recall", "precision", "accuracy", *BETAS)
        values = {**own, **{f"{name}_best_constant_classifier": constant[name] for name in compared}}
        return {**values, "auc": auc(a, self.scores, weights)} if self.scores is not None else values

    def shown(self) -> dict[str, Any]:
        """The confusion matrix, the actual class outside, and the curves of the scores."""
        matrix = {
            self.names[i]: {
                self.names[j]: int(((self.actual == bool(i)) & (self.predicted == bool(j))).sum()) for j in (0, 1)
            }
            for i in (0, 1)
        }
        return {"confusion_matrix": matrix, **(curves(self.actual, self.scores) if self.scores is not None else {})}


@dataclass(frozen=True)
class _Multiclass:
    actual: NDArray[np.int64]
    predicted: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, data: Labelled) -> _Multiclass:
        names, places = np.unique([*data.labels, *data.predictions], return_inverse=True)
        rows = len(data.labels)
        return cls(actual=places[:rows], predicted=places[rows:], names=tuple(names.tolist()))

    def __call__(self, weights: Floats) -> Values:
        matrix = self._matrix(weights)
        own = _weighted(matrix)
        constant = np.zeros_like(matrix)
        constant[:, int(matrix.sum(axis=1).argmax())] = matrix.sum(axis=1)
        return {**own, **{f"{name}_best_constant_classifier": value for name, value in _weighted(constant).items()}}

    def shown(self) -> dict[str, Any]:
        """The confusion matrix, the actual class outside."""
        matrix = self._matrix(np.ones(len(self.actual))).astype(int).tolist()
        rows = (dict(zip(self.names, row, strict=True)) for row in matrix)
        return {"confusion_matrix": dict(zip(self.names, rows, strict=True))}

    def _matrix(self, weights: Floats) -> Floats:
        size = len(self.names)
        counted: Floats = np.bincount(self.actual * size + self.predicted, weights, size * size).astype(float)
        return counted.reshape(size, size)


def _weighted(matrix: Floats) -> Values:
    """Means over the classes, weighted by how frequent they are."""
    right, actual, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    recall = np.divide(right, actual, out=np.zeros_like(right), where=actual > 0)
    precision = np.divide(right, predicted, out=np.zeros_like(right), where=predicted > 0)
    share = actual / actual.sum()
    scores = {}
    for name, beta in BETAS.items():
        below = beta**2 * precision + recall
        scores[f"weighted_{name}"] = np.divide(
            (1 + beta**2) * precision * recall, below, out=np.zeros_like(right), where=below > 0
        )
    means = {"weighted_recall": recall, "weighted_precision": precision, **scores}
    return {
        "accuracy": float(right.sum() / actual.sum()),
        **{name: float((each * share).sum()) for name, each in means.items()},
    }


def _rates(tp: float, fp: float, fn: float, tn: float) -> Values:
    recall, precision = _share(tp, tp + fn), _share(tp, tp + fp)
    scores = {name: _share((1 + b * b) * precision * recall, b * b * precision + recall) for name, b in BETAS.items()}
    return {
        "recall": recall,
        "precision": precision,
        "accuracy": _share(tp + tn, tp + fp + fn + tn),
        "true_positive_rate": recall,
        "true_negative_rate": _share(tn, tn + fp),
        "false_positive_rate": _share(fp, tn + fp),
        "false_negative_rate": _share(fn, tp + fn),
        **scores,
    }


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def auc(actual: NDArray[np.bool_], scores: Floats, weights: Floats) -> float:
    """The chance that a positive row has a higher score than a negative one; equal scores count half. 0 where one class is missing."""
    values, places = np.unique(scores, return_inverse=True)
    up = np.bincount(places, weights * actual, len(values))
    down = np.bincount(places, weights * ~actual, len(values))
    pairs = up.sum() * down.sum()
    return float((up * (np.cumsum(down) - down / 2)).sum() / pairs) if pairs else 0.0


def curves(actual: NDArray[np.bool_], scores: Floats) -> dict[str, Any]:
    """The ROC and the precision-recall curve at each score, 200 points of them at most."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    tp, fp = np.cumsum(actual[order])[ends], np.cumsum(~actual[order])[ends]
    at = np.unique(np.linspace(0, len(ends) - 1, min(CURVE, len(ends))).astype(int))
    tp, fp = tp[at], fp[at]
    recall = tp / max(1, int(actual.sum()))
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, *(fp / max(1, int((~actual).sum()))).tolist()],
            "true_positive_rates": [0.0, *recall.tolist()],
        },
        "precision_recall_curve": {"precisions": [1.0, *(tp / (tp + fp)).tolist()], "recalls": [0.0, *recall.tolist()]},
    }
