"""An analysis of captured records that EventBridge Scheduler starts: CreateProcessingJob with fogbank's own analyzer.

Components declare it, the Scheduler keeps it as JSON, the command line runs it now, and reads what a job of it looked at. The window is
the schedule's: it ends `delay_s` before the scheduled time, so that what was captured in it has arrived in S3, and begins `window_s`
before its end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fogbank.contracts.capture import TIME_FORMAT
from fogbank.contracts.clarify import ANALYSIS_CONFIG
from fogbank.contracts.monitoring import (
    BATCH_FORMAT,
    BATCHES,
    CAPTURE_FORMAT,
    CAPTURED,
    DELAY,
    EARLIER,
    KEPT,
    LABELS,
    METRICS_URL,
    PROCESSING,
    S3_URL,
    SCHEDULED,
    WINDOW,
    AnalyzerSettings,
    analyzer_settings,
    results_folder,
    results_home,
)
from fogbank.contracts.names import job_prefix
from fogbank.contracts.processing import Cluster, ProcessingInput, ProcessingOutput, ProcessingRequest
from fogbank.contracts.scheduler import EXECUTION_ID, SCHEDULED_TIME

CREATE_PROCESSING_JOB = "createProcessingJob"
"""The operation, as EventBridge Scheduler's universal targets call it."""
ENTRYPOINT = ("/opt/fogbank/bin/python", "-P", "-m", "fogbank.monitor")
"""The analyzer in an image of fogbank's, beside the server."""
OUTPUT = f"{PROCESSING}/output"
SOURCE = f"{PROCESSING}/input/endpoint"
BASELINE = f"{PROCESSING}/baseline"
TRUTH = f"{PROCESSING}/groundtruth"
VARIABLES = {"statistics": "baseline_statistics", "constraints": "baseline_constraints", "config": ANALYSIS_CONFIG}
"""Where the analyzer is told of files."""


