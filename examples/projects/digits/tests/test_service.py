"""The project's own journey: deployed by the real engine, the bench reads a camera's frame, and says what is wrong with half of one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess, Deployment

FRAME = "image/x-portable-graymap"


def test_the_bench_reads_a_frame(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    endpoint = deploy(fogbank_project.root).outputs["endpoint"]
    frame = (fogbank_project.trained / "frame.pgm").read_bytes()
    runtime = local_cloud.client("sagemaker-runtime")

    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=FRAME, Accept="application/json", Body=frame)

    [[digit, sure]] = json.load(answer["Body"])
    with (fogbank_project.trained / "baseline.csv").open(newline="") as stream:
        right = list(csv.reader(stream))[1]
    assert digit == int(right[0])
    assert sure > 0.9
    with pytest.raises(ClientError, match="pixels were promised"):
        runtime.invoke_endpoint(EndpointName=endpoint, ContentType=FRAME, Body=frame[: len(frame) // 2])
