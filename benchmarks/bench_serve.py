"""One row over HTTP and 6 MB posts of CSV: fogbank's server beside its peers, each in an environment of its own, in one run.

`python benchmarks/bench_serve.py [SECONDS]`: seconds a measurement, 2 by default. It needs wrk (Debian: wrk), and uses nginx
for SageMaker's stack where it is installed. The aims are those of docs/figures.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from side_by_side import (
    COMPILED,
    CONSTANT,
    FASTAPI,
    NATIVE,
    NATIVE_BATCHED,
    ONE_BY_ONE,
    SAGEMAKER,
    SERVERS,
    Load,
    Model,
    PeerError,
    Server,
    csv_rows_per_second,
    load,
    running,
    train,
)  # fmt: skip

CASES = [(kind, connections, 1) for kind in ("json", "csv") for connections in (1, 8, 32)]
CASES += [("json", connections, 2) for connections in (8, 32)]
RATIOS = (
    ("lr compiled to SageMaker's stack", COMPILED, SAGEMAKER, "lr", 10),
    ("lr compiled to FastAPI by hand", COMPILED, FASTAPI, "lr", 5),
    ("lr compiled to the bare server", COMPILED, CONSTANT, "lr", 0.5),
    ("the same, one by one", ONE_BY_ONE, CONSTANT, "lr", 0.5),
    ("rf compiled to SageMaker's stack", COMPILED, SAGEMAKER, "rf", 100),
)
OWN = (COMPILED, ONE_BY_ONE, NATIVE, NATIVE_BATCHED)
"""Servers of fogbank's own: one of these that fails is a fault, and no matter of the benchmark."""
Figures = dict[tuple[str, str, str, int, int], Load]
LOOP = """
import joblib, sys, time
model, row = joblib.load(sys.argv[1]), [[float(cell) for cell in sys.argv[2].split(",")]]
import numpy as np
row = np.array(row)
model.predict_proba(row)
calls, started = 0, time.perf_counter()
while time.perf_counter() - started < 2:
    model.predict_proba(row)
    calls += 1
print(calls / (time.perf_counter() - started))
"""


def measure(server: Server, model: Model, seconds: int, folder: Path, figures: Figures) -> dict[str, float]:
    """Every case of one server and model; prints a line each."""
    alone: dict[str, float] = {}
    for workers in (1, 2):
        with running(server, model, workers) as server_up:
            if workers == 1:
                alone = {"ready": server_up.ready_s, "memory": server_up.memory_mb()}
            for kind, connections, of in CASES:
                if of != workers or (kind == "csv" and not server.reads_csv):
                    continue
                body, content_type = (
                    (model.json_body, "application/json") if kind == "json" else (model.csv_body, "text/csv")
                )
                try:
                    found = load(server_up.port, body, content_type, connections, seconds, folder)
                except PeerError as error:
                    if server in OWN:
                        raise
                    print(f"{server.name:<38} {model.name} {kind:<4} no figure: {error}", flush=True)
                    continue
                figures[server.name, model.name, kind, connections, workers] = found
                what = (
                    f"{model.name} {kind:<4} {connections:>2} connections {workers} worker{'s' if workers > 1 else ' '}"
                )
                print(
                    f"{server.name:<38} {what}  {found.rate:>8.0f}/s  p50 {found.p50:7.3f} ms  p99 {found.p99:7.3f} ms",
                    flush=True,
                )
            if workers == 1 and model.name == "lr" and server.reads_csv and server is not CONSTANT:
                alone["rows"] = csv_rows_per_second(server_up.port)
    rows = f"  {alone['rows']:>9.0f} rows/s of CSV in 6 MB posts" if "rows" in alone else ""
    print(
        f"{server.name:<38} {model.name} ready {alone['ready']:.2f} s  memory {alone['memory']:.0f} MB{rows}\n",
        flush=True,
    )
    return alone


def in_a_loop(model: Model) -> float:
    """Calls a second of the native model in a process that does nothing else."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    row = model.csv_body.strip()
    done = subprocess.run(
        [sys.executable, "-c", LOOP, str(model.joblib), row],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def tell(what: str, value: float, aim: float, unit: str, *, least: bool = True) -> None:
    """One line: a figure and its aim."""
    met = value >= aim if least else value <= aim
    print(
        f"{what:<72} {value:>9.2f} {unit:<7} aim {'at least' if least else 'at most'} {aim:g}: {'met' if met else 'MISSED'}"
    )


def judge(figures: Figures, alone: Mapping[tuple[str, str], Mapping[str, float]], models: Mapping[str, Model]) -> None:
    """The aims, each against a peer or a limit of this run."""

    def rate(server: Server, model: str, connections: int = 8, kind: str = "json") -> float:
        return figures[server.name, model, kind, connections, 1].rate

    print("aims: one worker, validation, metrics and the log of requests on")
    for connections in (8, 32):
        for what, own, peer, model, aim in RATIOS:
            if (peer.name, model, "json", connections, 1) not in figures:
                print(f"{what}, at {connections} connections: not measured, {peer.name} gave no figure")
                continue
            ratio = rate(own, model, connections) / rate(peer, model, connections)
            tell(f"{what}, at {connections} connections", ratio, aim, "x")
    for model in ("lr", "rf"):
        ours = alone[COMPILED.name, model]
        tell(
            f"{model} compiled: p99 at 8 connections",
            figures[COMPILED.name, model, "json", 8, 1].p99,
            3,
            "ms",
            least=False,
        )
        tell(f"{model} compiled: first right answer after the start", ours["ready"], 0.4, "s", least=False)
        tell(f"{model} compiled: memory of all processes", ours["memory"], 80, "MB", least=False)
        loop = in_a_loop(models[model])
        for server in (NATIVE, NATIVE_BATCHED):
            for connections in (1, 8, 32):
                share = rate(server, model, connections) / loop
                tell(
                    f"{model} {server.name.removeprefix('fogbank, ')}: of a loop in one process, {connections} connections",
                    share,
                    0.9,
                    "x",
                )
    tell("lr compiled: rows of CSV in 6 MB posts", alone[COMPILED.name, "lr"]["rows"] / 1e6, 0.6, "M/s")


def main() -> None:
    """Measure and print."""
    if shutil.which("wrk") is None:
        print("serving is not measured: wrk is not installed (Debian: wrk)")
        return
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with tempfile.TemporaryDirectory() as folder:
        models = train(Path(folder))
        figures: Figures = {}
        alone = {}
        for model in models.values():
            for server in SERVERS:
                try:
                    alone[server.name, model.name] = measure(server, model, seconds, Path(folder), figures)
                except (PeerError, OSError, HTTPException) as error:
                    if server in OWN:
                        raise
                    print(
                        f"{server.name}, {model.name}: goes no further, {type(error).__name__}: {error}\n", flush=True
                    )
        judge(figures, alone, models)


if __name__ == "__main__":
    main()
