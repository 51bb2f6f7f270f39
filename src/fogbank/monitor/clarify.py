"""The Clarify container's work, and a bias monitor's: a data set, or merged records, to analysis.json and the verdict.

In: analysis_config.json and rows; out: analysis.json; of a monitor constraint_violations.json, metric lines and the verdict too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fogbank.contracts.clarify import (
    ANALYSIS,
    BIAS_METRICS,
    CONFIG_FOLDER,
    DATA_FOLDER,
    OUTPUT_FOLDER,
    STAGES,
    VERSION,
    BiasConfig,
    asked_methods,
    read_config,
)
from fogbank.contracts.clarify_document import CONFIG
from fogbank.contracts.monitoring import VIOLATIONS, AnalyzerSettings
from fogbank.contracts.quality import QualitySettings
from fogbank.monitor.baseline import encode
from fogbank.monitor.bias import POST_TRAINING, PRE_TRAINING, Flags, measured
from fogbank.monitor.clarify_report import write_report
from fogbank.monitor.clarify_rows import dataset_table, merged_table
from fogbank.monitor.dataset import Aside, DatasetError
from fogbank.monitor.documents import read_document
from fogbank.monitor.edited_statistics import is_finite
from fogbank.monitor.emitted import emit
from fogbank.monitor.endings import ended, set_aside
from fogbank.monitor.explain import shap_config, told
from fogbank.monitor.facets import Table, facet_rows, flagged
from fogbank.monitor.numbers import is_number
from fogbank.monitor.predictor import shadow_endpoint
from fogbank.monitor.shapley import Rows
from fogbank.monitor.sketch import Floats

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
    output = _below(base, OUTPUT_FOLDER)
    output.mkdir(parents=True, exist_ok=True)
    asked = _asked(body)
    if asked & {"shap", "pdp"}:
        own = shap_config(body)
        table = dataset_table(_below(base, DATA_FOLDER), own.headers, own.dataset_type, aside)
        features = table.without([own.label, own.predicted, *own.aside])
        found |= {"explanations": told(features, own, output if own.local else None)}
    if asked & STAGES.keys():
        config = _config(body, monitored=False)
        table = dataset_table(_below(base, DATA_FOLDER), config.headers, config.dataset_type, aside)
        found |= analysis(table, config, _predicted(table, config))
    write_report(output, body, found, aside)
    (output / ANALYSIS).write_bytes(encode(found))
    return ended(base, aside, 0)


def _predicted(table: Table, config: BiasConfig) -> Flags | None:
    """Which rows are predicted to have the positive label: by a column, or by a shadow endpoint of the predictor. Raises DatasetError."""
    if config.predicted is not None:
        return _positive(table.columns[table.name(config.predicted)], config)
    if config.predictor is None:
        return None
    features = table.without([config.label, *config.aside])
    rows: Rows = np.array([list(column) for column in features.columns.values()], dtype=object).T
    own = config.predictor
    scored = config.threshold is not None or (own.label is None and own.score is not None)
    if scored:
        _sides(config)  # before an endpoint is made
    with shadow_endpoint(own) as endpoint:
        return _above(endpoint.scores(rows), config) if scored else _positive(endpoint.labels(rows), config)


def _positive(values: Sequence[str], config: BiasConfig) -> Flags:
    """Of predictions those of the positive label; they are probabilities where there is a threshold. Raises DatasetError."""
    if config.threshold is None:
        return flagged(values, config.positive)[0]
    if lacking := next((value for value in values if not is_number(value)), None):
        raise DatasetError(f"probability_threshold is set, and the prediction {lacking!r:.80} is no number")
    return _above(np.array([float(value) if value else np.nan for value in values]), config)


def _above(scores: Floats, config: BiasConfig) -> Flags:
    """Which probabilities are cut into the positive label, at the threshold (0.5); none of those that are absent. Raises DatasetError."""
    above, sides = scores > (0.5 if config.threshold is None else config.threshold), _sides(config)
    found: Flags = ((above & (True in sides)) | (~above & (False in sides))) & ~np.isnan(scores)
    return found


def _sides(config: BiasConfig) -> frozenset[bool]:
    try:
        return config.cut_positive()
    except ValueError as error:
        raise DatasetError(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class BiasSettings:
    """A bias monitor: its merged records, read as those of model quality are, its configuration, and its own threshold if it has one."""

    quality: QualitySettings
    config: Path
    threshold: float | None = None

    def read(self) -> BiasConfig:
        """The configuration; where the monitor's predictions are probabilities, with a threshold. Raises DatasetError."""
        config = _config(self.config.read_bytes(), monitored=True)
        if config.threshold is not None and self.threshold not in (None, config.threshold):
            raise DatasetError(
                f"probability_threshold of {CONFIG} is {config.threshold:g} and the monitor's ProbabilityThresholdAttribute "
                f"{self.threshold:g}: give one of them, or the same"
            )
        own_scores = self.threshold is not None and self.quality.probability is None
        scored = config.threshold is not None or self.quality.inference is None or own_scores
        own = self.quality.threshold if config.threshold is None else config.threshold
        return replace(config, threshold=own) if scored else config


