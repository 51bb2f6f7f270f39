"""Chances under no shift, and what many of them together say. numpy alone: the analyzer runs in the model's own image.

Sources: Abramowitz, Stegun, 6.5.29 and 6.5.31 (incomplete gamma); Kolmogorov (1933) with Stephens's correction of n; Holm (1979);
Benjamini, Hochberg (1995).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

TERMS = 2000
TINY = 1e-300


def chi_square_p(statistic: float, freedom: int) -> float:
    """The chance that a chi-square of so many degrees of freedom is at least the statistic.

    >>> round(chi_square_p(3.841458820694124, 1), 12)
    0.05
    """
    return _upper_gamma(freedom / 2, statistic / 2) if freedom > 0 else 1.0


def chi_square_quantile(level: float, freedom: int) -> float:
    """The chi-square of so many degrees of freedom that is passed with the chance `level`.

    >>> round(chi_square_quantile(0.05, 1), 6)
    3.841459
    """
    low, high = 0.0, 1.0
    while chi_square_p(high, freedom) > level:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if chi_square_p(middle, freedom) > level else (low, middle)
    return high


def kolmogorov_p(distance: float, n: int, m: int) -> float:
    """The chance, about, that two samples of one distribution are at least so far apart."""
    if not n or not m or distance <= 0:
        return 1.0
    x = math.sqrt(n * m / (n + m)) * distance
    if x < 0.2:
        return 1.0
    total = math.fsum((1 if k % 2 else -1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * total))


def kolmogorov_quantile(level: float) -> float:
    """The distance, in units of sqrt((n+m)/(nm)), that is passed with the chance `level`: sqrt(-ln(level/2)/2), right to 1e-3 below 0.2."""
    return math.sqrt(-0.5 * math.log(level / 2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted by Holm: the chance of one false alarm or more is at most the level, whatever the dependence."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [1.0] * len(p_values), 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted by Benjamini and Hochberg: the share of false alarms among alarms is at most the level, for independent features."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    adjusted, lowest = [1.0] * len(p_values), 1.0
    for place, at in enumerate(order):
        lowest = min(lowest, p_values[at] * len(p_values) / (len(p_values) - place))
        adjusted[at] = lowest
    return adjusted


def _upper_gamma(a: float, x: float) -> float:
    """The regularized upper incomplete gamma function Q(a, x)."""
    if x <= 0:
        return 1.0
    if math.isinf(x):
        return 0.0
    front = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        return max(0.0, 1.0 - front * _series(a, x))
    return front * _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1.0 / a
    for n in range(1, TERMS):
        term *= x / (a + n)
        total += term
        if term < total * 1e-16:
            break
    return total


def _fraction(a: float, x: float) -> float:
    """Lentz's continued fraction."""
    b = x + 1.0 - a
    c, d = 1.0 / TINY, 1.0 / b
    value = d
    for n in range(1, TERMS):
        factor = -n * (n - a)
        b += 2.0
        d = 1.0 / (factor * d + b or TINY)
        c = b + factor / c or TINY
        value *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return value
