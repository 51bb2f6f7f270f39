"""DuckDB over a CSV file with the logistic pipeline as an expression. In: file, target, coefficients as JSON; out: seconds, and of processor."""

from __future__ import annotations

import json
import sys
import time

import duckdb


def main() -> None:
    """One line of JSON."""
    file, target, model = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    weights = model["weights"]
    wall, processor = time.perf_counter(), time.process_time()
    columns = ", ".join(f"'c{number}': 'DOUBLE'" for number in range(len(weights)))
    raw = " + ".join([repr(model["intercept"]), *(f"c{number} * {weight!r}" for number, weight in enumerate(weights))])
    duckdb.sql(
        f"COPY (SELECT 1 - one, one FROM (SELECT 1 / (1 + exp(-({raw}))) AS one "  # noqa: S608 - numbers of our own
        f"FROM read_csv('{file}', header=false, columns={{{columns}}}))) TO '{target}' (FORMAT csv, HEADER false)"
    )
    print(json.dumps({"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}))


main()
