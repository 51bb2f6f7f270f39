"""Bias metrics of SageMaker Clarify, before and after training: of a facet's rows (the sensitive ones) against all others.

In: what each row is; out: a value for each metric, or why there is none. What has nothing to divide by is 0, or infinite, as in Clarify.
Source: AWS Developer Guide, "Measure Pre-training Bias" and "Measure Post-training Data and Model Bias"; values are held to smclarify's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fogbank.monitor.sketch import Floats

Flags = NDArray[np.bool_]
NEIGHBOURS, FEW = 5, 9
"""The flip test asks five neighbours, of nine rows or fewer one."""
BLOCK = 1 << 22


class BiasError(ValueError):
    """A metric that cannot be told of this data; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Of each row: whether it is of the facet, has the positive label, was predicted to; its group, and its numbers for the flip test."""

    facet: Flags
    label: Flags
    predicted: Flags | None = None
    group: NDArray[np.str_] | None = None
    numbers: Floats | None = None

    def sides(self) -> tuple[Side, Side]:
        """The others (advantaged, `a`), and the facet (disadvantaged, `d`). Raises BiasError where one is empty."""
        if not self.facet.any():
            raise BiasError("Facet set is empty")
        if self.facet.all():
            raise BiasError("Negated facet set is empty")
        predicted = self.label if self.predicted is None else self.predicted
        return Side.of(~self.facet, self.label, predicted), Side.of(self.facet, self.label, predicted)


@dataclass(frozen=True, kw_only=True)
class Side:
    """How many rows of one side were rightly and wrongly predicted."""

    tp: int
    fp: int
    fn: int
    tn: int

    @classmethod
    def of(cls, rows: Flags, label: Flags, predicted: Flags) -> Side:
        """Of those rows."""
        y, p = label[rows], predicted[rows]
        return cls(tp=int((y & p).sum()), fp=int((~y & p).sum()), fn=int((y & ~p).sum()), tn=int((~y & ~p).sum()))

    @property
    def rows(self) -> int:
        """All."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def positive(self) -> int:
        """Those of the positive label."""
        return self.tp + self.fn

    @property
    def accepted(self) -> int:
        """Those that were predicted positive."""
        return self.tp + self.fp


Measure = Callable[[Rows], float]


def _sides(measure: Callable[[Side, Side], float]) -> Measure:
    return lambda rows: measure(*rows.sides())


def _distributions(measure: Callable[[Floats, Floats], float]) -> Measure:
    """Of the labels' shares on both sides; a label that one side lacks is left out, as in Clarify."""

    def measured(rows: Rows) -> float:
        a, d = rows.sides()
        one, two = (np.array([side.positive, side.rows - side.positive]) / side.rows for side in (a, d))
        both = (one > 0) & (two > 0)
        if not both.any():
            raise BiasError("No instance of common facet found, dataset may be too small")
        return measure(one[both], two[both])

    return measured


def divided(part: float, whole: float) -> float:
    """0 where both are 0, infinite where the whole is."""
    if whole:
        return part / whole
    return math.copysign(math.inf, part) if part else 0.0


def _apart(one: float, two: float) -> float:
    return 0.0 if one == two else one - two


def disparity(rows: Rows, accepted: Flags) -> float:
    """Conditional demographic disparity: the facet's share of the rejected less that of the accepted, by the group's size."""
    if rows.group is None:
        raise BiasError("Group variable is empty or not provided")
    for there, word in ((accepted, "positive"), (~accepted, "negative")):
        if not there.any():
            raise BiasError(f"No {word} labels in set")
    total = 0.0
    for group in np.unique(rows.group):
        own = rows.group == group
        taken, left = own & accepted, own & ~accepted
        accepted_share = (taken & rows.facet).sum() / taken.sum() if taken.any() else 0.0
        rejected_share = (left & rows.facet).sum() / left.sum() if left.any() else 0.0
        total += float(own.sum() * (rejected_share - accepted_share))
    return total / len(rows.facet)


def _entropy(rows: Rows) -> float:
    """Half the squared coefficient of variation of the benefits."""
    benefit = _predicted(rows).astype(float) - rows.label + 1
    if not benefit.any():
        raise BiasError(
            "All predicted labels are false negatives. There should be at least one prediction that is not false negative."
        )
    return float(((benefit / benefit.mean()) ** 2 - 1).sum() / (2 * len(benefit)))


