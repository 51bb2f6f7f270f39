"""The Clarify container's work, and a bias monitor's: a data set, or merged records, to analysis.json and the verdict.

In: analysis_config.json and rows; out: analysis.json; of a monitor constraint_violations.json, metric lines and the verdict too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.contracts.clarify import (
    ANALYSIS,
    BIAS_METRICS,
    CONFIG,
    CONFIG_FOLDER,
    DATA_FOLDER,
    OUTPUT_FOLDER,
    STAGES,
    VERSION,
    BiasConfig,
    asks_shap,
    read_config,
)
from fogbank.contracts.monitoring import VIOLATIONS, AnalyzerSettings
from fogbank.contracts.quality import QualitySettings
from fogbank.monitor.baseline import encode
from fogbank.monitor.bias import POST_TRAINING, PRE_TRAINING, Flags, measured
from fogbank.monitor.clarify_rows import dataset_table, merged_table
from fogbank.monitor.dataset import Aside, DatasetError
from fogbank.monitor.documents import read_document
from fogbank.monitor.emitted import emit
from fogbank.monitor.endings import ended, set_aside
from fogbank.monitor.explain import shap_config, told
from fogbank.monitor.facets import Table, facet_rows, flagged

Document = dict[str, Any]
METRICS = {"pre_training_bias": PRE_TRAINING, "post_training_bias": POST_TRAINING}


def is_clarify(base: Path) -> bool:
    """Whether a processing job's folder (of /opt/ml) is one of Clarify's."""
    return (_below(base, CONFIG_FOLDER) / CONFIG).is_file()


def clarify(base: Path) -> str:
    """A Clarify processing job: analysis.json of a data set. Raises DatasetError."""
    body = (_below(base, CONFIG_FOLDER) / CONFIG).read_bytes()
    aside = Aside()
    found: Document = {"version": VERSION}
    if asks_shap(body):
        own = shap_config(body)
        table = dataset_table(_below(base, DATA_FOLDER), own.headers, own.dataset_type, aside)
        features = Table({name: cells for name, cells in table.columns.items() if name != own.label})
        found |= {"explanations": told(features, own)}
    if any(stage in body.decode("utf-8", "replace") for stage in STAGES):
        config = _config(body, monitored=False)
        table = dataset_table(_below(base, DATA_FOLDER), config.headers, config.dataset_type, aside)
        predicted = None if config.predicted is None else table.columns[table.name(config.predicted)]
        found |= analysis(table, config, None if predicted is None else flagged(predicted, config.positive)[0])
    output = _below(base, OUTPUT_FOLDER)
    output.mkdir(parents=True, exist_ok=True)
    (output / ANALYSIS).write_bytes(encode(found))
    return ended(base, aside, 0)


@dataclass(frozen=True, kw_only=True)
class BiasSettings:
    """A bias monitor: its merged records, read as those of model quality are, and its configuration."""

    quality: QualitySettings
    config: Path


def analyze_bias(settings: BiasSettings) -> str:
    """A bias monitor's analysis. Raises DatasetError."""
    own = settings.quality.analyzer
    config = _config(settings.config.read_bytes(), monitored=True)
    baseline = read_document(own.baseline_constraints)
    table, predictions, aside = merged_table(settings.quality, config)
    found = analysis(table, config, flagged(predictions, config.positive)[0])
    own.output_path.mkdir(parents=True, exist_ok=True)
    (own.output_path / ANALYSIS).write_bytes(encode(found))
    failures = bias_violations(found, baseline) if baseline else []
    if baseline:
        (own.output_path / VIOLATIONS).write_bytes(encode({"version": VERSION, "violations": failures}))
    set_aside(own.output_path, aside)
    if own.publish_metrics:
        _emit(own, found)
    return ended(own.base_dir, aside, len(failures))


def analysis(table: Table, config: BiasConfig, predicted: Flags | None) -> Document:
    """The document analysis.json of a table and its predictions."""
    label = table.name(config.label)
    _, positive = flagged(table.columns[label], config.positive)
    document: Document = {"version": VERSION}
    for stage, asked in config.methods.items():
        metrics = METRICS[stage]
        unknown = sorted({*(asked or ())} - metrics.keys())
        if unknown:
            raise DatasetError(f"methods.{stage} has no metric {unknown[0]!r}; there are {', '.join(metrics)}")
        own = {name: metric for name, metric in metrics.items() if asked is None or name in asked}
        facets = {
            table.name(facet.column): [
                {"value_or_threshold": said, "metrics": measured(rows, own)}
                for said, rows in facet_rows(table, config, facet, predicted)
            ]
            for facet in config.facets
        }
        document[STAGES[stage]] = {"label": label, "label_value_or_threshold": positive, "facets": facets}
    return document


def bias_violations(now: Document, baseline: Document) -> list[Document]:
    """The metrics that are farther from fair than the baseline's are: from 0, and Disparate Impact from 1."""
    before, failures = dict(_values(baseline)), []
    for (stage, label, facet, said, name), value in _values(now):
        limit = before.get((stage, label, facet, said, name))
        fair = 1.0 if name == "DI" else 0.0
        if limit is not None and abs(value - fair) > abs(limit - fair):
            failures.append({
                "facet": facet, "facet_value": said, "metric_name": name, "constraint_check_type": "bias_drift_check",
                "description": f"Metric value {value} doesn't meet the baseline constraint requirement {limit}",
            })  # fmt: skip
    return failures


def _values(document: Mapping[str, Any]) -> list[tuple[tuple[str, str, str, str, str], float]]:
    """The metrics that have a value, by stage, label, facet, its value, and name. Raises DatasetError for what is no analysis.json."""
    try:
        return [
            (
                (stage, document[stage]["label"], facet, own["value_or_threshold"], metric["name"]),
                float(metric["value"]),
            )
            for stage in STAGES.values()
            if stage in document
            for facet, values in document[stage]["facets"].items()
            for own in values
            for metric in own["metrics"]
            if metric.get("value") is not None
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"the baseline is no {ANALYSIS}: {error!r}") from error


def _emit(settings: AnalyzerSettings, found: Document) -> None:
    lines = []
    for (stage, label, facet, said, name), value in _values(found):
        place = {
            "BiasStage": "Pre-Training" if stage.startswith("pre") else "Post-Training", "Label": label,
            "LabelValue": found[stage]["label_value_or_threshold"], "Facet": facet, "FacetValue": said,
        }  # fmt: skip
        dimensions = [{"Name": key, "Value": text_} for key, text_ in place.items()]
        lines.append({"MetricName": f"bias_metric_{name}", "Value": value, "Dimensions": dimensions})
    emit(settings, BIAS_METRICS, lines)


def _config(body: bytes, *, monitored: bool) -> BiasConfig:
    try:
        return read_config(body, monitored=monitored)
    except ValueError as error:
        raise DatasetError(str(error)) from error


def _below(base: Path, place: str) -> Path:
    return base / place.removeprefix("/opt/ml/")
