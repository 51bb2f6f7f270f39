"""The whole circle on the local cloud: drift, the monitor's verdict, an alarm, a retraining, a comparison, a canary, a better model.

What runs is the example `fraud`, as `fogbank new --example fraud` writes it: everything between the traffic and the new model is what its
program declares. Here is only who sends payments, who reports fraud, who lets time pass, and who looks.
"""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

from fogbank.contracts.errors import DataError, ProjectError
from fogbank.contracts.monitoring import METRICS_NAMESPACE
from fogbank.project.local.launch import stop_cloud
from fogbank.project.monitoring.monitor import newest_verdict
from fogbank.project.packaging.comparison import from_csv
from fogbank.project.packaging.training import run_module
from fogbank.project.project import Project
from fogbank.project.scaffolding.examples import write_example
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Listener, Steps

EXAMPLE, NAME, RECENT = "fraud", "loop", "model.recent"
ROWS_PER_REQUEST = 20
HOUR_S, MINUTE_S = 3600 + 600, 60
"""An hour, and the ten minutes after which the monitor looks at it; how far time goes on while an alarm, or a canary, is waited for."""
LIMIT_S, POLL_S = 300.0, 0.2
"""What all that is waited for may take together, and how often it is asked for."""
SHIFTED = "feature_baseline_drift_"
Found = TypeVar("Found")


@dataclass
class Loop:
    """What is known so far; `deadline` is when it gives up, by the machine's monotonic clock."""

    project: Project
    steps: Steps
    outputs: dict[str, Any] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)
    right: float = 0.0
    run: str = ""
    deadline: float = field(default_factory=lambda: time.monotonic() + LIMIT_S)

    def client(self, service: str) -> Any:
        """boto3 on the local cloud."""
        return self.project.cloud.client(service)

    def until(self, what: str, look: Callable[[], Found | None]) -> Found:
        """What a look finds, at last. Raises DataError (`loop-stuck`) with what the function wrote."""
        while (found := look()) is None:
            if time.monotonic() > self.deadline:
                raise self.stuck(f"{what} did not come within {LIMIT_S:.0f} s")
            time.sleep(POLL_S)
        return found

    def stuck(self, cause: str) -> DataError:
        """The circle did not close."""
        function = self.outputs["retraining"]
        said = "\n".join(self.project.logs(function, 6).values())
        return DataError("loop-stuck", f"{cause}; the function wrote:\n{said}", f"see `fogbank logs {function}`")


def prepare(folder: Path) -> Path:
    """The project, written where it is not there; what an earlier run left of a cloud and of a stack is taken away.

    Raises ProjectError (`folder-taken`, where another project lies).
    """
    if not (folder / "pyproject.toml").is_file():
        write_example(EXAMPLE, NAME, folder)
    elif load_config(folder).name != NAME:
        raise ProjectError("folder-taken", f"{folder} is another project's", "run it in another folder")
    stop_cloud(folder / ".fogbank" / "cloud")
    for state in ("cloud", "pulumi"):
        shutil.rmtree(folder / ".fogbank" / state, ignore_errors=True)
    return folder


def run_loop(root: Path, events: Listener, *, keep: bool = False) -> dict[str, Any]:
    """Go round once: `live_right` and `new_right` are the shares of today's payments that each model is right about. The cloud is stopped at the
    end, whatever that is, unless it is to be kept. Raises FogbankError."""
    project = Project(root, events=events)
    try:
        outputs = project.deploy().outputs
        loop = Loop(project, Steps(events), dict(outputs))
        found = [part(loop) for part in RECIPE]
        return {"live_right": found[0], "new_right": found[-1], "run": loop.run, "endpoint": loop.outputs["endpoint"]}
    finally:
        if not keep:
            project.cloud.stop()


def _traffic(loop: Loop) -> float:
    """Today's payments, which are not last year's; what people found out about others lies in the bucket."""
    with loop.steps("send today's payments") as step:
        run_module(loop.project.config, RECENT)
        recent = loop.project.config.state / "recent"
        with (recent / "labelled.csv").open(newline="") as stream:
            loop.rows = list(csv.reader(stream))
        loop.right = _share_right(loop)
        for output, file in (("train_data", "train.csv"), ("labelled_data", "labelled.csv")):
            bucket, _, prefix = str(loop.outputs[output]).removeprefix("s3://").partition("/")
            loop.client("s3").put_object(Bucket=bucket, Key=f"{prefix}{file}", Body=(recent / file).read_bytes())
        step.done(f"the live model is right about {loop.right:.1%} of {len(loop.rows)}")
    return loop.right


def _monitor(loop: Loop) -> None:
    with loop.steps("monitor, an hour later") as step:
        loop.project.cloud.move_clock(HOUR_S)
        verdict = newest_verdict(loop.client, str(loop.outputs["monitor"]))
        drifted = [item["feature_name"] for item in verdict.violations]
        if not drifted:
            raise loop.stuck(f"the monitor found no violations ({verdict.status}: {verdict.reason})")
        step.done(f"{verdict.status}: {', '.join(drifted)}")


