"""The Clarify wire: analysis_config.json in, analysis.json out.

Source: AWS Developer Guide, "Analysis Configuration Files" and "Analysis Results"; the files of the SDK's clarify module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.contracts.clarify_document import (
    CONFIG,
    ClarifyConfigError,
    a_column,
    a_list,
    a_text,
    a_values,
    column_of,
    columns_aside,
    config_document,
    flag,
    headers_of,
    is_config_number,
    is_index,
    is_value,
    whole,
)
from fogbank.contracts.monitoring import PROCESSING

ANALYSIS = "analysis.json"
CONFIG_FOLDER, DATA_FOLDER, OUTPUT_FOLDER = (
    f"{PROCESSING}/{name}" for name in ("input/config", "input/data", "output")
)
ANALYSIS_CONFIG = "analysis_config"
"""The environment variable with the file's path, of a monitor; a processing job has it in its place."""
MODEL_BIAS = "MODEL_BIAS"
MODEL_EXPLAINABILITY = "MODEL_EXPLAINABILITY"
EXPLAIN_METRICS = "aws/sagemaker/Endpoints/explainability-metrics"
BIAS_METRICS = "aws/sagemaker/Endpoints/bias-metrics"
VERSION = "1.0"
FILE_NAME = re.compile(r"[\w-][\w. -]{0,99}")
AGGREGATIONS = ("mean_abs", "mean_sq", "median")
REPORT, TITLE = "report", "Analysis Report"
"""The name (without an ending) and the title of a report, where `methods.report` says none: what the SDK writes there."""
BINARY = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
"""The labels that a probability can be cut into, as they are written."""
STAGES = {"pre_training_bias": "pre_training_bias_metrics", "post_training_bias": "post_training_bias_metrics"}


@dataclass(frozen=True, kw_only=True)
class Facet:
    """A column, and which of its rows are the facet's; without `values` each of its values is one."""

    column: str | int
    values: Sequence[Any] = ()


@dataclass(frozen=True, kw_only=True)
class PredictorConfig:
    """The shadow endpoint that is made of a model; `score` and `label` are columns of its answer, `name` is what its label is called."""

    model: str
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    accept: str = "text/csv"
    score: int | None = None
    label: int | None = None
    name: str = "label0"


@dataclass(frozen=True, kw_only=True)
class BiasConfig:
    """What an analysis of bias is told. `methods` has the stages with the names of their metrics, or none for all of them.

    Columns of `aside` are no features. With a `threshold` predictions are probabilities; without `predicted` the `predictor` makes them.
    """

    label: str | int
    positive: Sequence[Any]
    facets: Sequence[Facet]
    methods: Mapping[str, Sequence[str] | None]
    headers: Sequence[str] = ()
    dataset_type: str = "text/csv"
    group: str | int | None = None
    predicted: str | int | None = None
    threshold: float | None = None
    aside: Sequence[str | int] = ()
    predictor: PredictorConfig | None = None

    def cut_positive(self) -> frozenset[bool]:
        """Which sides of a cut have the positive label: a probability above the threshold is a prediction of 1, another one of 0.

        Raises ClarifyConfigError where the positive label is neither. Source: AWS Developer Guide, "Analysis Configuration Files".
        """
        texts = [str(value).strip().lower() for value in self.positive]
        if other := [value for value, text in zip(self.positive, texts, strict=True) if text not in BINARY]:
            raise ClarifyConfigError(
                "probabilities are cut at probability_threshold into predictions of 1 and 0, and label_values_or_threshold has "
                f"{other[0]!r}: give 1 or 0 (or true, false) there, or predicted labels instead of probabilities"
            )
        return frozenset(BINARY[text] for text in texts)


@dataclass(frozen=True, kw_only=True)
class PdpConfig:
    """What partial dependence is told: of which `features`, or of the `top` ones by their SHAP values, at how many buckets of numbers."""

    features: Sequence[str | int] = ()
    grid: int = 15
    top: int = 10


