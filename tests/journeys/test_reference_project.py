"""The project's own journey: deployed by the real engine, its endpoint answers what the model in memory answers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess, Deployment


def test_the_endpoint_answers_like_the_model_in_memory(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy(fogbank_project.root)
    sample = (fogbank_project.trained / "sample.csv").read_text()
    model: Any = joblib.load(fogbank_project.trained / "model.joblib")
    expected = model.predict_proba(np.loadtxt(sample.splitlines(), delimiter=","))[:, 1]

    answer = local_cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=deployment.outputs["endpoint"], ContentType="text/csv", Body=sample
    )
    rows = list(csv.reader(answer["Body"].read().decode().splitlines()))

    assert [float(row[1]) for row in rows] == pytest.approx(expected.tolist(), abs=1e-9)


def test_the_nightly_job_scores_what_lies_in_the_bucket(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    s3 = local_cloud.client("s3")
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    s3.put_object(Bucket=outputs["bucket"], Key="batch/in/day.csv", Body=sample)

    fired = local_cloud.advance(24 * 3600)

    scored = s3.get_object(Bucket=outputs["bucket"], Key="batch/out/day.csv.out")["Body"].read()
    assert len(scored.splitlines()) == len(sample.splitlines())
    assert any("Completed" in item["result"] for item in fired if "nightly" in item["name"])