def flip_test(rows: Rows) -> float:
    """How the facet's rows would have been predicted as their nearest neighbours among the others: accepted more often, less rejected."""
    rows.sides()
    if rows.numbers is None:
        raise BiasError("FlipTest does not support non-numeric columns")
    predicted = _predicted(rows)
    known, asked = rows.numbers[~rows.facet], rows.numbers[rows.facet]
    outcomes, given = predicted[~rows.facet], predicted[rows.facet]
    count = NEIGHBOURS if len(known) > FEW else 1
    flips = 0
    step = max(1, BLOCK // (len(known) * known.shape[1] or 1))
    for start in range(0, len(asked), step):
        apart = ((asked[start : start + step, None, :] - known[None, :, :]) ** 2).sum(axis=2)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :count]
        would = outcomes[nearest].sum(axis=1) * 2 > count
        own = given[start : start + step]
        flips += int((own & ~would).sum()) - int((~own & would).sum())
    return flips / len(asked)


def _predicted(rows: Rows) -> Flags:
    if rows.predicted is None:
        raise BiasError("there are no predicted labels")
    return rows.predicted


PRE_TRAINING: Mapping[str, tuple[str, Measure]] = {
    "CDDL": ("Conditional Demographic Disparity in Labels (CDDL)", lambda rows: disparity(rows, rows.label)),
    "CI": ("Class Imbalance (CI)", _sides(lambda a, d: (a.rows - d.rows) / (a.rows + d.rows))),
    "DPL": (
        "Difference in Positive Proportions in Labels (DPL)",
        _sides(lambda a, d: a.positive / a.rows - d.positive / d.rows),
    ),
    "JS": (
        "Jensen-Shannon Divergence (JS)",
        _distributions(lambda a, d: float((a * np.log(2 * a / (a + d)) + d * np.log(2 * d / (a + d))).sum()) / 2),
    ),
    "KL": ("Kullback-Liebler Divergence (KL)", _distributions(lambda a, d: float((a * np.log(a / d)).sum()))),
    "KS": ("Kolmogorov-Smirnov Distance (KS)", _distributions(lambda a, d: float(np.abs(a - d).max()))),
    "LP": ("L-p Norm (LP)", _distributions(lambda a, d: float(np.sqrt(((a - d) ** 2).sum())))),
    "TVD": ("Total Variation Distance (TVD)", _distributions(lambda a, d: float(np.abs(a - d).sum()) / 2)),
}
POST_TRAINING: Mapping[str, tuple[str, Measure]] = {
    "AD": (
        "Accuracy Difference (AD)",
        _sides(lambda a, d: divided(a.tp + a.tn, a.rows) - divided(d.tp + d.tn, d.rows)),
    ),
    "CDDPL": (
        "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
        lambda rows: disparity(rows, _predicted(rows)),
    ),
    "DAR": (
        "Difference in Acceptance Rates (DAR)",
        _sides(lambda a, d: _apart(divided(a.tp, a.accepted), divided(d.tp, d.accepted))),
    ),
    "DCA": (
        "Difference in Conditional Acceptance (DCA)",
        _sides(lambda a, d: _apart(divided(a.positive, a.accepted), divided(d.positive, d.accepted))),
    ),
    "DCR": (
        "Difference in Conditional Rejection (DCR)",
        _sides(lambda a, d: _apart(divided(d.fp + d.tn, d.fn + d.tn), divided(a.fp + a.tn, a.fn + a.tn))),
    ),
    "DI": (
        "Disparate Impact (DI)",
        _sides(lambda a, d: divided(d.accepted / d.rows, a.accepted / a.rows)),
    ),
    "DPPL": (
        "Difference in Positive Proportions in Predicted Labels (DPPL)",
        _sides(lambda a, d: a.accepted / a.rows - d.accepted / d.rows),
    ),
    "DRR": (
        "Difference in Rejection Rates (DRR)",
        _sides(lambda a, d: _apart(divided(d.tn, d.tn + d.fn), divided(a.tn, a.tn + a.fn))),
    ),
    "FT": ("Flip Test (FT)", flip_test),
    "GE": ("Generalized Entropy (GE)", _entropy),
    "RD": ("Recall Difference (RD)", _sides(lambda a, d: _apart(divided(a.tp, a.positive), divided(d.tp, d.positive)))),
    "SD": (
        "Specificity Difference (SD)",
        _sides(lambda a, d: _apart(divided(d.tn, d.tn + d.fp), divided(a.tn, a.tn + a.fp))),
    ),
    "TE": ("Treatment Equality (TE)", _sides(lambda a, d: _apart(divided(d.fn, d.fp), divided(a.fn, a.fp)))),
}


def measured(rows: Rows, metrics: Mapping[str, tuple[str, Measure]]) -> list[dict[str, object]]:
    """The metrics as analysis.json has them: `value` is a number, `Infinity` or `-Infinity` as a text, or null beside an `error`."""
    found: list[dict[str, object]] = []
    for name, (description, measure) in metrics.items():
        try:
            value = measure(rows)
        except BiasError as error:
            found.append({"name": name, "description": description, "value": None, "error": str(error)})
        else:
            told: object = value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
            found.append({"name": name, "description": description, "value": told})
    return found
