"""A report of any model from what is there: its package, its scores, its baseline, its endpoint and its monitors.

In: a project; out: one document, from which the page is made. Nothing is trained or deployed, and nothing is sent to an endpoint unless
that is asked for.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from fogbank.contracts.errors import AwsError, CloudError, DataError, EngineError, FogbankError
from fogbank.contracts.manifest import Manifest
from fogbank.project.monitoring.monitor import history, newest_verdict
from fogbank.project.monitoring.verdict import Verdict
from fogbank.project.packaging.packing import serving
from fogbank.project.project import Project
from fogbank.project.reporting import judgement
from fogbank.project.reporting.conclusion import verdict_of
from fogbank.project.reporting.figures import columns_of, kind_of, same_answers
from fogbank.project.reporting.performance import performance
from fogbank.project.reporting.watched import moved, told

ASKED_ROWS, ROWS_PER_REQUEST = 200, 5
MOST_RUNS = 48
"""Executions of each monitor that are looked at: two days of an hourly one."""
MOST_LABELS = 20
"""A prediction of more values than that is a number, not a label."""
JUDGED = frozenset({"Completed", "CompletedWithViolations"})
Document = dict[str, Any]


def model_report(project: Project, stack: str = "", *, ask: bool = False) -> Document:
    """What is known of the project's model. `ask` sends rows of the baseline to its endpoint. Raises DataError, PackageError."""
    manifest = project.manifest
    predictions = _predictions(manifest, project)
    seen = _verdicts(project, stack)
    verdicts = [verdict for verdict, _ in seen]
    baseline = json.loads(manifest.statistics_path.read_text())
    watch, runs = _watch(seen)
    columns = _columns(baseline, watch, runs)
    names = set(manifest.package.output.names)
    document: Document = {
        "name": manifest.name,
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "stack": project.stack_name(stack),
        "kind": kind_of(manifest.package, predictions),
        "package": _package(manifest),
        "metrics": _metrics(project),
        "quality": _quality(project, verdicts),
        "bias": [each for item in verdicts for each in judgement.biases(item.schedule, item.results.analysis)],
        "attributions": [
            each for item in verdicts for each in judgement.attributions(item.schedule, item.results.analysis)
        ],
        "watched": _watched(watch),
        "predictions": dict(Counter(predictions).most_common()) if 0 < len(set(predictions)) <= MOST_LABELS else {},
        "outputs": [item for item in columns if item["name"] in names],
        "inputs": [item for item in columns if item["name"] not in names],
        "rows": baseline["dataset"]["item_count"],
        "monitors": [_monitored(verdict, runs) for verdict, runs in seen],
        "endpoint": _endpoint(project, manifest, stack, ask=ask),
        "checks": [],
        "steps": [],
    }
    return {**document, "verdict": verdict_of(document)}


def _package(manifest: Manifest) -> Document:
    package = manifest.package
    return {
        "sha256": manifest.artifact_sha256,
        "python": package.python,
        "served": serving(manifest),
        "handler": package.handler or "",
        "method": package.method,
        "dependencies": [line.partition(" ")[0] for line in package.requirements],
    }


def _metrics(project: Project) -> list[Document]:
    scores = _json(project, "metrics.json")
    gates = scores.get("gates") or {}
    return [
        {"name": name, "value": value, "gate": gates.get(name), "met": name not in gates or value >= gates[name]}
        for name, value in (scores.get("metrics") or {}).items()
        if isinstance(value, int | float)
    ]


