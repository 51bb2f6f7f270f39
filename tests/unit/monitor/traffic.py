"""Captured traffic and its baseline: what the analyzer's tests feed it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.monitoring import CAPTURE_FORMAT, CSV_FORMAT, AnalyzerSettings
from fogbank.monitor import suggest
from fogbank.monitor.analyzer import analyze
from fogbank.monitor.stream import Window

NOON = datetime(2026, 4, 18, 12, tzinfo=UTC)
RANDOM = np.random.default_rng(3)


def baseline(folder: Path, rows: int = 400) -> tuple[Path, Path]:
    """statistics.json and constraints.json of a baseline with the columns p, a and b."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["p", "a", "b"])
    writer.writerows(
        [int(p), a, b]
        for p, a, b in zip(RANDOM.integers(0, 2, rows), RANDOM.normal(size=rows), RANDOM.normal(size=rows), strict=True)
    )
    (folder / "baseline.csv").write_text(out.getvalue())
    stats, constraints = suggest(folder / "baseline.csv", ("p", "a", "b"))
    (folder / "statistics.json").write_bytes(stats)
    (folder / "constraints.json").write_bytes(constraints)
    return folder / "statistics.json", folder / "constraints.json"


def record(answer: str, row: str, at: datetime) -> str:
    """The line of a captured CSV invocation."""
    return CaptureRecord(
        event_id="e",
        time=at,
        input=captured(row.encode(), "text/csv", "INPUT", ["text/csv"], []),
        output=captured(answer.encode(), "text/csv", "OUTPUT", ["text/csv"], []),
    ).line()


def traffic(shift: float, rows: int = 200) -> list[str]:
    """Lines of captured invocations; column a is shifted."""
    pairs = zip(RANDOM.integers(0, 2, rows), RANDOM.normal(size=rows) + shift, RANDOM.normal(size=rows), strict=True)
    return [record(f"{p}\n", f"{a},{b}\n", NOON + timedelta(minutes=5)) for p, a, b in pairs]


def run(folder: Path, lines: list[str]) -> tuple[str, dict[str, Any]]:
    """The analyzer's exit message and violations over captured lines, window [12:00, 13:00), against the baseline."""
    return judged(folder, lines, *baseline(folder))


def judged(
    folder: Path, lines: list[str], stats: Path, constraints: Path, window: Window | None = None
) -> tuple[str, dict[str, Any]]:
    """The same against statistics.json and constraints.json that are there."""
    source = folder / "input" / "ep" / "AllTraffic"
    source.mkdir(parents=True)
    (source / "x.jsonl").write_text("\n".join(lines) + "\n")
    settings = AnalyzerSettings(
        dataset_format=json.loads(CAPTURE_FORMAT), dataset_source=folder / "input", output_path=folder / "output", base_dir=folder / "ml",
        baseline_statistics=stats, baseline_constraints=constraints, start=NOON, end=NOON + timedelta(hours=1), publish_metrics=True, endpoint="ep",
    )  # fmt: skip
    message = analyze(settings, window)
    document: dict[str, Any] = json.loads((folder / "output" / "constraint_violations.json").read_text())
    return message, document


def analyzed(folder: Path, name: str, rows: Sequence[Sequence[str]], baseline: Path | None = None) -> str:
    """The verdict of a CSV whose first row is its header, against a folder of a baseline."""
    (folder / name).mkdir()
    (folder / name / "d.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    return analyze(AnalyzerSettings(
        dataset_format=json.loads(CSV_FORMAT), dataset_source=folder / name, output_path=folder / f"{name}-out", base_dir=folder / "ml",
        baseline_statistics=baseline and baseline / "statistics.json", baseline_constraints=baseline and baseline / "constraints.json",
    ))  # fmt: skip
