"""The monitoring wire: the analyzer's environment, its files and its verdict.

Sources: AWS Developer Guide (Model Monitor: "Schema for statistics", "Schema for constraints", "Schema for violations",
"Container contract inputs"); recorded outputs in aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
VIOLATIONS = "constraint_violations.json"

NO_DATA = "Job inputs had no data"
METRICS_NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"
PROCESSING = "/opt/ml/processing"
CAPTURE_FORMAT = json.dumps({"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}})
CSV_FORMAT = json.dumps({"csv": {"header": True, "output_columns_position": "START"}})

ANALYZER_IMAGE = re.compile(r"(^|/)(sagemaker-model-monitor-analyzer|fogbank-monitor)([:@].*)?$")
"""Images whose work fogbank's own analyzer does on the local cloud."""


@dataclass(frozen=True, kw_only=True)
class AnalyzerSettings:
    """The analyzer container's environment, parsed once. Times are UTC; `base_dir` is /opt/ml on AWS."""

    dataset_format: Mapping[str, object]
    dataset_source: Path
    output_path: Path
    base_dir: Path
    baseline_statistics: Path | None = None
    baseline_constraints: Path | None = None
    start: datetime | None = None
    end: datetime | None = None
    publish_metrics: bool = False
    endpoint: str = ""
    schedule: str = ""


def analyzer_settings(env: Mapping[str, str]) -> AnalyzerSettings:
    """Settings from the environment. Raises KeyError or ValueError that names the variable."""
    for name in ("dataset_format", "dataset_source", "output_path"):
        if not env.get(name):
            raise KeyError(name)

    def optional(name: str) -> Path | None:
        return Path(env[name]) if env.get(name) else None

    return AnalyzerSettings(
        dataset_format=json.loads(env["dataset_format"]),
        dataset_source=Path(env["dataset_source"]),
        output_path=Path(env["output_path"]),
        base_dir=Path(env.get("SAGEMAKER_BASE_DIR", "/opt/ml")),
        baseline_statistics=optional("baseline_statistics"),
        baseline_constraints=optional("baseline_constraints"),
        start=_utc(env.get("start_time")),
        end=_utc(env.get("end_time")),
        publish_metrics=env.get("publish_cloudwatch_metrics") == "Enabled",
        endpoint=env.get("sagemaker_endpoint_name", ""),
        schedule=env.get("sagemaker_monitoring_schedule_name", ""),
    )


def _utc(text: str | None) -> datetime | None:
    return datetime.strptime(text.replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S%z") if text else None


def exit_message(violations: int) -> str:
    """The verdict as SageMaker's analyzer words it; the word before the colon becomes the execution's status.

    >>> exit_message(60)
    'CompletedWithViolations: Job completed successfully with 60 violations.'
    """
    if violations:
        return f"CompletedWithViolations: Job completed successfully with {violations} violations."
    return "Completed: Job completed successfully with no violations."