def _json(project: Project, file: str) -> Document:
    """A file of training's, which need not be there."""
    try:
        document = json.loads((project.config.trained / file).read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _baseline(project: Project, most: int | None) -> list[list[str]]:
    """Rows of the baseline, its header first; none where there is none."""
    try:
        with (project.config.trained / "baseline.csv").open(newline="") as stream:
            return list(islice(csv.reader(stream), None if most is None else most + 1))
    except OSError:
        return []


def _predictions(manifest: Manifest, project: Project) -> list[str]:
    """The first column of what the model said of the baseline's rows."""
    first = next(iter(manifest.package.output.names), "")
    header, *rows = _baseline(project, None) or [[]]
    return [row[header.index(first)] for row in rows] if first in header else []


def _quality(project: Project, verdicts: Sequence[Verdict]) -> list[Document]:
    """What is known of how good the model is: of held-out rows, and of labelled records."""
    live = (judgement.monitored(item.schedule, item.statistics, item.results.curves) for item in verdicts)
    return [item for item in (judgement.held_out(_json(project, "evaluation.json")), *live) if item]


def _verdicts(project: Project, stack: str) -> list[tuple[Verdict, list[Document]]]:
    """The newest of each monitoring schedule, and its executions, the newest first; none where nothing is deployed."""
    found = []
    for name in _tried(lambda: project.names("monitoring schedule", stack)) or []:
        own = _tried(partial(project.scheduled, name, stack))
        verdict = _tried(partial(newest_verdict, *own)) if own else None
        if verdict:
            found.append((verdict, [_run(item) for item in _tried(partial(history, own[0], own[1], MOST_RUNS)) or []]))
    return found


def _run(verdict: Verdict) -> Document:
    results = verdict.results
    return {
        "at": f"{verdict.scheduled:%Y-%m-%d %H:%M}",
        "status": verdict.status,
        "judged": verdict.status in JUDGED,
        "reason": verdict.reason,
        "rows": (results.shifts.get("current") or {}).get("item_count"),
        "violations": len(results.violations),
        "moved": moved(results.violations, results.shifts),
    }


def _watch(seen: Sequence[tuple[Verdict, list[Document]]]) -> tuple[Verdict | None, list[Document]]:
    """The newest execution that looked at the data, of whichever monitor, and the runs of its monitor."""
    data = [pair for pair in seen if "features" in pair[0].statistics]
    return max(data, key=lambda pair: pair[0].scheduled, default=(None, []))


def _columns(baseline: Document, watch: Verdict | None, runs: Sequence[Document]) -> list[Document]:
    violations = watch.violations if watch else ()
    flagged = {str(item["feature_name"]) for item in violations if "feature_name" in item}
    columns = columns_of(baseline, dict(watch.statistics) if watch else {}, flagged)
    return told(columns, violations, watch.results.shifts if watch else {}, runs)


def _watched(watch: Verdict | None) -> Document | None:
    """Which execution the columns are told from."""
    if watch is None:
        return None
    rows = (watch.statistics.get("dataset") or {}).get("item_count")
    return {
        "schedule": watch.schedule,
        "at": f"{watch.scheduled:%Y-%m-%d %H:%M}",
        "rows": rows,
        "wrong": len(watch.violations),
        "stream": watch.results.shifts.get("stream"),
    }


def _tried(ask: Callable[[], Any]) -> Any:
    """What is there, or None: a report is made of whatever there is."""
    try:
        return ask()
    except (AwsError, CloudError, DataError, EngineError):
        return None


def _monitored(verdict: Verdict, runs: list[Document]) -> Document:
    return {
        "schedule": verdict.schedule,
        "status": verdict.status,
        "scheduled": f"{verdict.scheduled:%Y-%m-%d %H:%M}",
        "reason": verdict.reason,
        "idle": verdict.idle,
        "rows": (verdict.statistics.get("dataset") or {}).get("item_count"),
        "violations": [dict(item) for item in verdict.violations],
        "history": runs,
    }


def _endpoint(project: Project, manifest: Manifest, stack: str, *, ask: bool) -> Document | None:
    """The endpoint that the stack's outputs name, with its status; how it served, None where that cannot be read; and its answers beside
    what the baseline says of the same rows."""
    name = (_tried(lambda: project.outputs(stack)) or {}).get("endpoint")
    status = _tried(lambda: project.endpoint_status(str(name), stack)) if name else None
    if status is None:
        return None
    asked = _asked(project, manifest, str(name), stack) if ask else {}
    served = _tried(lambda: performance(project.clients(stack), str(name), project.now(stack)))
    return {"name": name, "status": status, "performance": served, **asked}


def _asked(project: Project, manifest: Manifest, name: str, stack: str) -> Document:
    header, *rows = _baseline(project, ASKED_ROWS) or [[]]
    if not rows:
        return {}
    outputs, inputs = (
        [header.index(column) for column in part.names] for part in (manifest.package.output, manifest.package.input)
    )
    answers: list[list[str]] = []
    try:
        for start in range(0, len(rows), ROWS_PER_REQUEST):
            body = _csv([[row[place] for place in inputs] for row in rows[start : start + ROWS_PER_REQUEST]])
            answer = project.invoke(name, body, accept="text/csv", stack=stack)
            answers += list(csv.reader(answer.body.decode().splitlines()))
    except FogbankError as error:
        return {"failed": f"{error.code}: {error.cause}"}
    expected = [[row[place] for place in outputs] for row in rows]
    return {"asked": len(rows), "same": same_answers(answers, expected)}


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    import io

    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