@dataclass(frozen=True, kw_only=True)
class Asks:
    """What a kind of analysis is asked. `type` is Model Monitor's MonitoringType; attributes are the index of a CSV column or a JSONPath.

    A `labelled` one looks at records whose labels lie below `truth`, a folder in S3, and that are `earlier_s` older than its window.
    """

    type: str = "DataQuality"
    analysis: str = ""
    labelled: bool = False
    truth: str = ""
    earlier_s: int = 0
    problem: str | None = None
    inference: str | None = None
    probability: str | None = None
    threshold: float | None = None

    @property
    def batch_side(self) -> str:
        """Which side of batch transform jobs it looks at: what has labels has answers; the others are of what the model was given."""
        return "output" if self.labelled else "input"

    def environment(self) -> dict[str, str]:
        """What the analyzer is told of it."""
        told = {
            "analysis_type": self.analysis or None,
            "problem_type": self.problem,
            "inference_attribute": self.inference,
            "probability_attribute": self.probability,
            "probability_threshold_attribute": None if self.threshold is None else str(self.threshold),
            "ground_truth_source": TRUTH if self.labelled else None,
            EARLIER: str(self.earlier_s) if self.earlier_s else None,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class ScheduledAnalysis:
    """What a schedule has analyzed. URIs are S3's; `results` is a folder, in which each window gets its own; `dns_suffix` is the partition's.

    `statistics`, `constraints` and `config` (Clarify's analysis_config.json) are empty where the kind has none. Without an `endpoint` it is of
    the batch transform jobs that capture below `capture`.
    """

    schedule: str
    endpoint: str = ""
    image: str
    role: str
    capture: str
    statistics: str = ""
    constraints: str = ""
    config: str = ""
    results: str
    window_s: int
    delay_s: int
    instance_type: str
    instance_count: int = 1
    region: str
    dns_suffix: str
    asks: Asks = Asks()
    tags: Sequence[Mapping[str, str]] | None = None

    def request(self) -> ProcessingRequest:
        """The CreateProcessingJob request, with the Scheduler's context attributes in it.

        Captured records and labels are no input of the job: it would be given all that there are, and its window is hours of them. A processing
        container inherits no region (Developer Guide, "Build Your Own Processing Container").
        """
        files = {name: uri for name, uri in self._files().items() if uri}
        home = results_home(self.endpoint, self.schedule)
        return ProcessingRequest(
            job=f"{job_prefix(self.schedule)}{EXECUTION_ID}",
            image=self.image,
            entrypoint=ENTRYPOINT,
            environment={
                **self._looks(),
                "dataset_source": SOURCE,
                "output_path": OUTPUT,
                **{VARIABLES[name]: f"{BASELINE}/{name}/{uri.rpartition('/')[2]}" for name, uri in files.items()},
                "publish_cloudwatch_metrics": "Enabled",
                "sagemaker_monitoring_schedule_name": self.schedule,
                S3_URL: f"https://s3.{self.region}.{self.dns_suffix}",
                METRICS_URL: f"https://monitoring.{self.region}.{self.dns_suffix}",
                "AWS_REGION": self.region,
                SCHEDULED: SCHEDULED_TIME,
                WINDOW: str(self.window_s),
                DELAY: str(self.delay_s),
                **self.asks.environment(),
                **({LABELS: f"{self.asks.truth.rstrip('/')}/"} if self.asks.labelled else {}),
                **({KEPT: f"{self.results.rstrip('/')}/{home}"} if self.statistics else {}),
            },
            inputs=tuple(_input(name, uri, f"{BASELINE}/{name}") for name, uri in files.items()),
            outputs=(ProcessingOutput(name="result", uri=self.results, local_path=OUTPUT, upload_mode="EndOfJob"),),
            cluster=Cluster(instance_count=self.instance_count, instance_type=self.instance_type, volume_gb=20),
            max_runtime_s=3300,
            role=self.role,
            tags=self.tags,
        )

    def _looks(self) -> dict[str, str]:
        """Whose records, and where they lie."""
        capture = self.capture.rstrip("/")
        if not self.endpoint:
            return {"dataset_format": BATCH_FORMAT, BATCHES: f"{capture}/{self.asks.batch_side}/"}
        return {
            "dataset_format": CAPTURE_FORMAT,
            "sagemaker_endpoint_name": self.endpoint,
            CAPTURED: f"{capture}/{self.endpoint}/",
        }

    def _files(self) -> dict[str, str]:
        return {"statistics": self.statistics, "constraints": self.constraints, "config": self.config}


def encoded(request: ProcessingRequest) -> str:
    """A request as a schedule's input."""
    return json.dumps(request.encode())


def decoded(text: str) -> ProcessingRequest:
    """A request of a schedule's input. Raises ValueError."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("a CreateProcessingJob request is a JSON object")  # noqa: TRY004 - callers await one error of bad JSON
    return ProcessingRequest.decode(document)


def over(request: ProcessingRequest, *, job: str, start: datetime, end: datetime) -> ProcessingRequest:
    """A scheduled request as a job of that name, now, over a window of its own (in UTC)."""
    window = {SCHEDULED: end.strftime(TIME_FORMAT), "start_time": start.strftime(TIME_FORMAT), DELAY: "0"}
    return replace(request, job=job, environment={**(request.environment or {}), **window})


def looked_at(environment: Mapping[str, str]) -> AnalyzerSettings | None:
    """What a job with this environment looked at, if it is a scheduled analysis."""
    return analyzer_settings(environment) if SCHEDULED in environment else None


def results_uri(request: ProcessingRequest) -> str:
    """The folder in S3 where a job of this request writes its files. Raises ValueError where it is no scheduled analysis."""
    settings = looked_at(request.environment or {})
    if settings is None or settings.end is None or not request.outputs:
        raise ValueError("it is no scheduled analysis")
    return f"{(request.outputs[0].uri or '').rstrip('/')}/{results_folder(settings.endpoint, settings.schedule, settings.end)}"


def _input(name: str, uri: str, path: str) -> ProcessingInput:
    return ProcessingInput(name=name, uri=uri, local_path=path, data_type="S3Prefix", input_mode="File")
