"""The monitor's analyzer: a profile and all checks of 1,000,000 x 20, from arrays and from CSV, and how often shifts are told.

`python benchmarks/bench_monitor.py [--rows 1000000] [--windows 2000] [--wide 200000]`, where 0 leaves a part out. What is timed: missing and
different values, moments, quantiles, frequent values, SageMaker's checks and shifts.json; the baseline's profile is made before. CSV is read by
as many processes as there are cores; processor time is all of theirs, and that of one alone is beside it. Memory is the process's own, beside a
tenth of the rows. The power curve: of windows of 500 rows x 20 features of which one is moved by so many deviations, the share in which that
one is told, by fogbank's shifts (one false alarm in twenty windows), by SageMaker's rule (Robust, 0.1), by Evidently's drift preset, and how
often another one is. Evidently and NannyML run in environments of their own, over the same arrays; what is compared is processor time, and what
they time is a drift of each column alone (Evidently's preset; NannyML's Jensen-Shannon and Kolmogorov-Smirnov), no profile.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import tell
from side_by_side import python_of

from fogbank.monitor.constraints import suggest_constraints, violations
from fogbank.monitor.files import profile_files
from fogbank.monitor.profile import Document, Profile
from fogbank.monitor.shifts import shifts

COLUMNS = 20
WIDE = 500
WINDOW = 500
PEERS = {
    "drift_nannyml": ("nannyml==0.13.1", "statsmodels", "pandas<3", "setuptools<81"),
    "drift_evidently": ("evidently==0.7.23", "pandas<3"),
}
CHUNK = 1 << 16


def table(rows: int, seed: int = 0, columns: int = COLUMNS) -> dict[str, np.ndarray]:
    """Columns of normal values."""
    g = np.random.default_rng(seed)
    return {f"c{i}": g.normal(size=rows) for i in range(columns)}


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


def reference_rows(rows: int, columns: int) -> int:
    """How many rows the baseline has: as many values as 100,000 of 20 columns."""
    return min(rows, 100_000 * COLUMNS // columns)


def processor_from_arrays(rows: int, columns: int = COLUMNS) -> float:
    """Seconds of processor time."""
    arrays, known = table(rows, 0, columns), reference_rows(rows, columns)
    base = profile(table(known, 1, columns), known).document()
    constraints = suggest_constraints(base)
    started = time.process_time()
    judge(profile(arrays, rows), base, constraints)
    return time.process_time() - started


def peer(name: str, base: np.ndarray, now: np.ndarray) -> dict[str, float]:
    """What a peer says of two tables, or of many pairs of them."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "base.npy", base)
        np.save(Path(folder) / "now.npy", now)
        script = Path(__file__).parent / "peers" / f"{name}.py"
        environment = {**os.environ, "DO_NOT_TRACK": "1", "NANNYML_TELEMETRY": "0"}
        environment.pop("PYTHONPATH", None)
        said = subprocess.run(
            [python_of(name, PEERS[name]), str(script), folder],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


def beside_peers(rows: int, columns: int = COLUMNS) -> None:
    """The same profile and checks beside each peer's drift, in processor time; one run each. A peer that does not end is told, too."""
    own, memory = alone(processor_from_arrays, rows, columns)
    print(f"{rows} x {columns} from arrays, processor time: fogbank {own:.2f} s, {memory:.0f} MB", flush=True)
    base, now = (
        np.column_stack(list(table(count, seed, columns).values()))
        for count, seed in ((reference_rows(rows, columns), 1), (rows, 0))
    )
    for name in PEERS:
        try:
            seconds = peer(name, base, now)["processor"]
        except subprocess.CalledProcessError as error:
            print(f"  {name.removeprefix('drift_')}: ended with status {error.returncode}", flush=True)
        else:
            print(f"  {name.removeprefix('drift_')}: {seconds:.2f} s, {seconds / own:.1f} times as much", flush=True)


def from_csv(file: Path, columns: int = COLUMNS) -> float:
    """Seconds."""
    rows = reference_rows(100_000, columns)
    base = profile(table(rows, 1, columns), rows).document()
    constraints = suggest_constraints(base)
    started = time.perf_counter()
    judge(profile_files([file], "csv", {}).profile, base, constraints)
    return time.perf_counter() - started


def processor_from_csv(file: Path, processes: int | None, columns: int = COLUMNS) -> float:
    """Seconds of processor time, of all processes."""
    rows = reference_rows(100_000, columns)
    base = profile(table(rows, 1, columns), rows).document()
    constraints = suggest_constraints(base)
    started = sum(os.times()[:4])
    judge(profile_files([file], "csv", {}, processes=processes).profile, base, constraints)
    return sum(os.times()[:4]) - started


def written(folder: Path, rows: int, columns: int = COLUMNS) -> Path:
    """A CSV of so many rows, of six digits."""
    file, step = folder / f"{rows}x{columns}.csv", max(1, CHUNK * COLUMNS // columns)
    with file.open("w") as out:
        out.write(",".join(f"c{i}" for i in range(columns)) + "\n")
        for start in range(0, rows, step):
            block = np.column_stack(list(table(min(step, rows - start), start, columns).values()))
            np.savetxt(out, block, fmt="%.6f", delimiter=",")
    return file


def alone(work: Callable[..., float], *arguments: object) -> tuple[float, float]:
    """Seconds, and the most memory in MB, of work in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work, arguments))


def _measured(work: Callable[..., float], arguments: tuple[object, ...]) -> tuple[float, float]:
    seconds = work(*arguments)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def windows_of(count: int, move: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of windows, count x WINDOW x COLUMNS, of which the first column of the second has moved."""
    g = np.random.default_rng(int(move * 1000))
    base, now = (g.normal(size=(count, WINDOW, COLUMNS)) for _ in range(2))
    now[:, :, 0] += move
    return base, now


def power(base: np.ndarray, now: np.ndarray) -> tuple[float, float, float]:
    """The shares of windows in which fogbank told the feature that moved, SageMaker's rule did, and fogbank told another one."""
    told = sagemaker = others = 0
    for pair in zip(base, now, strict=True):
        before, after = (profile({f"c{i}": each[:, i] for i in range(COLUMNS)}, WINDOW) for each in pair)
        first, second = before.document(), after.document()
        found = set(shifts(first, second)["shifted"])
        told += "c0" in found
        others += bool(found - {"c0"})
        fired = violations(after, second, suggest_constraints(first), first)
        sagemaker += any(
            item["feature_name"] == "c0" and item["constraint_check_type"] == "baseline_drift_check" for item in fired
        )
    return told / len(base), sagemaker / len(base), others / len(base)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--peers", type=int, default=100, help="how many windows Evidently looks at; 0: no peers")
    parser.add_argument(
        "--wide",
        type=int,
        default=0,
        help="how many rows of 500 columns are read from CSV besides; 200000 is the aim's size",
    )
    parser.add_argument("--no-csv", action="store_true", help="no wide CSV is written and read: that takes minutes")
    asked = parser.parse_args()
    if asked.rows:
        usual(asked.rows)
    if asked.wide and not asked.no_csv:
        wide(asked.wide)
    for rows, columns in ((asked.rows, COLUMNS), (asked.wide, WIDE)):
        if asked.peers and rows:
            beside_peers(rows, columns)
    if asked.windows:
        powers(asked.windows, asked.peers)


def usual(rows: int) -> None:
    """20 columns, three times each."""
    arrays = [alone(from_arrays, rows) for _ in range(3)]
    tell(f"{rows} x {COLUMNS} from arrays", [seconds for seconds, _ in arrays], 1.5)
    with tempfile.TemporaryDirectory() as folder:
        small, large = (written(Path(folder), count) for count in (rows // 10, rows))
        files = [alone(from_csv, large) for _ in range(3)]
        tell(f"{rows} x {COLUMNS} from CSV", [seconds for seconds, _ in files], 2.0)
        spent = [alone(processor_from_csv, large, count)[0] for count in (1, None)]
        print(f"processor time from CSV: {spent[0]:.2f} s by one process, {spent[1]:.2f} s by all")
        print(
            f"memory from CSV: {alone(from_csv, small)[1]:.0f} MB for {rows // 10} rows, {files[0][1]:.0f} MB for {rows}"
        )


def wide(rows: int) -> None:
    """500 columns from CSV, once."""
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder), rows, WIDE)
        seconds, memory = alone(from_csv, file, WIDE)
        spent = [alone(processor_from_csv, file, count, WIDE)[0] for count in (1, None)]
    print(f"{rows} x {WIDE} from CSV: {seconds:.1f} s, {memory:.0f} MB", flush=True)
    print(f"processor time from CSV: {spent[0]:.1f} s by one process, {spent[1]:.1f} s by all", flush=True)


def powers(windows: int, peers: int) -> None:
    """How often each tells a column that has moved by so much, and another one."""
    print("moved by   fogbank   SageMaker   Evidently   another feature: fogbank, Evidently")
    for move in (0.0, 0.1, 0.2, 0.3, 0.5, 0.8):
        base, now = windows_of(windows if not move else max(1, windows // 10), move)
        told, sagemaker, others = power(base, now)
        theirs = peer("drift_evidently", base[:peers], now[:peers]) if peers else {}
        print(
            f"{move:8.1f} {told:9.3f} {sagemaker:11.3f} {theirs.get('moved', np.nan):11.3f}"
            f" {others:25.3f} {theirs.get('another', np.nan):9.3f}"
        )


if __name__ == "__main__":
    main()
