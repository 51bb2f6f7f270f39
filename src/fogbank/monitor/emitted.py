"""CloudWatch metric lines of a data set, as the platform picks them up from the container."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fogbank.contracts.capture import TIME_FORMAT
from fogbank.contracts.monitoring import METRICS_NAMESPACE, AnalyzerSettings
from fogbank.monitor.drift import drift
from fogbank.monitor.profile import Document

Line = dict[str, Any]
LARGEST = 2.0**360
"""CloudWatch takes no larger value: an infinite one is sent so, as Clarify does."""


def publish(settings: AnalyzerSettings, now: Document, base: Document | None, limits: Mapping[str, Any]) -> None:
    """Write the lines of every feature; the drift is that of the checks, by their `distribution_constraints`."""
    before = {item["name"]: item for item in base["features"]} if base else {}
    lines: list[Line] = []
    for item in now["features"]:
        own = item.get("numerical_statistics")
        common = (own or item["string_statistics"])["common"]
        rows = common["num_present"] + common["num_missing"]
        if own:
            values = {
                "SampleCount": float(common["num_present"]),
                "Sum": own["sum"],
                "Minimum": own["min"],
                "Maximum": own["max"],
            }
            lines.append({"MetricName": f"feature_data_{item['name']}", "StatisticValues": values})
        lines.append(
            {"MetricName": f"feature_non_null_{item['name']}", "Value": common["num_present"] / rows if rows else 0.0}
        )
        if item["name"] in before and (distance := drift(before[item["name"]], item, limits)) is not None:
            lines.append({"MetricName": f"feature_baseline_drift_{item['name']}", "Value": distance})
    emit(settings, METRICS_NAMESPACE, lines)


def emit(settings: AnalyzerSettings, namespace: str, lines: list[Line]) -> None:
    """Write metric lines under the endpoint's and the schedule's dimensions, at the beginning of the window.

    A monitor of batch transform jobs has no endpoint: its metrics are in the namespace that SageMaker has for those.
    """
    dimensions = [{"Name": "MonitoringSchedule", "Value": settings.schedule}]
    if settings.endpoint:
        dimensions.insert(0, {"Name": "Endpoint", "Value": settings.endpoint})
    elif settings.schedule:
        namespace = namespace.replace("/Endpoints/", "/ModelMonitoring/")
    when = {"Timestamp": settings.start.strftime(TIME_FORMAT)} if settings.start else {}
    shared = {"Namespace": namespace, "Unit": "None", **when}
    own = [{**shared, **_bounded(line), "Dimensions": [*dimensions, *line.get("Dimensions", [])]} for line in lines]
    text(
        settings.base_dir / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl",
        "".join(json.dumps(line) + "\n" for line in own),
    )


def _bounded(line: Line) -> Line:
    """The line with values that CloudWatch takes."""
    values = {name: max(-LARGEST, min(LARGEST, value)) for name, value in line.get("StatisticValues", {}).items()}
    if values:
        return {**line, "StatisticValues": values}
    return {**line, "Value": max(-LARGEST, min(LARGEST, line["Value"]))}


def text(path: Path, content: str) -> None:
    """Write a text, and the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", errors="backslashreplace")
