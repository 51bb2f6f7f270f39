"""Captured traffic and its baseline: what the analyzer's tests feed it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.monitoring import CAPTURE_FORMAT, AnalyzerSettings
from fogbank.monitor import suggest
from fogbank.monitor.analyzer import analyze

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


def judged(folder: Path, lines: list[str], stats: Path, constraints: Path) -> tuple[str, dict[str, Any]]:
    """The same against statistics.json and constraints.json that are there."""
    source = folder / "input" / "ep" / "AllTraffic"
    source.mkdir(parents=True)
    (source / "x.jsonl").write_text("\n".join(lines) + "\n")
    settings = AnalyzerSettings(
        dataset_format=json.loads(CAPTURE_FORMAT), dataset_source=folder / "input", output_path=folder / "output", base_dir=folder / "ml",
        baseline_statistics=stats, baseline_constraints=constraints, start=NOON, end=NOON + timedelta(hours=1), publish_metrics=True, endpoint="ep",
    )  # fmt: skip
    message = analyze(settings)
    document: dict[str, Any] = json.loads((folder / "output" / "constraint_violations.json").read_text())
    return message, document
