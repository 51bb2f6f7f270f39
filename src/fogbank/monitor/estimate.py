"""How good a model is before labels come: what its own probabilities promise, with an interval; and whether the labels kept to it.

In: probabilities of the positive class and the threshold; out: expected accuracy, precision, recall and F1, each with an interval of 95 %.
Where labels are there, each interval is held against what they say: over many windows it should hold 95 % of them. Assumes probabilities
that are calibrated: an estimate knows nothing of a shift that the model does not see. Source: the Poisson binomial distribution; Garg
et al., "Leveraging unlabeled data to predict out-of-distribution performance" (2022), on what such estimates rest on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from fogbank.monitor.sketch import Floats

Document = dict[str, Any]
DRAWS, SEED, SHARE = 1000, 7, 0.95
ASSUMES = "probabilities are calibrated, and rows independent"


class Counts(NamedTuple):
    """True and false positives, false and true negatives, of each draw."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats


METRICS: Mapping[str, Callable[[Counts], Floats]] = {
    "accuracy": lambda c: (c.tp + c.tn) / (c.tp + c.fp + c.fn + c.tn),
    "precision": lambda c: _over(c.tp, c.tp + c.fp),
    "recall": lambda c: _over(c.tp, c.tp + c.fn),
    "f1": lambda c: _over(2 * c.tp, 2 * c.tp + c.fp + c.fn),
}


def estimated(probabilities: Floats, threshold: float = 0.5) -> Document:
    """The document of an estimate. Raises ValueError for probabilities that are none, or no rows.

    >>> estimated(np.array([0.9, 0.9, 0.1]))["metrics"]["accuracy"]["value"]
    0.9
    """
    if not len(probabilities) or not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("an estimate needs probabilities from 0 to 1")
    positive = probabilities > threshold
    expected = _counts(probabilities[positive][None, :], probabilities[~positive][None, :])
    random = np.random.default_rng(SEED)
    drawn = _counts(*(_truths(part, random) for part in (probabilities[positive], probabilities[~positive])))
    metrics = {}
    for name, metric in METRICS.items():
        low, high = np.quantile(metric(drawn), [(1 - SHARE) / 2, (1 + SHARE) / 2])
        metrics[name] = {"value": float(metric(expected)[0]), "interval": [float(low), float(high)]}
    return {"rows": len(probabilities), "threshold": threshold, "assumptions": ASSUMES, "metrics": metrics}


def audited(estimate: Document, true: Mapping[str, float]) -> Document:
    """The estimate with what labels say: each metric's `realised` value, and whether the interval has it."""
    metrics = {
        name: {**own, "realised": true[name], "held": own["interval"][0] <= true[name] <= own["interval"][1]}
        if name in true
        else own
        for name, own in estimate["metrics"].items()
    }
    return {**estimate, "metrics": metrics}


def _truths(probabilities: Floats, random: np.random.Generator) -> Floats:
    """Which rows of these probabilities are positive, drawn a thousand times; of many rows only the share that is."""
    mean, spread = probabilities.sum(), float(np.sqrt((probabilities * (1 - probabilities)).sum()))
    if len(probabilities) <= DRAWS:
        return (random.random((DRAWS, len(probabilities))) < probabilities).astype(np.float64)
    share = np.clip(random.normal(mean, spread, (DRAWS, 1)) / len(probabilities), 0, 1)
    return np.broadcast_to(share, (DRAWS, len(probabilities)))


def _counts(positive: Floats, negative: Floats) -> Counts:
    """True and false positives, false and true negatives, of what is true of rows that are told positive, and negative."""
    tp, fn = positive.sum(axis=1), negative.sum(axis=1)
    return Counts(tp=tp, fp=positive.shape[1] - tp, fn=fn, tn=negative.shape[1] - fn)


def _over(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)
