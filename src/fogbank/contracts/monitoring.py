"""The monitoring wire: the analyzer's environment, its files and its verdict.

Sources: AWS Developer Guide (Model Monitor: "Schema for statistics", "Schema for constraints", "Schema for violations",
"Container contract inputs"); recorded outputs in aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
VIOLATIONS = "constraint_violations.json"
BAD_RECORDS = "bad_records.json"
"""Fogbank's own: the captured records that could not be read, each with its file, its line and the reason. Not there where there are none."""

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

    dataset_format: Mapping[str, Mapping[str, object]]
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
        dataset_format=_format(env["dataset_format"]),
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


def _format(text: str) -> Mapping[str, Mapping[str, object]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ValueError(f"dataset_format is not JSON: {error}") from error
    if not isinstance(document, dict) or not all(isinstance(options, dict) for options in document.values()):
        raise ValueError(f"dataset_format is not a JSON object of objects: {text}")
    return document


def _utc(text: str | None) -> datetime | None:
    return datetime.strptime(text.replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S%z") if text else None


def exit_message(violations: int, bad_records: Sequence[str] = ()) -> str:
    """The verdict as SageMaker's analyzer words it; the word before the colon becomes the execution's status.

    Captured records that could not be read are counted after it, the first by its name.

    >>> exit_message(60)
    'CompletedWithViolations: Job completed successfully with 60 violations.'
    """
    verdict = (
        f"CompletedWithViolations: Job completed successfully with {violations} violations."
        if violations
        else "Completed: Job completed successfully with no violations."
    )
    if not bad_records:
        return verdict
    return f"{verdict} Set aside: {len(bad_records)} captured records that cannot be read (see {BAD_RECORDS}), the first {bad_records[0]}"
