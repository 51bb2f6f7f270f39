"""The analyzer: what runs as a processing container, over a baseline data set or over the captured records of a window.

In: the environment that Model Monitor sets; out: statistics.json, constraints.json, constraint_violations.json, CloudWatch
metric lines and the verdict; bad_records.json where captured records could not be read.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fogbank.contracts.capture import TIME_FORMAT
from fogbank.contracts.monitoring import (
    BAD_RECORDS,
    CONSTRAINTS,
    METRICS_NAMESPACE,
    NO_DATA,
    STATISTICS,
    VIOLATIONS,
    AnalyzerSettings,
    exit_message,
)
from fogbank.monitor.baseline import encode
from fogbank.monitor.captures import Captures, read_captures
from fogbank.monitor.constraints import MONITORING_CONFIG, drift, suggest_constraints, violations
from fogbank.monitor.dataset import DatasetError, read_csv_files
from fogbank.monitor.profile import Document, statistics


def analyze(settings: AnalyzerSettings) -> str:
    """Run the analysis, write its files and return the exit message. Raises DatasetError."""
    constraints = _document(settings.baseline_constraints)
    base = _document(settings.baseline_statistics)
    names = [item["name"] for item in constraints["features"]] if constraints else []
    captures = _captures(settings, names)
    now = statistics(captures.data)
    settings.output_path.mkdir(parents=True, exist_ok=True)
    _write(settings.output_path / STATISTICS, now)
    _write(settings.output_path / CONSTRAINTS, constraints or suggest_constraints(now))
    failures = violations(captures.data, now, constraints, base) if constraints else []
    if constraints:
        _write(settings.output_path / VIOLATIONS, {"violations": failures})
    if captures.bad:
        _write(settings.output_path / BAD_RECORDS, {"records": [asdict(bad) for bad in captures.bad]})
    if settings.publish_metrics:
        _publish(settings, now, base)
    message = exit_message(len(failures), [str(bad) for bad in captures.bad])
    _text(settings.base_dir / "output" / "message", message)
    return message


def _captures(settings: AnalyzerSettings, names: list[str]) -> Captures:
    kind, options = next(iter(settings.dataset_format.items()), ("", {}))
    if kind == "sagemakerCaptureJson":
        return read_captures(settings.dataset_source, settings.start, settings.end, names)
    if kind == "csv":
        files = sorted(path for path in settings.dataset_source.rglob("*") if path.is_file())
        if not files:
            raise DatasetError(NO_DATA)
        return Captures(data=read_csv_files(files, header=bool(options.get("header", True))), bad=())
    raise DatasetError(f"dataset_format {kind!r} is not supported yet; csv and sagemakerCaptureJson are")


def _publish(settings: AnalyzerSettings, now: Document, base: Document | None) -> None:
    """Metric lines, as the platform picks them up from the container."""
    before = {item["name"]: item for item in base["features"]} if base else {}
    method = MONITORING_CONFIG["distribution_constraints"]["comparison_method"]
    dimensions = [
        {"Name": "Endpoint", "Value": settings.endpoint},
        {"Name": "MonitoringSchedule", "Value": settings.schedule},
    ]
    lines: list[dict[str, Any]] = []
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
        if item["name"] in before and (distance := drift(before[item["name"]], item, method)) is not None:
            lines.append({"MetricName": f"feature_baseline_drift_{item['name']}", "Value": distance})
    when = settings.start.strftime(TIME_FORMAT) if settings.start else None
    shared = {
        "Namespace": METRICS_NAMESPACE,
        "Dimensions": dimensions,
        "Unit": "None",
        **({"Timestamp": when} if when else {}),
    }
    _text(
        settings.base_dir / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl",
        "".join(json.dumps({**shared, **line}) + "\n" for line in lines),
    )


def _document(path: Path | None) -> Document | None:
    if path is None:
        return None
    try:
        document: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"the baseline file {path.name} cannot be read: {error}") from error
    if not isinstance(document, dict) or not _has_features(document):
        raise DatasetError(f"the baseline file {path.name} has no features with names")
    return document


def _has_features(document: Document) -> bool:
    features = document.get("features")
    return isinstance(features, list) and all(isinstance(item, dict) and "name" in item for item in features)


def _write(path: Path, document: Document) -> None:
    path.write_bytes(encode(document))


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
