"""From a model's file to an answer of its endpoint on the local cloud, as somebody does it: `new --from`, `up`, `invoke`.

`python benchmarks/bench_frameworks.py [EXAMPLE ...]`: of these examples, CatBoost and ONNX by default. Each is trained first, and
brought twice: the first time makes its environment, and the second, which is the figure, finds it. The aim is 60 s.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fogbank.project.packaging.training import train
from fogbank.project.scaffolding.examples import write_example
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Steps, ignore

FILES = {
    "catboost": "model.cbm", "hugging-face": ".", "keras": "model.keras", "mlflow": ".", "onnx": "model.onnx", "saved-model": ".",
    "sentence-embeddings": ".", "torch-export": "model.pt2", "torch-script": "model.pt",
}  # fmt: skip
LEFT = ("schema.json", "baseline.csv", "sample.csv", "environment.json")
AIM_S = 60


def run(folder: Path, *arguments: str) -> str:
    """One command; what it says. Raises CalledProcessError."""
    command = [sys.executable, "-m", "fogbank", "-q", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def trained(example: str, folder: Path) -> tuple[Path, Path, int]:
    """The model alone, some rows under their header, and how many they are."""
    write_example(example, "made", folder / "made")
    config = load_config(folder / "made")
    train(config, Steps(ignore))
    shutil.copytree(config.trained, folder / "alone", ignore=shutil.ignore_patterns(*LEFT))
    with (config.trained / "baseline.csv").open(newline="") as stream:
        header, *lines = csv.reader(stream)
    with (config.trained / "sample.csv").open(newline="") as stream:
        width = len(next(csv.reader(stream)))
    write(folder / "rows.csv", [line[-width:] for line in (header, *lines[:20])])
    return folder / "alone" / FILES[example], folder / "rows.csv", min(20, len(lines))


def write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Rows as CSV."""
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def seconds(name: str, model: Path, rows: Path, lines: int, folder: Path) -> float:
    """How long it takes until the endpoint has answered every row."""
    started = time.perf_counter()
    run(folder, "new", name, "--from", str(model), "--sample", str(rows), "--trust")
    project = folder / name
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.fogbank]\n", "[tool.fogbank]\nport = 0\n"))
    try:
        run(project, "up")
        answer = run(project, "invoke", "live", str(rows))
        took = time.perf_counter() - started
    finally:
        run(project, "cloud", "stop")
    if len(answer.splitlines()) != lines:
        raise SystemExit(f"{name}: {len(answer.splitlines())} answers to {lines} rows")
    return took


def main() -> None:
    """Measure and print."""
    for example in sys.argv[1:] or ("catboost", "onnx"):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            asked = trained(example, folder)
            first, again = (seconds(name, *asked, folder) for name in ("first", "again"))
            told = "met" if again <= AIM_S else "MISSED"
            print(
                f"{example:<20} {again:6.1f} s, {first:6.1f} s before its environment was there  aim {AIM_S} s: {told}",
                flush=True,
            )


if __name__ == "__main__":
    main()