@dataclass(frozen=True, kw_only=True)
class ShapConfig:
    """What explaining is told. `headers` are the features; without `baseline` the background is one row in the middle of the data.

    `valued`: SHAP values are asked for, and not a partial dependence (`pdp`) alone.
    """

    predictor: PredictorConfig
    headers: Sequence[str]
    label: str | int | None = None
    predicted: str | int | None = None
    aside: Sequence[str | int] = ()
    baseline: Sequence[Sequence[Any]] = ()
    samples: int | None = None
    aggregated: str = "mean_abs"
    dataset_type: str = "text/csv"
    logit: bool = False
    local: bool = False
    seed: int = 0
    valued: bool = True
    pdp: PdpConfig | None = None


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """The report that is asked for: `<name>.html`, under a title."""

    name: str = REPORT
    title: str = TITLE


def read_report(body: bytes) -> ReportConfig | None:
    """The report that a configuration asks for, if it does. Raises ClarifyConfigError."""
    asked = config_document(body).get("methods", {}).get("report")
    if asked is None:
        return None
    own = ReportConfig(
        name=a_text(asked.get("name", REPORT), "methods.report.name"),
        title=a_text(asked.get("title", TITLE), "methods.report.title"),
    )
    if not FILE_NAME.fullmatch(own.name):
        raise ClarifyConfigError(f"methods.report.name must be a file's name, not {own.name!r}")
    return own


def read_shap_config(body: bytes, score: int | None = None) -> ShapConfig:
    """A configuration of an explainability analysis; `score` where the predictor has no `probability` or `label`. Raises ClarifyConfigError."""
    document = config_document(body)
    methods = document.get("methods", {})
    if not methods.keys() & {"shap", "pdp"}:
        raise ClarifyConfigError(f"{CONFIG} needs methods.shap")
    shap = methods.get("shap", {})
    aggregated = shap.get("agg_method", "mean_abs")
    if aggregated not in AGGREGATIONS:
        raise ClarifyConfigError(
            f"methods.shap.agg_method must be one of {', '.join(AGGREGATIONS)}, not {aggregated!r}"
        )
    samples = shap.get("num_samples")
    return ShapConfig(
        predictor=_predictor(document, score),
        headers=headers_of(document),
        label=column_of(document, "label"),
        predicted=column_of(document, "predicted_label"),
        aside=columns_aside(document),
        baseline=_baseline(shap.get("baseline", [])),
        samples=None if samples is None else whole(samples, "methods.shap.num_samples", least=1),
        aggregated=aggregated,
        dataset_type=a_text(document.get("dataset_type", "text/csv"), "dataset_type"),
        logit=flag(shap.get("use_logit", False), "methods.shap.use_logit"),
        local=flag(shap.get("save_local_shap_values", False), "methods.shap.save_local_shap_values"),
        seed=whole(shap.get("seed", 0), "methods.shap.seed"),
        valued="shap" in methods,
        pdp=_pdp(methods),
    )


def _pdp(methods: Mapping[str, Any]) -> PdpConfig | None:
    """Raises ClarifyConfigError. Source of the defaults: the SDK's PDPConfig."""
    own = methods.get("pdp")
    if own is None:
        return None
    features = [a_column(item, "methods.pdp.features") for item in a_list(own.get("features", []))]
    if not features and "shap" not in methods:
        raise ClarifyConfigError("methods.pdp needs features, or methods.shap, by whose values they are chosen")
    return PdpConfig(
        features=features,
        grid=whole(own.get("grid_resolution", 15), "methods.pdp.grid_resolution", least=1),
        top=whole(own.get("top_k_features", 10), "methods.pdp.top_k_features", least=1),
    )


def _baseline(rows: Any) -> list[list[Any]]:
    """The background; an empty cell is null. Raises ClarifyConfigError."""
    if isinstance(rows, str):
        raise ClarifyConfigError("methods.shap.baseline must be rows, or left out: no address is read here")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(rows[0]) > 0 for row in rows):
        raise ClarifyConfigError("methods.shap.baseline must be rows of cells, each of as many: [[1, 2], [3, 4]]")
    if other := [cell for row in rows for cell in row if cell is not None and not is_value(cell)]:
        raise ClarifyConfigError(f"methods.shap.baseline must have numbers and texts, not {other[0]!r:.80}")
    return rows


