"""What an execution asks of the analyzer: a processing job, as Model Monitor makes it. Pure.

Source: AWS Developer Guide, "Container contract inputs"; recorded jobs in aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from fogbank.cloud.monitoring.captures import CaptureFile, Window
from fogbank.cloud.monitoring.definitions import Definition
from fogbank.contracts.capture import TIME_FORMAT
from fogbank.contracts.monitoring import CAPTURE_FORMAT, PROCESSING
from fogbank.contracts.processing import ProcessingInput, ProcessingOutput, ProcessingRequest

BASELINE = f"{PROCESSING}/baseline"


def analysis(
    definition: Definition, schedule: str, endpoint: str, window: Window, files: Sequence[CaptureFile]
) -> ProcessingRequest:
    """The job of one execution of a schedule."""
    inputs = [
        _input(f"endpoint_input_{number}", file.uri, f"{definition.source.rstrip('/')}/{file.folder}")
        for number, file in enumerate(files, 1)
    ]
    output = definition.outputs[0]
    environment = {
        "dataset_format": CAPTURE_FORMAT,
        "dataset_source": definition.source,
        "output_path": output.local_path,
        "publish_cloudwatch_metrics": "Enabled",
        "start_time": window.start.strftime(TIME_FORMAT),
        "end_time": window.end.strftime(TIME_FORMAT),
        "metric_time": window.start.strftime(TIME_FORMAT),
        "sagemaker_endpoint_name": endpoint,
        "sagemaker_monitoring_schedule_name": schedule,
        **(definition.environment or {}),
    }
    for variable, uri in (
        ("baseline_constraints", definition.constraints_uri),
        ("baseline_statistics", definition.statistics_uri),
    ):
        if uri:
            folder = variable.removeprefix("baseline_")
            inputs.append(_input(folder, uri, f"{BASELINE}/{folder}"))
            environment[variable] = f"{BASELINE}/{folder}/{uri.rpartition('/')[2]}"
    target = f"{output.uri.rstrip('/')}/{endpoint}/{schedule}/{_stamp(window)}"
    return ProcessingRequest(
        job=f"model-monitoring-{window.end:%Y%m%d%H%M}-{uuid.uuid4().hex[:24]}",
        image=definition.image,
        environment=environment,
        inputs=tuple(inputs),
        outputs=(ProcessingOutput(name="result", uri=target, local_path=output.local_path, upload_mode="EndOfJob"),),
        cluster=definition.cluster,
        max_runtime_s=definition.max_runtime_s,
        role=definition.role,
    )


def _stamp(window: Window) -> str:
    """The results' folder: the hour of the window's end; an execution between the hours has minute and second too."""
    end = window.end
    return f"{end:%Y/%m/%d/%H/%M-%S}" if end.minute or end.second else f"{end:%Y/%m/%d/%H}"


def _input(name: str, uri: str, path: str) -> ProcessingInput:
    return ProcessingInput(name=name, uri=uri, local_path=path, data_type="S3Prefix", input_mode="File")
