"""Explainability: Clarify's global SHAP values of a model over captured requests or a data set, and the drift of their order.

In: rows and a shadow endpoint of the model; out: the `explanations` of analysis.json, and a violation where the order of the features is
no longer the baseline's.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fogbank.contracts.clarify import ANALYSIS, EXPLAIN_METRICS, VERSION, ShapConfig, read_shap_config
from fogbank.contracts.monitoring import VIOLATIONS, AnalyzerSettings
from fogbank.monitor.baseline import encode
from fogbank.monitor.clarify_report import write_report
from fogbank.monitor.clarify_rows import monitored_table
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.dependence import partial_dependence
from fogbank.monitor.documents import read_document
from fogbank.monitor.edited_statistics import is_finite
from fogbank.monitor.emitted import emit
from fogbank.monitor.endings import ended, set_aside
from fogbank.monitor.facets import Table
from fogbank.monitor.numbers import is_number
from fogbank.monitor.predictor import shadow_endpoint
from fogbank.monitor.shapley import Rows, Score, ndcg, shapley
from fogbank.monitor.sketch import Floats

LEAST_NDCG = 0.9
LEAST_CHANCE = 1e-7
"""Log-odds of 0 and of 1 would be infinite."""
LOCAL, BASELINE = "explanations_shap/out.csv", "explanations_shap/baseline.csv"
"""The values of single rows, and the background where the configuration has none, below the job's output."""
MOST_ROWS = 200
"""So many rows are explained, evenly out of all: a shadow endpoint is asked for each coalition of each."""
AGGREGATED: Mapping[str, Callable[[Floats], Floats]] = {
    "mean_abs": lambda values: np.abs(values).mean(axis=0),
    "mean_sq": lambda values: (values**2).mean(axis=0),
    "median": lambda values: np.median(values, axis=0),
}


def shap_config(body: bytes, score: int | None = None) -> ShapConfig:
    """Raises DatasetError."""
    try:
        return read_shap_config(body, score)
    except ValueError as error:
        raise DatasetError(str(error)) from error


def told(table: Table, config: ShapConfig, folder: Path | None = None) -> dict[str, Any]:
    """The `explanations` of a table by a shadow endpoint; single rows' go to a folder where those are asked for. Raises DatasetError."""
    with shadow_endpoint(config.predictor) as endpoint:
        return explained(table, config, endpoint.scores, folder)


@dataclass(frozen=True, kw_only=True)
class ExplainSettings:
    """An explainability monitor, its configuration, and the column of the answer that is the score, if the monitor says it."""

    analyzer: AnalyzerSettings
    config: Path
    score: int | None


def analyze_explanations(settings: ExplainSettings) -> str:
    """An explainability monitor's analysis. Raises DatasetError."""
    own = settings.analyzer
    config = shap_config(settings.config.read_bytes(), settings.score)
    if not config.valued:
        raise DatasetError("an explainability monitor needs methods.shap")
    baseline = read_document(own.baseline_constraints)
    table, aside = monitored_table(own, features_of(config))
    folder = own.output_path if config.local else None
    found: dict[str, Any] = {"version": VERSION, "explanations": told(table.without(config.aside), config, folder)}
    own.output_path.mkdir(parents=True, exist_ok=True)
    write_report(own.output_path, settings.config.read_bytes(), found, aside)
    (own.output_path / ANALYSIS).write_bytes(encode(found))
    failures = drift(found, baseline) if baseline else []
    if baseline:
        (own.output_path / VIOLATIONS).write_bytes(encode({"version": VERSION, "violations": failures}))
    set_aside(own.output_path, aside)
    if own.publish_metrics:
        emit(own, EXPLAIN_METRICS, list(_lines(found["explanations"])))
    return ended(own.base_dir, aside, len(failures))


def features_of(config: ShapConfig) -> list[str]:
    """The columns of a captured request: the headers without the label, which may be told by its place."""
    label = (
        config.headers[config.label]
        if isinstance(config.label, int) and config.label < len(config.headers)
        else config.label
    )
    return [name for name in config.headers if name != label]


