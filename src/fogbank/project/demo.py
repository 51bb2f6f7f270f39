"""The whole main job on the local cloud, every answer checked, ending in the model's report.

The recipe is `RECIPE`; each part takes what the parts before it know (`Demo`) and adds to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import DataError
from fogbank.project.calling.transform import run_job
from fogbank.project.monitoring.monitor import newest_verdict
from fogbank.project.packaging.comparison import compared, from_csv, in_memory, project_rows, shifted, to_csv
from fogbank.project.project import Project
from fogbank.project.report import model_report
from fogbank.project.workplace.events import Event, Listener, StepDone, Steps

ROWS_PER_REQUEST = 5
HOUR_S = 3600 + 600
"""An hour, and the ten minutes after which the monitor looks at it."""
ENDPOINT, SCHEDULE, MONITOR = "live", "nightly", "quality"


@dataclass
class Demo:
    """What is known so far; `checks` go into the report."""

    project: Project
    steps: Steps
    checks: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    expected: list[list[float]] = field(default_factory=list)


def run_demo(root: Path, events: Listener) -> dict[str, Any]:
    """Train, pack, check, deploy, invoke, batch-score and monitor; the report, with the checks and steps. Raises FogbankError."""
    steps: list[dict[str, Any]] = []

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            steps.append({"name": event.step, "outcome": event.outcome, "seconds": event.seconds})
        events(event)

    demo = Demo(Project(root, events=listen), Steps(listen))
    for part in RECIPE:
        part(demo)
    url = demo.project.cloud.address().url
    return {**model_report(demo.project), "checks": demo.checks, "steps": steps, "url": url}


def _train(demo: Demo) -> None:
    demo.project.train()


def _deploy(demo: Demo) -> None:
    demo.project.deploy()


def _invoke(demo: Demo) -> None:
    with demo.steps("invoke the endpoint") as step:
        demo.rows = project_rows(demo.project.config, demo.project.manifest)
        demo.expected = in_memory(demo.project.config, demo.rows)
        answers, latencies = _send(demo, demo.rows)
        _compare(demo, "endpoint, through boto3", answers)
        median = sorted(latencies)[len(latencies) // 2]
        step.done(f"{len(answers)} rows equal to the model in memory, p50 {median:.1f} ms")


def _transform(demo: Demo) -> None:
    with demo.steps("batch transform") as step:
        schedule = demo.project.full_name(SCHEDULE)
        result = run_job(demo.project.cloud.client, schedule, "rows.csv", to_csv(demo.rows), step.progress)
        answers = from_csv(result.outputs["rows.csv.out"])
        _compare(demo, "batch transform, through S3", answers)
        step.done(f"{len(answers)} rows equal to the model in memory")


def _watch_clean(demo: Demo) -> None:
    _watch(demo, "clean", demo.rows[::2], expect_violations=False)


def _watch_shifted(demo: Demo) -> None:
    _watch(demo, "shifted", shifted(demo.rows), expect_violations=True)


RECIPE: tuple[Callable[[Demo], None], ...] = (
    _train,
    _deploy,
    _invoke,
    _transform,
    _watch_clean,
    _watch_shifted,
)


def _send(demo: Demo, rows: Sequence[Sequence[float]]) -> tuple[list[list[float]], list[float]]:
    """Rows to the endpoint, a few a request; the answers, and each request's latency in ms."""
    answers: list[list[float]] = []
    latencies = []
    for start in range(0, len(rows), ROWS_PER_REQUEST):
        body = to_csv(rows[start : start + ROWS_PER_REQUEST])
        before = time.perf_counter()
        answer = demo.project.invoke(ENDPOINT, body)
        latencies.append((time.perf_counter() - before) * 1e3)
        answers += from_csv(answer.body)
    return answers, latencies


def _compare(demo: Demo, path: str, answers: Sequence[Sequence[float]]) -> None:
    demo.checks.append(compared(path, answers, demo.expected))


def _watch(demo: Demo, traffic: str, rows: Sequence[Sequence[float]], *, expect_violations: bool) -> None:
    """Send traffic, let an hour pass, so that the hourly monitor runs, and read its verdict."""
    with demo.steps(f"monitor {traffic} traffic") as step:
        _send(demo, rows)
        demo.project.cloud.move_clock(HOUR_S)
        verdict = newest_verdict(demo.project.cloud.client, demo.project.full_name(MONITOR))
        violations = verdict.violations
        if verdict.status not in {"Completed", "CompletedWithViolations"} or bool(violations) != expect_violations:
            raise DataError(
                "monitor-unexpected",
                f"{traffic} traffic: the execution is {verdict.status} with {len(violations)} violations ({verdict.reason})",
                f"see `fogbank monitor show {MONITOR}`",
            )
        features = sorted({item["feature_name"] for item in violations})
        names = ": " + ", ".join(features[:4]) + (" ..." if len(violations) > 4 else "") if features else ""
        step.done(f"{verdict.status}, {len(violations)} violations{names}")
