"""`fogbank demo`: the whole main job on the local cloud, every answer checked, ending in a report.

The recipe is `STEPS`; each step takes what the steps before it found out (`Demo`) and adds to it.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from fogbank.cli.prepare import here
from fogbank.cli.report import write_report
from fogbank.cli.stack import tell, told
from fogbank.cli.terminal import Step, Terminal
from fogbank.cloud.client import CloudClient
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DataError, FogbankError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.project.checking import rehearsed
from fogbank.project.cloud import start_cloud
from fogbank.project.packing import pack, serving
from fogbank.project.service import Service
from fogbank.project.stack import LOCAL, driver, find_engine
from fogbank.project.training import train

TOLERANCE = 1e-9
SHIFTED_COLUMNS = 3
ROWS_PER_REQUEST = 5
ENDPOINT, SCHEDULE, MONITOR = "live", "nightly", "quality"


@dataclass
class Demo:
    """What is known so far; `document` becomes the report."""

    config: ProjectConfig
    service: Service
    document: dict[str, Any] = field(default_factory=lambda: {"checks": [], "monitors": [], "steps": []})
    rows: list[list[float]] = field(default_factory=list)
    expected: list[list[float]] = field(default_factory=list)

    @property
    def manifest(self) -> Manifest:
        """The package."""
        return load_manifest(self.config.package)


@click.command()
@click.pass_obj
def demo(terminal: Terminal) -> None:
    """Train, pack, deploy, invoke, batch-score and monitor on the local cloud; ends with a report to look at."""
    config = here()
    found = Demo(config, Service(config))
    started = time.perf_counter()
    for name, work in STEPS:
        with terminal.step(name) as step:
            work(found, step)
        found.document["steps"].append({"name": name, "outcome": step.outcome, "seconds": step.seconds()})
    _report(found)
    terminal.note(f"\nthe whole job took {time.perf_counter() - started:.1f} s")
    terminal.result(_farewell(found))


def _train(found: Demo, step: Step) -> None:
    train(found.config)
    scores = json.loads((found.config.trained / "metrics.json").read_text())
    found.document |= {
        "metrics": scores["metrics"],
        "evaluation": json.loads((found.config.trained / "evaluation.json").read_text()),
    }
    step.done(f"{found.document['evaluation']['family']}, ROC AUC {scores['metrics']['roc_auc']:.4f}")


def _pack(found: Demo, step: Step) -> None:
    manifest = pack(found.config)
    found.document |= {"name": manifest.name, "artifact_sha256": manifest.artifact_sha256}
    step.done(f"{manifest.artifact} sha256 {manifest.artifact_sha256[:12]}, {serving(manifest)}")


def _check(found: Demo, step: Step) -> None:
    step.done(rehearsed(found.config, found.manifest))


def _cloud(found: Demo, step: Step) -> None:
    step.done(start_cloud(found.config).url)


def _up(found: Demo, step: Step) -> None:
    engine = find_engine(step.tell)
    step.done(told(driver(found.config, engine, LOCAL).up(tell(step))))


def _invoke(found: Demo, step: Step) -> None:
    found.rows = read_rows(found.config, found.manifest)
    found.expected = in_memory(found.config, found.rows)
    answers, latencies = _send(found, found.rows)
    found.document |= {"latencies_ms": latencies, "endpoint": found.service.full_name(ENDPOINT)}
    _compare(found, "endpoint, through boto3", answers)
    step.done(f"{len(answers)} rows equal to the model in memory, p50 {sorted(latencies)[len(latencies) // 2]:.1f} ms")


def _transform(found: Demo, step: Step) -> None:
    result = found.service.transform(
        SCHEDULE, "rows.csv", to_csv(found.rows), lambda status: setattr(step, "doing", status)
    )
    answers = from_csv(result.outputs["rows.csv.out"])
    _compare(found, "batch transform, through S3", answers)
    step.done(f"{len(answers)} rows equal to the model in memory")


def _clean(found: Demo, step: Step) -> None:
    _send(found, found.rows[::2])
    _watch(found, step, "clean", expect_violations=False)


def _shifted(found: Demo, step: Step) -> None:
    _send(found, shift(found.rows))
    _watch(found, step, "shifted", expect_violations=True)


STEPS: tuple[tuple[str, Callable[[Demo, Step], None]], ...] = (
    ("train", _train),
    ("pack", _pack),
    ("check", _check),
    ("local cloud", _cloud),
    ("up", _up),
    ("invoke the endpoint", _invoke),
    ("batch transform", _transform),
    ("monitor clean traffic", _clean),
    ("monitor shifted traffic", _shifted),
)


def read_rows(config: ProjectConfig, manifest: Manifest) -> list[list[float]]:
    """Every row of the project's data, from rows.csv. Raises DataError."""
    path = config.trained / "rows.csv"
    if not path.is_file():
        raise DataError(
            "rows-missing",
            f"training left no {path}",
            "write every row of the data, with a header, to rows.csv in training",
        )
    header, *rows = csv.reader(path.read_text().splitlines())
    if tuple(header) != manifest.package.input.names:
        raise DataError(
            "rows-columns", f"{path} has other columns than the schema", "write the schema's columns, in order"
        )
    return [[float(cell) for cell in row] for row in rows]


