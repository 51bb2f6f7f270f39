"""The monitoring wire: the analyzer's environment, its files and its verdict.

Sources: AWS Developer Guide (Model Monitor: "Schema for statistics", "Schema for constraints", "Schema for violations",
"Container contract inputs"); recorded outputs in aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
VIOLATIONS = "constraint_violations.json"
BAD_RECORDS = "bad_records.json"
SET_ASIDE = "Set aside: "
"""Fogbank's own: how many records could not be read, and the first thousand, each with its file, its line and the reason. Not there where
there are none."""

SHIFTS = "shifts.json"
"""Fogbank's own: every feature's shift by tests and sizes that SageMaker lacks. Not there without a baseline's statistics."""

STREAM = "stream.json"
"""Fogbank's own: the evidence of a shift over all windows of a schedule so far, from which its next execution goes on."""

CURVES = "curves.json"
"""Fogbank's own: a binary model's curves and calibration with their intervals. Not there where records have no score."""

NO_DATA = "Job inputs had no data"
METRICS_NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"
PROCESSING = "/opt/ml/processing"
CAPTURE_FORMAT = json.dumps({"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}})
BATCH_FORMAT = json.dumps({"csv": {"header": False}})
"""The `dataset_format` of what a declared BatchTransform reads and writes."""
CSV_FORMAT = json.dumps({"csv": {"header": True, "output_columns_position": "START"}})

PREPROCESSOR, POSTPROCESSOR = "record_preprocessor_script", "post_analytics_processor_script"
"""The environment variables with the scripts that a monitor's user gives: one is asked for each record, one when all is done."""

SCHEDULED, WINDOW, DELAY = "FOGBANK_SCHEDULED_TIME", "FOGBANK_WINDOW_S", "FOGBANK_DELAY_S"
"""Fogbank's own, of an analysis that EventBridge Scheduler starts: when it was due, how long its window is, and how long before that
time the window ends. Model Monitor says `start_time` and `end_time` instead, and gives each execution a folder of its own."""
EARLIER = "FOGBANK_EARLIER_S"
"""Fogbank's own: by so many seconds the records that get labels are older than the window, so that those have come. The folder is the
window's, as with Model Monitor's StartTimeOffset and EndTimeOffset."""

METRICS_URL = "FOGBANK_CLOUDWATCH_URL"
"""Fogbank's own, of such an analysis: CloudWatch's address in its region. The analyzer puts its metrics there itself: nobody else does."""
LABELS = "FOGBANK_LABELS"
"""Fogbank's own, of such an analysis: the S3 URI below which labels lie, `yyyy/mm/dd/HH/`. The analyzer reads those of its window's first hour
and later into its `ground_truth_source`; an input of the job would be all that there ever were, or, while there is none, a failure."""
CAPTURED, S3_URL = "FOGBANK_CAPTURED", "FOGBANK_S3_URL"
"""Fogbank's own, of such an analysis: the S3 URI of an endpoint's captured records, and S3's address in its region. The analyzer reads the
hours of its window from there, into its `dataset_source`."""
BATCHES = "FOGBANK_BATCHES"
"""Fogbank's own, in its place of a monitor of batch transform jobs: the S3 URI below which the manifests of one side of them lie, by the hour."""

KEPT = "FOGBANK_KEPT"
"""Fogbank's own: the S3 URI of a schedule's results, where an execution finds the stream.json that it continues from. Without it none does."""
RESULTS = "FOGBANK_RESULTS"
"""Fogbank's own: the S3 URI of the execution's own folder there, where offsets make that another one than its window's end would have."""

ANALYZER, MERGER = "sagemaker-model-monitor-analyzer", "sagemaker-model-monitor-groundtruth-merger"
CLARIFY = "sagemaker-clarify-processing"
ANALYZER_IMAGE = re.compile(rf"(^|/)({ANALYZER}|{MERGER}|{CLARIFY}|fogbank-monitor)([:@].*)?$")
"""Images whose work fogbank's own analyzer does on the local cloud."""


@dataclass(frozen=True, kw_only=True)
class AnalyzerSettings:
    """The analyzer container's environment, parsed once. Times are UTC; `base_dir` is /opt/ml on AWS.

    A scheduled analysis writes below `output_path` where Model Monitor's executions would, in the window's own folder.
    """

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
    preprocessor: Path | None = None
    postprocessor: Path | None = None

    def labelled(self, env: Mapping[str, str], output: Path) -> AnalyzerSettings:
        """The same for the merge with ground truth: its output elsewhere, its records so much older. Raises ValueError."""
        earlier = _span(env, EARLIER) if env.get(EARLIER) else timedelta()
        start, end = (moment and moment - earlier for moment in (self.start, self.end))
        return replace(self, output_path=output, start=start, end=end)


def analyzer_settings(env: Mapping[str, str]) -> AnalyzerSettings:
    """Settings from the environment. Raises KeyError or ValueError that names the variable."""
    for name in ("dataset_format", "dataset_source", "output_path"):
        if not env.get(name):
            raise KeyError(name)

    def optional(name: str) -> Path | None:
        return Path(env[name]) if env.get(name) else None

    start, end, output = _utc(env.get("start_time")), _utc(env.get("end_time")), Path(env["output_path"])
    endpoint, schedule = env.get("sagemaker_endpoint_name", ""), env.get("sagemaker_monitoring_schedule_name", "")
    if scheduled := _utc(env.get(SCHEDULED)):
        end = scheduled - _span(env, DELAY)
        start = start or end - _span(env, WINDOW)
        output /= results_folder(endpoint, schedule, end)
    return AnalyzerSettings(
        dataset_format=_format(env["dataset_format"]),
        dataset_source=Path(env["dataset_source"]),
        output_path=output,
        base_dir=Path(env.get("SAGEMAKER_BASE_DIR", "/opt/ml")),
        baseline_statistics=optional("baseline_statistics"),
        baseline_constraints=optional("baseline_constraints"),
        start=start,
        end=end,
        publish_metrics=env.get("publish_cloudwatch_metrics") == "Enabled",
        endpoint=endpoint,
        schedule=schedule,
        preprocessor=optional(PREPROCESSOR),
        postprocessor=optional(POSTPROCESSOR),
    )


def results_folder(endpoint: str, schedule: str, end: datetime) -> str:
    """Where below a monitor's results those of a window lie: by the hour of its end; one that ends between the hours has minute and
    second too. A monitor of batch transform jobs has no endpoint.

    >>> results_folder("live", "quality", datetime(2026, 11, 25, 13))
    'live/quality/2026/11/25/13'
    """
    between = f"/{end:%M-%S}" if end.minute or end.second else ""
    return f"{results_home(endpoint, schedule)}{end:%Y/%m/%d/%H}{between}"


def results_home(endpoint: str, schedule: str) -> str:
    """The folder of all results of a schedule.

    >>> results_home("", "batches")
    'batches/'
    """
    return f"{endpoint}/{schedule}/" if endpoint else f"{schedule}/"


def _format(text: str) -> Mapping[str, Mapping[str, object]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ValueError(f"dataset_format is not JSON: {error}") from error
    if not isinstance(document, dict) or not all(isinstance(options, dict) for options in document.values()):
        raise ValueError(f"dataset_format is not a JSON object of objects: {text}")
    return document


def _span(env: Mapping[str, str], name: str) -> timedelta:
    """So many seconds. Raises ValueError with the variable's name."""
    try:
        return timedelta(seconds=int(env[name]))
    except (KeyError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be a whole number of seconds, not {env.get(name)!r}") from error


def _utc(text: str | None) -> datetime | None:
    return datetime.strptime(text.replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S%z") if text else None


def set_aside(message: str) -> str:
    """Of a verdict's message what it says of records that could not be read; empty where all could.

    >>> set_aside(exit_message(0, 2, "a.jsonl line 1: it is not JSON"))
    '2 records that cannot be read (see bad_records.json), the first a.jsonl line 1: it is not JSON'
    """
    return message.partition(SET_ASIDE)[2]


def exit_message(violations: int, bad_records: int = 0, first: str = "") -> str:
    """The verdict as SageMaker's analyzer words it; the word before the colon becomes the execution's status.

    Records that could not be read are counted after it, the first by its name.

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
    return f"{verdict} {SET_ASIDE}{bad_records} records that cannot be read (see {BAD_RECORDS}), the first {first}"
