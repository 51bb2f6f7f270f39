"""The monitor's analyzer: a profile and all checks of 1,000,000 x 20, from arrays and from CSV, and how often shifts are told.

`python benchmarks/bench_monitor.py [--rows 1000000] [--windows 2000]`. What is timed: missing and different values, moments, quantiles,
frequent values, SageMaker's checks and shifts.json; the baseline's profile is made before. Memory is the process's own, beside a tenth
of the rows. The power curve: of windows of 500 rows x 20 features of which one is moved by so many deviations, the share in which that
one is told, by fogbank's shifts (one false alarm in twenty windows), by SageMaker's rule (Robust, 0.1), and how often another one is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import tell

from fogbank.monitor.constraints import suggest_constraints, violations
from fogbank.monitor.files import profile_files
from fogbank.monitor.profile import Document, Profile
from fogbank.monitor.shifts import shifts

COLUMNS = 20
CHUNK = 1 << 16


def table(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Twenty columns of normal values."""
    g = np.random.default_rng(seed)
    return {f"c{i}": g.normal(size=rows) for i in range(COLUMNS)}


def profile(columns: dict[str, np.ndarray], rows: int) -> Profile:
    """By the chunk."""
    found = Profile()
    for start in range(0, rows, CHUNK):
        part = {name: values[start : start + CHUNK] for name, values in columns.items()}
        found.add(part, min(CHUNK, rows - start))
    return found


def judge(found: Profile, base: Document, constraints: Document) -> None:
    """Every check, and every shift."""
    now = found.document()
    violations(found, now, constraints, base)
    shifts(base, now)


def from_arrays(rows: int) -> float:
    """Seconds."""
    columns = table(rows)
    base = profile(table(min(rows, 100_000), 1), min(rows, 100_000)).document()
    constraints = suggest_constraints(base)
    started = time.perf_counter()
    judge(profile(columns, rows), base, constraints)
    return time.perf_counter() - started


def from_csv(file: Path) -> float:
    """Seconds."""
    base = profile(table(100_000, 1), 100_000).document()
    constraints = suggest_constraints(base)
    started = time.perf_counter()
    judge(profile_files([file], "csv", {}).profile, base, constraints)
    return time.perf_counter() - started


def written(folder: Path, rows: int) -> Path:
    """A CSV of so many rows, of six digits."""
    file = folder / f"{rows}.csv"
    columns = table(rows)
    with file.open("w") as out:
        out.write(",".join(columns) + "\n")
        for start in range(0, rows, CHUNK):
            block = np.column_stack([values[start : start + CHUNK] for values in columns.values()])
            np.savetxt(out, block, fmt="%.6f", delimiter=",")
    return file


def alone(work: Callable[..., float], *arguments: object) -> tuple[float, float]:
    """Seconds, and the most memory in MB, of work in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work, arguments))


def _measured(work: Callable[..., float], arguments: tuple[object, ...]) -> tuple[float, float]:
    seconds = work(*arguments)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def power(windows: int, move: float) -> tuple[float, float, float]:
    """The shares of windows in which fogbank told the feature that moved, SageMaker's rule did, and fogbank told another one."""
    g = np.random.default_rng(int(move * 1000))
    told = sagemaker = others = 0
    for _ in range(windows):
        base, now = (profile({f"c{i}": g.normal(size=500) for i in range(COLUMNS)}, 500) for _ in range(2))
        moved = Profile()
        moved.add({"c0": g.normal(size=500) + move}, 500)
        now.columns["c0"] = moved.columns["c0"]
        before, after = base.document(), now.document()
        found = set(shifts(before, after)["shifted"])
        told += "c0" in found
        others += bool(found - {"c0"})
        fired = violations(now, after, suggest_constraints(before), before)
        sagemaker += any(
            item["feature_name"] == "c0" and item["constraint_check_type"] == "baseline_drift_check" for item in fired
        )
    return told / windows, sagemaker / windows, others / windows


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--windows", type=int, default=2000)
    asked = parser.parse_args()
    arrays = [alone(from_arrays, asked.rows) for _ in range(3)]
    tell(f"{asked.rows} x {COLUMNS} from arrays", [seconds for seconds, _ in arrays], 1.5)
    with tempfile.TemporaryDirectory() as folder:
        small, large = (written(Path(folder), rows) for rows in (asked.rows // 10, asked.rows))
        files = [alone(from_csv, large) for _ in range(3)]
        tell(f"{asked.rows} x {COLUMNS} from CSV", [seconds for seconds, _ in files], 2.0)
        print(
            f"memory from CSV: {alone(from_csv, small)[1]:.0f} MB for {asked.rows // 10} rows, {files[0][1]:.0f} MB for {asked.rows}"
        )
    print("moved by   fogbank   SageMaker   another feature (fogbank)")
    for move in (0.0, 0.1, 0.2, 0.3, 0.5, 0.8):
        told, sagemaker, others = power(asked.windows if not move else max(1, asked.windows // 10), move)
        print(f"{move:8.1f} {told:9.3f} {sagemaker:11.3f} {others:16.3f}")


if __name__ == "__main__":
    main()