def in_memory(config: ProjectConfig, rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """What the trained model says through the handler's predict_fn in this process: not compiled, no server, no cloud."""
    import joblib
    import numpy as np

    from fogbank.pack import read_trained

    sys.path.insert(0, str(config.root))
    if config.handler is None:
        raise FogbankError(
            "handler-missing", "the demo compares with the handler's predict_fn, and there is no handler"
        )
    spec = importlib.util.spec_from_file_location("project_handler", config.handler)
    if spec is None or spec.loader is None:
        raise FogbankError("handler-missing", f"{config.handler} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answers: list[list[float]] = module.predict_fn(np.array(rows), joblib.load(read_trained(config.trained).model))
    return answers


def shift(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """The rows as a miscalibrated instrument would send them: the first columns half as large again."""
    return [[value * 1.5 if i < SHIFTED_COLUMNS else value for i, value in enumerate(row)] for row in rows]


def to_csv(rows: Sequence[Sequence[float]]) -> bytes:
    """Rows as CSV without a header; every float by its shortest exact form."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def from_csv(body: bytes) -> list[list[float]]:
    """Rows of numbers from CSV."""
    return [[float(cell) for cell in row] for row in csv.reader(body.decode().splitlines())]


def _send(found: Demo, rows: Sequence[Sequence[float]]) -> tuple[list[list[float]], list[float]]:
    """Rows to the endpoint, a few a request; the answers, and each request's latency in ms."""
    answers: list[list[float]] = []
    latencies = []
    for start in range(0, len(rows), ROWS_PER_REQUEST):
        body = to_csv(rows[start : start + ROWS_PER_REQUEST])
        before = time.perf_counter()
        answer, _ = found.service.invoke(ENDPOINT, body, "text/csv")
        latencies.append((time.perf_counter() - before) * 1e3)
        answers += from_csv(answer)
    return answers, latencies


def _compare(found: Demo, path: str, answers: Sequence[Sequence[float]]) -> None:
    if len(answers) != len(found.expected):
        raise DataError(
            "answers-differ",
            f"{path}: {len(answers)} answers for {len(found.expected)} rows",
            "this is a bug in fogbank or in the handler",
        )
    largest = max(
        abs(a - b) for got, want in zip(answers, found.expected, strict=True) for a, b in zip(got, want, strict=True)
    )
    found.document["checks"].append(
        {"path": path, "rows": len(answers), "largest_difference": largest, "equal": largest <= TOLERANCE}
    )
    if largest > TOLERANCE:
        raise DataError(
            "answers-differ",
            f"{path}: answers differ from the model in memory by up to {largest:.3g}",
            "this is a bug in fogbank or in the handler",
        )


def _watch(found: Demo, step: Step, traffic: str, *, expect_violations: bool) -> None:
    """Let an hour pass, so that the hourly monitor runs, and read its verdict."""
    CloudClient(found.config.cloud).call("advance", timeout_s=600, seconds=3600)
    execution = found.service.last_execution(MONITOR)
    violations = found.service.violations(execution)
    status = execution["MonitoringExecutionStatus"]
    found.document["monitors"].append({"traffic": traffic, "status": status, "violations": violations})
    found.document[f"statistics_{traffic}"] = found.service.statistics(execution)
    if status not in {"Completed", "CompletedWithViolations"} or bool(violations) != expect_violations:
        raise DataError(
            "monitor-unexpected",
            f"{traffic} traffic: the execution is {status} with {len(violations)} violations ({execution.get('FailureReason', '')})",
            "see `fogbank monitor show quality`",
        )
    named = ", ".join(sorted({item["feature_name"] for item in violations})[:4])
    step.done(
        f"{status}, {len(violations)} violations"
        + (f": {named}{' ...' if len(violations) > 4 else ''}" if violations else "")
    )


def _report(found: Demo) -> None:
    from fogbank.monitor import drift_distances

    document = found.document
    baseline = json.loads(found.manifest.statistics_path.read_text())
    clean, shifted = (drift_distances(baseline, document.pop(f"statistics_{kind}")) for kind in ("clean", "shifted"))
    limits = json.loads(found.manifest.constraints_path.read_text())["monitoring_config"]["distribution_constraints"]
    document["drift"] = [
        {"feature": name, "clean": clean.get(name, 0.0), "shifted": shifted.get(name, 0.0)} for name in clean
    ]
    document |= {"drift_threshold": limits["comparison_threshold"], "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M}"}
    write_report(document, found.config.report)


def _farewell(found: Demo) -> str:
    url = start_cloud(found.config).url
    name = found.service.full_name(ENDPOINT)
    sample = found.config.trained.relative_to(found.config.root) / "sample.csv"
    return f"""
The local cloud is running at {url} with the endpoint {name}.

  curl    curl -s --data-binary @{sample} -H 'Content-Type: text/csv' {url}/endpoints/{name}/invocations
  boto3   boto3.client("sagemaker-runtime", endpoint_url="{url}", region_name="us-east-1",
                       aws_access_key_id="fogbank-local", aws_secret_access_key="fogbank-local"
          ).invoke_endpoint(EndpointName="{name}", ContentType="text/csv", Body=open("{sample}").read())["Body"].read()
  report  {found.config.report}
  stop    fogbank cloud stop     (in this repository: .venv/bin/fogbank cloud stop)"""
