"""European options by Black and Scholes, priced by QuantLib: a callable of rows, as any code may be a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import QuantLib as ql  # noqa: N813 - as its own documentation calls it


class Pricer:
    """Prices of calls. The columns are spot, strike, rate and volatility a year, and years to expiry."""

    def __call__(self, rows: Any) -> Any:
        """Shape (rows, 5) to (rows,)."""
        return np.array([self._price(*row) for row in np.asarray(rows, dtype=float).tolist()])

    @staticmethod
    def _price(spot: float, strike: float, rate: float, volatility: float, years: float) -> float:
        payoff = ql.PlainVanillaPayoff(ql.Option.Call, strike)
        discount = float(np.exp(-rate * years))
        formula = ql.BlackCalculator(payoff, spot / discount, volatility * years**0.5, discount)
        return float(formula.value())
