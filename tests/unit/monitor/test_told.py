"""Metrics that a scheduled analysis puts itself: the request is botocore's own, and what CloudWatch refuses is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

from fogbank.contracts.monitoring import METRICS_URL
from fogbank.monitor.told import form, told

NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"
LINES: list[dict[str, Any]] = [
    {
        "Namespace": NAMESPACE, "MetricName": "feature_data_größe & weite", "Timestamp": "2026-01-02T03:00:00Z", "Unit": "None",
        "StatisticValues": {"SampleCount": 3.0, "Sum": 1e-7, "Minimum": -2.5, "Maximum": 1e20},
        "Dimensions": [{"Name": "Endpoint", "Value": "live"}, {"Name": "MonitoringSchedule", "Value": "s"}],
    },
    {"Namespace": NAMESPACE, "MetricName": "m", "Value": 0.1, "Unit": "None", "Dimensions": []},
]  # fmt: skip


def test_the_form_is_what_botocore_sends() -> None:
    model = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"))
    data = [{name: value for name, value in line.items() if name != "Namespace"} for line in LINES]
    data[0]["Timestamp"] = datetime(2026, 1, 2, 3, tzinfo=UTC)
    del data[1]["Dimensions"]
    sent = create_serializer("query").serialize_to_request(
        {"Namespace": NAMESPACE, "MetricData": data}, model.operation_model("PutMetricData")
    )

    assert {name: [as_number(value)] for name, [value] in parse_qs(form(NAMESPACE, LINES)).items()} == {
        name: [as_number(str(value))] for name, value in sent["body"].items()
    }


def as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def test_what_is_nowhere_to_be_put_is_not_and_what_cannot_be_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "metrics" / "cloudwatch"
    folder.mkdir(parents=True)
    named = {**LINES[1], "MetricName": "m\u2028n"}
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*LINES, named])
    (folder / "m.jsonl").write_text(text, encoding="utf-8")
    env = {"SAGEMAKER_BASE_DIR": str(tmp_path), "AWS_REGION": "us-east-1"}

    assert told(env) == ""
    assert told({**env, METRICS_URL: "http://127.0.0.1:1"}).startswith(
        "CloudWatch did not take the metrics: the job has no role"
    )
    assert told({**env, METRICS_URL: "http://127.0.0.1:1", "SAGEMAKER_BASE_DIR": str(tmp_path / "none")}) == ""
