"""NannyML's univariate drift (Jensen-Shannon and Kolmogorov-Smirnov) over two tables: how long it takes.

In: a folder with `base.npy` and `now.npy`, rows x columns; out, as JSON: seconds, and seconds of processor time.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import nannyml
import numpy as np
import pandas as pd


def main() -> None:
    """One line of JSON."""
    base, now = (np.load(Path(sys.argv[1]) / f"{name}.npy") for name in ("base", "now"))
    names = [f"c{i}" for i in range(base.shape[1])]
    before, after = pd.DataFrame(base, columns=names), pd.DataFrame(now, columns=names)
    wall, processor = time.perf_counter(), time.process_time()
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names, continuous_methods=["kolmogorov_smirnov", "jensen_shannon"], chunk_number=1
    )
    calculator.fit(before).calculate(after)
    print(json.dumps({"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}))


main()
