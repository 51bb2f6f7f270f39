"""`python -m model.train`: nothing is fitted; the pricer is pickled, and prices some options for the monitor's baseline."""

from __future__ import annotations

import joblib
import numpy as np

from model.leave import folder, leave
from model.pricer import Pricer

NAMES = ("spot", "strike", "rate", "volatility", "years")


def main() -> None:
    """Leave the pricer."""
    drawn = np.random.default_rng(0)
    low, high = (80, 80, 0.0, 0.1, 0.1), (120, 120, 0.05, 0.5, 3)
    rows = drawn.uniform(low, high, size=(50, 5)).round(3)
    pricer = Pricer()
    joblib.dump(pricer, folder() / "model.joblib")
    columns = {name: rows[:, place].tolist() for place, name in enumerate(NAMES)}
    leave(columns, {"price": pricer(rows).tolist()})


if __name__ == "__main__":
    main()