def _predictor(document: Mapping[str, Any], score: int | None = None) -> PredictorConfig:
    """The shadow endpoint of a configuration; `score` where nothing is said. Raises ClarifyConfigError."""
    own = document.get("predictor", {})
    if not own.get("model_name"):
        raise ClarifyConfigError(f"{CONFIG} needs predictor.model_name: a shadow endpoint of that model is asked")
    if any(own.get(name, "text/csv") != "text/csv" for name in ("content_type", "accept_type")):
        raise ClarifyConfigError("predictor.content_type and accept_type must be text/csv here")
    columns = {name: own[name] for name in ("label", "probability") if name in own}
    for name, column in columns.items():
        if not is_index(column):
            raise ClarifyConfigError(f"predictor.{name} must be the index of a column of the answer, not {column!r}")
    headers = a_list(own.get("label_headers", document.get("label_headers", ["label0"])))
    if len(headers) != 1:
        raise ClarifyConfigError(
            f"label_headers must name one label, not {len(headers)}: of an answer one score is explained here"
        )
    return PredictorConfig(
        model=a_text(own["model_name"], "predictor.model_name"),
        instance_type=a_text(own.get("instance_type", "ml.m5.large"), "predictor.instance_type"),
        instance_count=whole(own.get("initial_instance_count", 1), "predictor.initial_instance_count", least=1),
        score=columns.get("probability", columns.get("label", score)),
        label=columns.get("label"),
        name=a_text(headers[0], "label_headers"),
    )


def asked_methods(body: bytes) -> frozenset[str]:
    """The methods that a configuration asks for, of which one at least is an analysis. Raises ClarifyConfigError."""
    asked = frozenset(config_document(body).get("methods", {}))
    if not asked - {"report"}:
        raise ClarifyConfigError(f"{CONFIG} needs methods: {', '.join((*STAGES, 'shap', 'pdp'))}")
    return asked


def read_config(body: bytes, *, monitored: bool = False) -> BiasConfig:
    """A configuration of bias analyses. Of a monitor predictions come from the endpoint. Raises ClarifyConfigError."""
    document = config_document(body)
    for name in ("label", "label_values_or_threshold", "facet"):
        if document.get(name) in (None, [], ""):
            raise ClarifyConfigError(f"{CONFIG} needs {name}")
    methods = _methods(document.get("methods"), monitored=monitored)
    predicted = column_of(document, "predicted_label")
    asks = "post_training_bias" in methods and predicted is None and not monitored
    if asks and not document.get("predictor"):
        raise ClarifyConfigError(
            "post_training_bias needs predicted_label, the column of the predictions, or a predictor, whose shadow endpoint makes them"
        )
    threshold = document.get("probability_threshold")
    if threshold is not None and not is_config_number(threshold):
        raise ClarifyConfigError(f"probability_threshold must be a number, not {threshold!r}")
    return BiasConfig(
        label=a_column(document["label"], "label"),
        positive=a_values(document["label_values_or_threshold"], "label_values_or_threshold"),
        facets=[_facet(facet) for facet in a_list(document["facet"])],
        methods=methods,
        headers=headers_of(document),
        dataset_type=a_text(document.get("dataset_type", "text/csv"), "dataset_type"),
        group=column_of(document, "group_variable"),
        predicted=predicted,
        threshold=None if threshold is None else float(threshold),
        aside=columns_aside(document),
        predictor=_predictor(document) if asks else None,
    )


def _facet(facet: Any) -> Facet:
    if not isinstance(facet, dict) or "name_or_index" not in facet:
        raise ClarifyConfigError("a facet needs name_or_index")
    if lacking := sorted(facet.keys() - {"name_or_index", "value_or_threshold"}):
        raise ClarifyConfigError(f"facet.{lacking[0]} is not supported here: name_or_index, value_or_threshold are")
    return Facet(
        column=a_column(facet["name_or_index"], "facet.name_or_index"),
        values=a_values(facet.get("value_or_threshold", []), "facet.value_or_threshold"),
    )


def _methods(methods: Mapping[str, Any] | None, *, monitored: bool) -> dict[str, Sequence[str] | None]:
    """The stages; of a monitor both, where nothing is said."""
    if methods is None and monitored:
        return dict.fromkeys(STAGES)
    found: dict[str, Sequence[str] | None] = {}
    for stage in STAGES:
        if stage in (methods or {}):
            asked = (methods or {})[stage].get("methods", "all")
            names = [a_text(name, f"methods.{stage}.methods") for name in a_list(asked)]
            found[stage] = None if names == ["all"] else names
    if not found:
        raise ClarifyConfigError(f"{CONFIG} needs methods: {' or '.join(STAGES)}")
    return found
