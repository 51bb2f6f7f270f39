"""What an execution asks of the analyzer: processing jobs, as Model Monitor makes them. Pure.

Source: AWS Developer Guide, "Container contract inputs"; recorded jobs in aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fogbank.cloud.monitoring.captures import CaptureFile, Window
from fogbank.cloud.monitoring.definitions import Definition
from fogbank.cloud.monitoring.kinds import DATA_QUALITY, MonitorKind
from fogbank.contracts.capture import TIME_FORMAT
from fogbank.contracts.clarify import ANALYSIS_CONFIG, CONFIG_FOLDER
from fogbank.contracts.monitoring import (
    ANALYZER,
    CAPTURE_FORMAT,
    CLARIFY,
    KEPT,
    MERGER,
    POSTPROCESSOR,
    PREPROCESSOR,
    PROCESSING,
    RESULTS,
    results_folder,
    results_home,
)
from fogbank.contracts.processing import ProcessingInput, ProcessingOutput, ProcessingRequest
from fogbank.contracts.quality import MERGE_FORMAT, REPORT_PATH
from fogbank.ground.digest import sha256_bytes

BASELINE, CODE = f"{PROCESSING}/baseline", f"{PROCESSING}/code"
CAPTURED, TRUTH, MERGED, REPORT = (
    f"{PROCESSING}/{name}" for name in ("input_data", "groundtruth", "output/merge", "output/report")
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An execution: a definition of a kind, for a schedule, over a window that ends at the scheduled time `end`."""

    kind: MonitorKind = DATA_QUALITY
    definition: Definition
    schedule: str
    endpoint: str
    window: Window
    end: Window
    suffix: str

    @classmethod
    def of(
        cls,
        kind: MonitorKind,
        definition: Definition,
        schedule: str,
        endpoint: str,
        end: Window,
        window: Window,
        execution: str,
    ) -> Asked:
        """Under a name that is the execution's alone; `end` is the window without offsets."""
        suffix = f"{end.end:%Y%m%d%H%M}-{sha256_bytes(f'{execution}/{definition}'.encode())[:24]}"
        return cls(
            kind=kind,
            definition=definition,
            schedule=schedule,
            endpoint=endpoint,
            window=window,
            end=end,
            suffix=suffix,
        )

    @property
    def results(self) -> str:
        """The folder of its results, in S3."""
        return (
            f"{self.definition.outputs[0].uri.rstrip('/')}/{results_folder(self.endpoint, self.schedule, self.end.end)}"
        )

    @property
    def home(self) -> str:
        """The folder of all results of its schedule, in S3."""
        return f"{self.definition.outputs[0].uri.rstrip('/')}/{results_home(self.endpoint, self.schedule)}"

    @property
    def merged(self) -> str:
        """The folder of merged records, in S3."""
        folder = "" if self.endpoint else f"/{self.schedule}"
        return f"{self.definition.outputs[0].uri.rstrip('/')}/merge{folder}"


def analysis(asked: Asked, files: Sequence[CaptureFile]) -> ProcessingRequest:
    """The job of one execution of a schedule, over captured or merged files."""
    definition = asked.definition
    source = definition.source.rstrip("/")
    inputs = list(_inputs(files, source, definition.distribution))
    output = definition.outputs[0]
    environment = {
        "dataset_format": MERGE_FORMAT if asked.kind.labelled else _format(definition),
        "dataset_source": definition.source,
        "output_path": output.local_path,
        "publish_cloudwatch_metrics": "Enabled",
        **_times(asked),
        **_predictions(asked),
        **({KEPT: asked.home, RESULTS: asked.results} if definition.statistics_uri else {}),
        **(definition.environment or {}),
    }
    if definition.config_uri:
        inputs.append(_input("analysis_config", definition.config_uri, CONFIG_FOLDER))
        environment[ANALYSIS_CONFIG] = f"{CONFIG_FOLDER}/{definition.config_uri.rpartition('/')[2]}"
    for variable, uri, place in (
        (PREPROCESSOR, definition.preprocessor_uri, "preprocessor"),
        (POSTPROCESSOR, definition.postprocessor_uri, "postprocessor"),
    ):
        if uri:
            inputs.append(_input(place, uri, f"{CODE}/{place}"))
            environment[variable] = f"{CODE}/{place}/{uri.rpartition('/')[2]}"
    for variable, uri in (
        ("baseline_constraints", definition.constraints_uri),
        ("baseline_statistics", definition.statistics_uri),
    ):
        if uri:
            folder = variable.removeprefix("baseline_")
            inputs.append(_input(folder, uri, f"{BASELINE}/{folder}"))
            environment[variable] = f"{BASELINE}/{folder}/{uri.rpartition('/')[2]}"
    outputs = (_output("result", asked.results, output.local_path),)
    return _job(asked, f"{asked.kind.job}-{asked.suffix}", definition.image, environment, inputs, outputs)