def analyze_bias(settings: BiasSettings) -> str:
    """A bias monitor's analysis. Raises DatasetError."""
    own = settings.quality.analyzer
    config = settings.read()
    baseline = read_document(own.baseline_constraints, infinite=True)
    table, predictions, aside = merged_table(settings.quality, config)
    found = analysis(table, config, _positive(predictions, config))
    own.output_path.mkdir(parents=True, exist_ok=True)
    (own.output_path / ANALYSIS).write_bytes(encode(found))
    write_report(own.output_path, settings.config.read_bytes(), found, aside)
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
    """The metrics that are farther from fair than the baseline's are: from 0, and Disparate Impact from 1.

    Raises DatasetError for a baseline that says nothing of any facet that there is now.
    """
    before, failures = dict(_values(baseline)), []
    known, found = _facets(baseline), _facets(now)
    if known and not known & found:
        raise DatasetError(
            f"none of the baseline's facets is one of the analysis: it has {min(known)}, and there is {min(found, default=None)} "
            "(stage, label, facet, value)"
        )
    for (stage, label, facet, said, name), value in _values(now):
        limit = before.get((stage, label, facet, said, name))
        fair = 1.0 if name == "DI" else 0.0
        if limit is not None and abs(value - fair) > abs(limit - fair):
            failures.append({
                "facet": facet, "facet_value": said, "metric_name": name, "constraint_check_type": "bias_drift_check",
                "description": f"Metric value {value} doesn't meet the baseline constraint requirement {limit}",
            })  # fmt: skip
    return failures


def _facets(document: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    """What metrics are of, whether or not those have a value; of a document that `_values` has read."""
    return {
        (stage, document[stage]["label"], facet, own["value_or_threshold"])
        for stage in STAGES.values()
        if stage in document
        for facet, values in document[stage]["facets"].items()
        for own in values
        if own["metrics"]
    }


def _values(document: Mapping[str, Any]) -> list[tuple[tuple[str, str, str, str, str], float]]:
    """The metrics that have a value, by stage, label, facet, its value, and name. Raises DatasetError for what is no analysis.json."""
    found = []
    for stage in STAGES.values():
        if stage not in document:
            continue
        own = document[stage]
        label = _member(own, "label", str, stage)
        for facet, values in _member(own, "facets", dict, stage).items():
            for number, value in enumerate(_is(values, list, f"{stage}.facets.{facet}")):
                place = f"{stage}.facets.{facet}[{number}]"
                said = _member(value, "value_or_threshold", str, place)
                for at, metric in enumerate(_member(value, "metrics", list, place)):
                    name = _member(metric, "name", str, f"{place}.metrics[{at}]")
                    if metric.get("value") is not None:
                        key = (stage, label, facet, said, name)
                        found.append((key, _metric(metric["value"], f"{place}.metrics[{at}] ({name}).value")))
    return found


def _member(value: Any, name: str, kind: type, place: str) -> Any:
    """Raises DatasetError."""
    return _is(_is(value, dict, place).get(name), kind, f"{place}.{name}")


def _is(value: Any, kind: type, place: str) -> Any:
    """Raises DatasetError."""
    if not isinstance(value, kind):
        words: dict[type, str] = {dict: "an object", list: "a list", str: "a text"}
        raise DatasetError(f"the baseline is no {ANALYSIS}: {place} must be {words[kind]}, not {value!r:.60}")
    return value


def _metric(value: Any, place: str) -> float:
    """A metric's value, which may be infinite. Raises DatasetError."""
    if value in ("Infinity", "-Infinity", math.inf, -math.inf):
        return float(value)
    if not is_finite(value):
        raise DatasetError(f"the baseline is no {ANALYSIS}: {place} must be a number, not {value!r:.60}")
    return float(value)


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


def _asked(body: bytes) -> frozenset[str]:
    try:
        return asked_methods(body)
    except ValueError as error:
        raise DatasetError(str(error)) from error


def _config(body: bytes, *, monitored: bool) -> BiasConfig:
    try:
        return read_config(body, monitored=monitored)
    except ValueError as error:
        raise DatasetError(str(error)) from error


def _below(base: Path, place: str) -> Path:
    return base / place.removeprefix("/opt/ml/")
