"""The processing job of an execution, as Model Monitor makes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fogbank.cloud.monitoring.analysis import Asked, analysis, merge
from fogbank.cloud.monitoring.captures import CaptureFile, Window
from fogbank.cloud.monitoring.definitions import Definition, Output
from fogbank.cloud.monitoring.kinds import DATA_QUALITY, KINDS, MonitorKind
from fogbank.contracts.monitoring import KEPT, RESULTS, analyzer_settings
from fogbank.contracts.processing import Cluster
from fogbank.contracts.quality import quality_settings
from tests.unit.cloud.monitoring.requests import ROLE, ROOT

NOON = datetime(2026, 4, 18, 12, tzinfo=UTC)
HOURLY = Window(start=NOON - timedelta(hours=1), end=NOON)
FILE = CaptureFile(uri="s3://b/capture/ep/a/2026/04/18/11/x.jsonl", folder="ep/a/2026/04/18/11")
DEFINITION = Definition(
    name="d",
    image="i",
    environment={"publish_cloudwatch_metrics": "Disabled", "mine": "x"},
    endpoint="ep",
    source=f"{ROOT}/input/endpoint/",
    outputs=(Output(local_path=f"{ROOT}/output", uri="s3://b/results/"),),
    constraints_uri="s3://b/base/constraints.json",
    statistics_uri="s3://b/base/statistics.json",
    cluster=Cluster(instance_count=1, volume_gb=20),
    role=ROLE,
)


def asked(definition: Definition = DEFINITION, window: Window = HOURLY, kind: MonitorKind = DATA_QUALITY) -> Asked:
    return Asked.of(kind, definition, "s", "ep", window, window, "s/1")


def test_what_a_model_quality_job_and_the_merge_before_it_are_told() -> None:
    image = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    definition = replace(
        DEFINITION,
        image=image,
        problem="BinaryClassification",
        inference="0",
        probability="1",
        threshold=0.4,
        environment=None,
    )
    order = asked(definition, kind=KINDS["ModelQuality"])
    truth = CaptureFile(uri="s3://b/truth/2026/04/18/11/y.jsonl", folder="2026/04/18/11")
    first, second = merge(order, [FILE], [truth]), analysis(order, [FILE])

    assert first.image.endswith("/sagemaker-model-monitor-groundtruth-merger")
    assert [item.local_path for item in first.inputs or ()] == [
        f"{ROOT}/input_data/ep/a/2026/04/18/11", f"{ROOT}/groundtruth/2026/04/18/11",
    ]  # fmt: skip
    assert [output.uri for output in first.outputs or ()] == [
        "s3://b/results/merge",
        "s3://b/results/ep/s/2026/04/18/12",
    ]
    assert first.job.removeprefix("groundtruth-merge-") == second.job.removeprefix("model-quality-monitoring-")
    settings = quality_settings(second.environment or {})
    assert (settings.problem, settings.inference, settings.probability, settings.threshold) == (
        "BinaryClassification",
        "0",
        "1",
        0.4,
    )


def test_what_the_analyzer_is_told() -> None:
    job = analysis(asked(), [FILE])
    settings = analyzer_settings(job.environment or {})

    assert (settings.start, settings.end) == (HOURLY.start, HOURLY.end)
    told = job.environment or {}
    assert (told[KEPT], told[RESULTS]) == ("s3://b/results/ep/s/", "s3://b/results/ep/s/2026/04/18/12")
    assert (settings.endpoint, settings.schedule, settings.publish_metrics) == ("ep", "s", False)
    assert str(settings.baseline_constraints) == f"{ROOT}/baseline/constraints/constraints.json"
    assert str(settings.baseline_statistics) == f"{ROOT}/baseline/statistics/statistics.json"
    assert (job.environment or {})["mine"] == "x"
    assert [(item.name, item.uri, item.local_path) for item in job.inputs or ()] == [
        ("endpoint_input_1", FILE.uri, f"{ROOT}/input/endpoint/ep/a/2026/04/18/11"),
        ("constraints", "s3://b/base/constraints.json", f"{ROOT}/baseline/constraints"),
        ("statistics", "s3://b/base/statistics.json", f"{ROOT}/baseline/statistics"),
    ]
    assert job.job.startswith("model-monitoring-202604181200-")


@pytest.mark.parametrize(
    ("end", "stamp"),
    [
        (NOON, "2026/04/18/12"),
        (NOON + timedelta(minutes=5), "2026/04/18/12/05-00"),
        (NOON + timedelta(seconds=7), "2026/04/18/12/00-07"),
    ],
)
def test_where_the_results_go(end: datetime, stamp: str) -> None:
    job = analysis(asked(window=Window(start=HOURLY.start, end=end)), [FILE])

    assert [output.uri for output in job.outputs or ()] == [f"s3://b/results/ep/s/{stamp}"]


def test_without_a_baseline_there_is_none() -> None:
    job = analysis(asked(replace(DEFINITION, constraints_uri=None, statistics_uri=None)), [FILE])

    assert len(job.inputs or ()) == 1
    assert "baseline_constraints" not in (job.environment or {})


def test_how_hosts_share_the_records_and_their_network_are_the_definitions() -> None:
    network = {"EnableNetworkIsolation": True}
    request = analysis(asked(replace(DEFINITION, distribution="ShardedByS3Key", network=network)), [FILE])

    first, *others = request.inputs or ()
    assert (first.distribution, {item.distribution for item in others}) == ("ShardedByS3Key", {None})
    assert request.network == network
