"""The project's own journey: deployed by the real engine, a night passes, and every customer has a score."""

from __future__ import annotations

import csv
from collections.abc import Callable

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess, Deployment


def test_a_night_scores_every_customer(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    s3, customers = local_cloud.client("s3"), (fogbank_project.trained / "customers.csv").read_bytes()
    s3.put_object(Bucket=outputs["bucket"], Key="customers/all.csv", Body=customers)

    local_cloud.advance(24 * 3600)

    body = s3.get_object(Bucket=outputs["bucket"], Key="scores/all.csv.out")["Body"].read().decode()
    scored = {number: float(score) for number, score in csv.reader(body.splitlines())}
    with (fogbank_project.trained / "baseline.csv").open(newline="") as stream:
        right = [float(row[0]) for row in list(csv.reader(stream))[1 : len(scored) + 1]]
    assert len(scored) == len(customers.splitlines())
    assert [abs(a - b) < 1e-5 for a, b in zip(scored.values(), right, strict=True)].count(False) == 0
    assert local_cloud.client("sagemaker").list_endpoints()["Endpoints"] == []
