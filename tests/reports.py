"""Documents of reports, made of real statistics by the functions that make a project's: what the page's tests show."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fogbank.monitor import shifts, suggest
from fogbank.project.reporting import judgement
from fogbank.project.reporting.conclusion import verdict_of
from fogbank.project.reporting.figures import columns_of
from fogbank.project.reporting.watched import moved, told

Document = dict[str, Any]
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
NAMES = (
    "mean_radius",
    "naïve Größe 体积 🎈",
    HOSTILE,
    "a_name_without_any_break_" * 12,
    "`|*_[x](javascript:alert(1))\n# h",
    "city",
)
ROWS = 300
DIFFERENT = 121
"""Columns that are made; of a table that has more, the others are as these are."""
G = np.random.default_rng(5)


def statistics(folder: Path, names: Sequence[str], shift: float) -> Document:
    """Of a table of numbers, the last column words; two in three columns are shifted. Of many columns most are as others are."""
    if len(names) > DIFFERENT:
        few = statistics(folder, [*names[: DIFFERENT - 1], names[-1]], shift)
        *numbers, words = few["features"]
        alike = [{**numbers[place % len(numbers)], "name": name} for place, name in enumerate(names[:-1])]
        return {**few, "features": [*alike, words]}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    numbers = G.normal(size=(ROWS, len(names) - 1)) + shift * (np.arange(len(names) - 1) % 3 > 0)
    words = G.choice(["Rome", "<b>Oslo</b>", "Bern"], ROWS, p=[0.2, 0.3, 0.5] if shift else [0.6, 0.3, 0.1])
    writer.writerows([*row, word] for row, word in zip(numbers.round(4).tolist(), words, strict=True))
    file = folder / "table.csv"
    file.write_text(out.getvalue(), encoding="utf-8")
    document: Document = json.loads(suggest(file, tuple(names))[0])
    return document


def drifted(folder: Path, names: Sequence[str] = NAMES) -> Document:
    """The report of a model whose data drifted two executions ago; the first column is its prediction."""
    base, now = statistics(folder, names, 0), statistics(folder, names, 1.5)
    found = shifts(base, now, outputs=names[:1])
    violations = [
        {"feature_name": name, "constraint_check_type": "baseline_drift_check", "description": f"Baseline drift distance of {name}: 0.5 exceeds threshold: 0.1"}
        for name in found["shifted"]
    ]  # fmt: skip
    history = [
        run("2026-11-26 13:00", violations, found),
        {**run("2026-11-26 12:30", [], {}), "status": "Failed", "judged": False, "reason": "no disk <i>was</i> there"},
        run("2026-11-26 12:00", violations, found),
        run("2026-11-26 11:00", [], {}),
    ]
    columns = told(columns_of(base, now, {item["feature_name"] for item in violations}), violations, found, history)
    monitor = {
        "schedule": "tumours-quality", "status": "CompletedWithViolations", "scheduled": "2026-11-26 13:00", "reason": "", "idle": 0,
        "rows": ROWS, "violations": violations, "history": history,
    }  # fmt: skip
    return concluded(
        inputs=columns[1:],
        outputs=columns[:1],
        monitors=[monitor],
        watched={"schedule": "tumours-quality", "at": "2026-11-26 13:00", "rows": ROWS, "wrong": len(violations)},
        quality=[scores(), labelled()],
        endpoint={"name": "tumours-live", "status": "InService", "performance": [served()]},
        metrics=[
            {"name": "accuracy", "value": 0.951, "gate": 0.93, "met": True},
            {"name": "recall", "value": 0.88, "gate": 0.9, "met": False},
        ],
    )


def nothing_yet(folder: Path, **changes: Any) -> Document:
    """The report of a package that was never deployed."""
    base = statistics(folder, NAMES, 0)
    columns = told(columns_of(base, {}, ()), (), {}, ())
    return concluded(inputs=columns[1:], outputs=columns[:1], **changes)


def run(at: str, violations: list[Document], found: Document) -> Document:
    """One execution of a history."""
    status = "CompletedWithViolations" if violations else "Completed"
    return {
        "at": at, "status": status, "judged": True, "reason": "", "rows": ROWS, "violations": len(violations), "moved": moved(violations, found),
    }  # fmt: skip


def concluded(**parts: Any) -> Document:
    """A document with its verdict; what is not given is not there."""
    document = {
        "name": "tumours", "made": "2026-11-26 13:05", "stack": "local", "kind": "classification",
        "package": {"sha256": "ab" * 32, "python": "3.11", "served": "as ONNX", "handler": "", "method": "predict", "dependencies": ["numpy==2.4"]},
        "metrics": [], "quality": [], "bias": [], "attributions": [], "watched": None, "predictions": {"<b>yes</b>": 3, "no": 5}, "rows": ROWS,
        "monitors": [], "endpoint": None, "checks": [], "steps": [], **parts,
    }  # fmt: skip
    return {**document, "verdict": verdict_of(document)}


def scores() -> Document:
    """Of held-out rows with scores that are calibrated."""
    chances = G.random(400)
    labels = (G.random(400) < chances).astype(int)
    said = {"labels": labels.tolist(), "predictions": (chances > 0.5).astype(int).tolist(), "scores": chances.tolist()}
    found = judgement.held_out({"held_out": said})
    assert found is not None
    return found


def labelled() -> Document:
    """Of a model quality monitor's files."""
    metric = {
        "value": 0.91,
        "standard_deviation": 0.01,
        "confidence_interval": {"level": 0.95, "low": 0.88, "high": 0.94},
    }
    own = {"confusion_matrix": {"0": {"0": 90, "1": 4}, "1": {"0": 5, "1": 101}}, "accuracy": metric, "auc": metric}
    document = {"dataset": {"item_count": 200}, "binary_classification_metrics": own}
    found = judgement.monitored("tumours-scores", document, {})
    assert found is not None
    return found


def served() -> Document:
    """A variant's seven days."""
    hours = [
        {"at": f"2026-11-26 {hour:02d}:00", "requests": 40, "errors_4xx": 1, "errors_5xx": 0, "p50_ms": 4.0 + hour / 9, "p99_ms": 9.0 + hour % 5}
        for hour in range(13)
    ]  # fmt: skip
    return {
        "variant": "AllTraffic",
        "requests": 520,
        "errors_4xx": 13,
        "errors_5xx": 0,
        "p50_ms": 4.6,
        "p99_ms": 13.0,
        "hours": hours,
    }
