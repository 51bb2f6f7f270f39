"""How the next values are chosen, pure: all in order (Grid), by chance (Random), or where the best so far were (Bayesian).

In: ranges, the number of the training job, a seed, and what earlier values came to; out: values. The same for the same, also after a kill.
Bayesian is a tree-structured Parzen estimator (Bergstra et al., 2011): SageMaker's own model is not public, and its values are others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from fogbank.cloud.tuning.ranges import Choices, Range

FIRST, CANDIDATES, BEST = 4, 32, 0.25
"""How many values are chosen by chance before any by what is known; how many are weighed for each; which share is called good."""
Scored = Sequence[tuple[Mapping[str, str], float]]
"""Values and what they came to: the less the better."""


def chosen(strategy: str, ranges: Sequence[Range], number: int, seed: int, scored: Scored) -> dict[str, str]:
    """The values of the training job of a number, which begins at 0."""
    if strategy == "Grid":
        return _combination(ranges, number)
    chance = random.Random(f"{seed}/{number}")
    if strategy == "Random" or len(scored) < FIRST:
        return {each.name: each.at(chance.random()) for each in ranges}
    ordered = [values for values, _ in sorted(scored, key=lambda each: each[1])]
    count = math.ceil(len(ordered) * BEST)
    good, rest = ordered[:count], ordered[count:]
    return {each.name: _estimated(each, good, rest, chance) for each in ranges}


def _combination(ranges: Sequence[Range], number: int) -> dict[str, str]:
    values = {}
    for each in ranges:
        if isinstance(each, Choices):
            number, index = divmod(number, len(each.values))
            values[each.name] = each.values[index]
    return values


def _estimated(each: Range, good: Sequence[Mapping[str, str]], rest: Sequence[Mapping[str, str]], chance: Any) -> str:
    """The candidate that is likelier among the good than among the rest, by the most."""
    near, far = ([each.place(values[each.name]) for values in some] for some in (good, rest))
    width = max(0.05, 1 / (1 + len(near) + len(far)))
    candidates = [min(1.0, max(0.0, chance.gauss(chance.choice(near), width))) for _ in range(CANDIDATES)]
    best = max(candidates, key=lambda place: _density(place, near, width) / _density(place, far, width))
    return each.at(min(best, 1 - 1e-9))


def _density(place: float, others: Sequence[float], width: float) -> float:
    """How likely a place is, where these are: a normal distribution around each, and everything a little."""
    near = sum(math.exp(-0.5 * ((place - other) / width) ** 2) / width for other in others)
    return (1 + near) / (1 + len(others))