def _lines(explanations: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for label, own in explanations["kernel_shap"].items():
        place = [{"Name": "ExplainabilityMethod", "Value": "KernelShap"}, {"Name": "Label", "Value": label}]
        for name, value in own["global_shap_values"].items():
            dimensions = [*place, {"Name": "ValueType", "Value": "GlobalShapValues"}]
            yield {"MetricName": f"feature_{name}", "Value": value, "Dimensions": dimensions}
        dimensions = [*place, {"Name": "ValueType", "Value": "ExpectedValue"}]
        yield {"MetricName": "ExpectedValue", "Value": own["expected_value"], "Dimensions": dimensions}


def explained(table: Table, config: ShapConfig, score: Score, folder: Path | None = None) -> dict[str, Any]:
    """The `explanations` of a table of features: SHAP values and partial dependence, as they are asked for. Raises DatasetError."""
    found: dict[str, Any] = _valued(table, config, score, folder) if config.valued else {}
    if config.pdp is not None:
        own = found.get("kernel_shap", {}).get(config.predictor.name, {})
        found["pdp"] = partial_dependence(table, config.pdp, score, own.get("global_shap_values"))
    return found


def _valued(table: Table, config: ShapConfig, score: Score, folder: Path | None) -> dict[str, Any]:
    """SHAP values; with a folder all rows are explained, and their own values in it. Raises DatasetError."""
    names, label = list(table.columns), config.predictor.name
    everything: Rows = np.array([list(column) for column in table.columns.values()], dtype=object).T
    most = MOST_ROWS if folder is None else len(everything)
    rows = everything[np.unique(np.linspace(0, len(everything) - 1, min(most, len(everything))).astype(int))]
    background = _background(config, everything)
    asked = (lambda rows: _logit(score(rows))) if config.logit else score
    values, expected = shapley(asked, rows, background, samples=config.samples, seed=config.seed)
    if folder is not None:
        _written(folder / LOCAL, [f"{name}_{label}" for name in names], values.tolist())
        if not config.baseline:
            _written(folder / BASELINE, names, background.tolist())
    told = AGGREGATED[config.aggregated](values)
    shown = dict(zip(names, map(float, told), strict=True))
    return {"kernel_shap": {label: {"global_shap_values": shown, "expected_value": expected}}}


def _logit(scores: Floats) -> Floats:
    """Log-odds of probabilities. Raises DatasetError for what is none."""
    if ((scores < 0) | (scores > 1)).any():
        raise DatasetError("methods.shap.use_logit needs probabilities, and a score of the model is below 0 or above 1")
    held = np.clip(scores, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return np.log(held / (1 - held))


def _written(file: Path, names: list[str], rows: list[list[Any]]) -> None:
    """A CSV of rows under names."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([names, *rows])


def drift(now: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[dict[str, str]]:
    """A violation for each label whose features are in another order than the baseline's, by an nDCG below 0.9. Raises DatasetError."""
    failures = []
    try:
        before = baseline["explanations"]["kernel_shap"]
        for label, own in now["explanations"]["kernel_shap"].items():
            old = before[label]["global_shap_values"]
            if any(not is_finite(value) for value in old.values()):
                raise DatasetError(f"the baseline's global_shap_values of {label} are not all numbers")
            if not old.keys() & own["global_shap_values"].keys():
                raise DatasetError(
                    f"none of the features that the baseline has values of is one of the model's, whose are {', '.join(own['global_shap_values'])}"
                )
            names = [name for name in old if name in own["global_shap_values"]]
            kept = ndcg([old[name] for name in names], [own["global_shap_values"][name] for name in names])
            if names and kept < LEAST_NDCG:
                failures.append({
                    "label": label, "metric_name": "shap", "constraint_check_type": "feature_attribution_drift_check",
                    "description": f"Feature attribution drift {kept} exceeds threshold {LEAST_NDCG}",
                })  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"the baseline has no explanations as analysis.json has them: {error!r}") from error
    return failures


def _background(config: ShapConfig, rows: Rows) -> Rows:
    """The configuration's rows, or one row: the mean of a column of numbers, the most frequent value of another."""
    if config.baseline:
        given: Rows = np.array(
            [["" if cell is None else str(cell) for cell in row] for row in config.baseline], dtype=object
        )
        if given.ndim != 2 or given.shape[1] != rows.shape[1]:
            raise DatasetError(f"methods.shap.baseline must be rows of {rows.shape[1]} columns")
        return given
    return np.array([[_middle(rows[:, column]) for column in range(rows.shape[1])]], dtype=object)


def _middle(values: Rows) -> str:
    if all(is_number(str(value)) for value in values):
        numbers: Floats = values.astype(float)
        return repr(float(numbers.mean()))
    texts, counts = np.unique(values.astype(str), return_counts=True)
    return str(texts[counts.argmax()])
