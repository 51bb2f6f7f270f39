"""Evidently's drift preset over two tables; how long it takes, or how often it tells a feature that moved.

In: a folder with `base.npy` and `now.npy`, rows x columns, or windows x rows x columns of which column 0 may have moved. Out, as JSON: seconds
and seconds of processor time of one table, or the shares of windows in which column 0 is told, and another one.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

LEVEL = 0.05


def told(base: np.ndarray, now: np.ndarray) -> list[int]:
    """The columns that drifted, by the preset's own choice of method and its threshold."""
    names = [f"c{i}" for i in range(base.shape[1])]
    found = Report([DataDriftPreset()]).run(pd.DataFrame(now, columns=names), pd.DataFrame(base, columns=names)).dict()
    drifts = [metric for metric in found["metrics"] if metric["metric_name"].startswith("ValueDrift")]
    return [
        i for i, metric in enumerate(drifts)
        if (metric["value"] < LEVEL if "p_value" in metric["metric_name"] else metric["value"] >= metric["config"].get("threshold", 0.1))
    ]  # fmt: skip


def main() -> None:
    """One line of JSON."""
    base, now = (np.load(Path(sys.argv[1]) / f"{name}.npy") for name in ("base", "now"))
    if base.ndim == 2:
        wall, processor = time.perf_counter(), time.process_time()
        told(base, now)
        found = {"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}
    else:
        columns = [told(*pair) for pair in zip(base, now, strict=True)]
        found = {
            "moved": sum(0 in each for each in columns) / len(columns),
            "another": sum(any(each_column != 0 for each_column in each) for each in columns) / len(columns),
        }
    print(json.dumps(found))


main()