def merge(asked: Asked, files: Sequence[CaptureFile], labels: Sequence[CaptureFile]) -> ProcessingRequest:
    """The job before it that merges captured records with ground truth."""
    inputs = [
        *_inputs(files, CAPTURED),
        *(_input(f"groundtruth_input_{n}", file.uri, f"{TRUTH}/{file.folder}") for n, file in enumerate(labels, 1)),
    ]
    environment = {
        "dataset_source": CAPTURED,
        "ground_truth_source": TRUTH,
        "output_path": MERGED,
        REPORT_PATH: REPORT,
        **_times(asked),
        **({"dataset_format": _format(asked.definition)} if asked.definition.captured_uri else {}),
    }
    outputs = (_output("result", asked.merged, MERGED), _output("report", asked.results, REPORT))
    image = asked.definition.image.replace(ANALYZER, MERGER).replace(CLARIFY, MERGER)
    return _job(asked, f"groundtruth-merge-{asked.suffix}", image, environment, inputs, outputs)


def _times(asked: Asked) -> dict[str, str]:
    return {
        "start_time": asked.window.start.strftime(TIME_FORMAT),
        "end_time": asked.window.end.strftime(TIME_FORMAT),
        "metric_time": asked.window.start.strftime(TIME_FORMAT),
        **({"sagemaker_endpoint_name": asked.endpoint} if asked.endpoint else {}),
        "sagemaker_monitoring_schedule_name": asked.schedule,
    }


def _format(definition: Definition) -> str:
    """The `dataset_format` of captured records, or of what batch transform jobs read and wrote."""
    if not definition.captured_uri:
        return CAPTURE_FORMAT
    [(name, options)] = (definition.dataset_format or {}).items()
    known = {"Header": "header", "Line": "lines"}
    return json.dumps({name.lower(): {known[option]: value for option, value in options.items()}})


def _inputs(files: Sequence[CaptureFile], source: str, distribution: str | None = None) -> Iterator[ProcessingInput]:
    """Captured files, each in the folder of its hour; what a manifest names has a folder of its own there."""
    for number, file in enumerate(files, 1):
        if file.manifest:
            name, place = f"batch_input_{number}", f"{source}/{file.folder}/{number}"
            item = replace(_input(name, file.uri, place), data_type="ManifestFile")
        else:
            item = _input(f"endpoint_input_{number}", file.uri, f"{source}/{file.folder}")
        yield replace(item, distribution=distribution)


def _predictions(asked: Asked) -> dict[str, str]:
    """What an analysis of predictions is told besides."""
    definition = asked.definition
    asks = {
        "analysis_type": asked.kind.analysis or None,
        "problem_type": definition.problem,
        "inference_attribute": definition.inference,
        "probability_attribute": definition.probability,
        "probability_threshold_attribute": None if definition.threshold is None else str(definition.threshold),
    }
    return {name: value for name, value in asks.items() if value is not None}


def _job(
    asked: Asked,
    name: str,
    image: str,
    environment: Mapping[str, str],
    inputs: Sequence[ProcessingInput],
    outputs: tuple[ProcessingOutput, ...],
) -> ProcessingRequest:
    definition = asked.definition
    return ProcessingRequest(
        job=name,
        image=image,
        environment=environment,
        inputs=tuple(inputs),
        outputs=outputs,
        cluster=definition.cluster,
        max_runtime_s=definition.max_runtime_s,
        network=definition.network,
        role=definition.role,
    )


def _input(name: str, uri: str, path: str) -> ProcessingInput:
    return ProcessingInput(name=name, uri=uri, local_path=path, data_type="S3Prefix", input_mode="File")


def _output(name: str, uri: str, path: str) -> ProcessingOutput:
    return ProcessingOutput(name=name, uri=uri, local_path=path, upload_mode="EndOfJob")
