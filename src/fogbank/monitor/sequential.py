"""A shift of a live stream, told at any time: evidence that grows row by row and may be looked at after each of them.

In: reference rows, then the stream's, in their order; out: evidence against "the stream is as the reference", whose chance to ever pass
1/level without a shift is at most the level, however often it is looked at (Ville's inequality). Sources: Vovk, Nouretdinov, Gammerman,
"Testing exchangeability on-line" (2003); Wang, Ramdas, "False discovery rate control with e-values" (2022).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fogbank.monitor.sketch import Floats

STAKES = np.array([-1.6, -0.8, -0.4, -0.2, 0.2, 0.4, 0.8, 1.6])
"""What is bet on a rank above the middle, and on one far from it: the evidence is the mean of all these bets."""
REMEMBERED = 4096
"""Of a larger reference so many values are kept, drawn at random."""
FEWEST = 20
AT_ONCE = 4096


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a stream has shown of a column: `e_value` is the evidence now, `p_value` the chance of the most that it ever was.

    It assumes rows that could have come in any order, if nothing shifts. `smallest_detectable` is how far the share of the stream's values
    above a random one of the reference must be from one half for so many rows to pass the level, at best.
    """

    e_value: float
    p_value: float
    rows: int
    smallest_detectable: float


class Sequential:
    """The evidence of one column. Each value is ranked among all that came before it, the reference first.

    Missing values are left out. What it knows grows with the stream: begin another one, with the same reference, for each period that is
    to be judged. Raises ValueError for a reference of fewer than 20 values.
    """

    def __init__(self, reference: Floats, *, seed: int = 0, level: float = 0.05) -> None:
        values = reference[~np.isnan(reference)]
        if len(values) < FEWEST:
            raise ValueError(f"a sequential test needs {FEWEST} values of the reference: there are {len(values)}")
        self._random, self._level = np.random.default_rng(seed), level
        kept = self._random.permutation(len(values))[:REMEMBERED]
        self._known: list[float] = np.sort(values[kept]).tolist()
        self._bets = np.zeros((2, len(STAKES)))
        self._most = 0.0
        self._rows = 0

    def add(self, values: Floats) -> Evidence:
        """Take values of the stream, in their order."""
        there = values[~np.isnan(values)]
        for start in range(0, len(there), AT_ONCE):
            self._bet(np.array([self._rank(value) - 0.5 for value in there[start : start + AT_ONCE].tolist()]))
        return self.evidence()

    def _bet(self, ranks: Floats) -> None:
        """Bet on each rank in turn, from the middle."""
        gained = np.log1p(np.array([ranks, 2 * np.abs(ranks) - 0.5])[..., None] * STAKES)
        gained[:, 0] += self._bets
        bets = np.cumsum(gained, axis=1)
        self._bets = bets[:, -1]
        self._most = max(self._most, float(_mean(bets).max()))
        self._rows += len(ranks)

    def evidence(self) -> Evidence:
        """What there is so far."""
        at_best = math.sqrt(-math.log(self._level) / (6 * self._rows)) if self._rows else 0.5
        return Evidence(
            e_value=math.exp(min(700.0, float(_mean(self._bets)))),
            p_value=min(1.0, math.exp(-self._most)),
            rows=self._rows,
            smallest_detectable=min(0.5, at_best),
        )

    def _rank(self, value: float) -> float:
        """The share of what is known that is below a value, drawn where values are equal; the value is known from then on.

        Its place among all that came before and itself is even for rows in any order, however small the reference is.
        """
        below, above = bisect_left(self._known, value), bisect_right(self._known, value)
        self._known.insert(above, value)
        return float((below + self._random.random() * (above - below + 1)) / len(self._known))


def _mean(bets: Floats) -> Floats:
    """The logarithm of the mean of what the bets have become: of each row of 2 x 8."""
    most = bets.max(axis=(0, -1), keepdims=True)
    mean: Floats = np.log(np.exp(bets - most).mean(axis=(0, -1))) + most[0, ..., 0]
    return mean


class Stream:
    """The evidence of every column of a stream of rows; `level` is the share of false alarms among the columns that alarm, at any time."""

    def __init__(self, reference: Mapping[str, Floats], *, seed: int = 0, level: float = 0.05) -> None:
        self._level = level
        self._columns = {
            name: Sequential(values, seed=seed + number, level=level / len(reference))
            for number, (name, values) in enumerate(reference.items())
        }

    def add(self, rows: Mapping[str, Floats]) -> Mapping[str, Evidence]:
        """Take rows, as columns of the reference's names. Raises KeyError for another one."""
        for name, values in rows.items():
            self._columns[name].add(values)
        return {name: column.evidence() for name, column in self._columns.items()}

    def shifted(self) -> list[str]:
        """The columns that have shifted, by what they have shown so far: e-BH, which holds whatever depends on what."""
        evidence = {name: column.evidence().e_value for name, column in self._columns.items()}
        return alarms(evidence, self._level)


def alarms(evidence: Mapping[str, float], level: float) -> list[str]:
    """The names whose evidence passes, with the share of false ones among them at most the level.

    >>> alarms({"a": 50.0, "b": 1.0}, 0.05)
    ['a']
    """
    ordered: Sequence[str] = sorted(evidence, key=lambda name: -evidence[name])
    passing = [place for place, name in enumerate(ordered, 1) if evidence[name] * place * level >= len(ordered)]
    return list(ordered[: max(passing, default=0)])
