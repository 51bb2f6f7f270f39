"""The project's own journey: deployed by the real engine, the endpoint answers as the model did, and what retrains it is there."""

from __future__ import annotations

import csv
from collections.abc import Callable

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess, Deployment


def test_the_endpoint_answers_like_the_model(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    sample = (fogbank_project.trained / "sample.csv").read_text()

    answer = local_cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=outputs["endpoint"], ContentType="text/csv", Accept="text/csv", Body=sample
    )

    rows = list(csv.reader(answer["Body"].read().decode().splitlines()))
    with (fogbank_project.trained / "baseline.csv").open(newline="") as stream:
        right = [row[:2] for row in list(csv.reader(stream))[1 : len(rows) + 1]]
    assert [row[0] for row in rows] == [row[0] for row in right]
    alarms = local_cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{outputs['endpoint']}-drift-")
    assert len(alarms["MetricAlarms"]) == 3
