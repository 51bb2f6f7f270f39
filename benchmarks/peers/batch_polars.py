"""Polars over a CSV file with the logistic pipeline as an expression. In: file, target, coefficients as JSON; out: seconds, and of processor."""

from __future__ import annotations

import json
import sys
import time

import polars as pl


def main() -> None:
    """One line of JSON."""
    file, target, model = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    wall, processor = time.perf_counter(), time.process_time()
    raw = pl.lit(model["intercept"])
    names = [f"c{number}" for number in range(len(model["weights"]))]
    for name, weight in zip(names, model["weights"], strict=True):
        raw = raw + pl.col(name) * weight
    one = 1 / (1 + (-raw).exp())
    pl.scan_csv(file, has_header=False, schema=dict.fromkeys(names, pl.Float64)).select(
        (1 - one).alias("p0"), one.alias("p1")
    ).sink_csv(target, include_header=False)
    print(json.dumps({"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}))


main()