def _metrics(loop: Loop) -> None:
    """What the monitor told CloudWatch, by SageMaker's names."""
    with loop.steps("metrics in CloudWatch") as step:
        cloudwatch, now = loop.client("cloudwatch"), loop.project.now()
        asked = {"StartTime": now - timedelta(hours=3), "EndTime": now, "Statistics": ["Maximum"]}
        found = {}
        for alarm in _alarms(loop):
            metric = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions", "Period")}
            points = cloudwatch.get_metric_statistics(**metric, **asked)["Datapoints"]
            found[alarm["MetricName"]] = max((point["Maximum"] for point in points), default=0.0)
        step.done(
            ", ".join(f"{name.removeprefix(SHIFTED)} {value:.2f}" for name, value in found.items())
            + f" ({METRICS_NAMESPACE})"
        )


def _alarm(loop: Loop) -> None:
    with loop.steps("alarm") as step:

        def gone_off() -> list[str] | None:
            names = [alarm["AlarmName"] for alarm in _alarms(loop) if alarm["StateValue"] == "ALARM"]
            if not names:
                loop.project.cloud.move_clock(MINUTE_S)
            return names or None

        step.done(f"ALARM: {', '.join(loop.until('an alarm', gone_off))}")


def _retrain(loop: Loop) -> None:
    """EventBridge has told the function, which has begun a job."""
    with loop.steps("event, function, training") as step:
        sagemaker, prefix = loop.client("sagemaker"), f"{loop.outputs['endpoint']}-"

        def begun() -> str | None:
            jobs = sagemaker.list_training_jobs(NameContains=prefix, SortOrder="Descending")["TrainingJobSummaries"]
            return jobs[0]["TrainingJobName"] if jobs else None

        def ended() -> str | None:
            status = sagemaker.describe_training_job(TrainingJobName=loop.run)["TrainingJobStatus"]
            return None if status == "InProgress" else status

        loop.run = loop.until("a training job", begun)
        step.progress(loop.run)
        status = loop.until(f"the end of {loop.run}", ended)
        if status != "Completed":
            raise loop.stuck(f"the training job {loop.run} is {status}")
        step.done(f"{loop.run} {status}")


def _compare(loop: Loop) -> None:
    """The new model beside the live one, on rows that neither has seen, and what the registry has of it."""
    with loop.steps("compare and register") as step:
        sagemaker = loop.client("sagemaker")

        def registered() -> dict[str, Any] | None:
            group = loop.project.manifest.name
            newest_first = {"ModelPackageGroupName": group, "SortOrder": "Descending"}
            for item in sagemaker.list_model_packages(**newest_first)["ModelPackageSummaryList"]:
                if item.get("ModelPackageDescription") == loop.run:
                    found: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=item["ModelPackageArn"])
                    return found
            return None

        package = loop.until("a registered version", registered)
        scores, status = package["CustomerMetadataProperties"], package["ModelApprovalStatus"]
        said = f"{float(scores['accuracy']):.1%} right, the live one {float(scores['live_accuracy']):.1%}"
        if status != "Approved":
            raise loop.stuck(f"the new model is {status}: {said}")
        step.done(f"{said}: version {package['ModelPackageVersion']} {status}")


def _canary(loop: Loop) -> None:
    with loop.steps("canary") as step:
        sagemaker, endpoint = loop.client("sagemaker"), loop.outputs["endpoint"]

        def moving() -> str | None:
            told = sagemaker.describe_endpoint(EndpointName=endpoint)
            return told["EndpointStatus"] if told["EndpointStatus"] == "Updating" else None

        def moved() -> str | None:
            told = sagemaker.describe_endpoint(EndpointName=endpoint)
            if told["EndpointStatus"] == "Updating":
                loop.project.cloud.move_clock(MINUTE_S)
                return None
            return str(told["EndpointConfigName"])

        loop.until("the update", moving)
        step.progress("half of the traffic")
        live = loop.until("its end", moved)
        if live != loop.run:
            raise loop.stuck(f"the update was rolled back: {endpoint} serves {live}")
        step.done("half of the traffic, no alarm, then all of it")


def _serve(loop: Loop) -> float:
    with loop.steps("the new model serves") as step:
        right = _share_right(loop)
        if right <= loop.right:
            raise loop.stuck(f"the new model is right about {right:.1%}, and the one before was about {loop.right:.1%}")
        step.done(f"it is right about {right:.1%} of today's payments, up from {loop.right:.1%}")
    return right


RECIPE: tuple[Callable[[Loop], float | None], ...] = (
    _traffic,
    _monitor,
    _metrics,
    _alarm,
    _retrain,
    _compare,
    _canary,
    _serve,
)


def _alarms(loop: Loop) -> list[dict[str, Any]]:
    """The alarms on drift that the program declares."""
    found = loop.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{loop.outputs['endpoint']}-drift-")
    alarms: list[dict[str, Any]] = found["MetricAlarms"]
    return alarms


def _share_right(loop: Loop) -> float:
    """The share of labelled rows that the endpoint answers rightly."""
    answers: list[float] = []
    for start in range(0, len(loop.rows), ROWS_PER_REQUEST):
        body = _unlabelled(loop.rows[start : start + ROWS_PER_REQUEST])
        said = from_csv(loop.project.invoke(str(loop.outputs["endpoint"]), body).body)
        answers += [row[0] for row in said]
    return fmean(float(row[0]) == answer for row, answer in zip(loop.rows, answers, strict=True))


def _unlabelled(rows: Sequence[Sequence[str]]) -> bytes:
    return "".join(",".join(row[1:]) + "\n" for row in rows).encode()
