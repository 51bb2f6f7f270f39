"""The Clarify wire: analysis_config.json in, analysis.json out.

Source: AWS Developer Guide, "Analysis Configuration Files" and "Analysis Results"; the files of the SDK's clarify module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.contracts.monitoring import PROCESSING

CONFIG, ANALYSIS = "analysis_config.json", "analysis.json"
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
MEMBERS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {
            "version", "dataset_type", "headers", "label", "predicted_label", "label_values_or_threshold", "probability_threshold", "facet",
            "group_variable", "excluded_columns", "joinsource_name_or_index", "label_headers", "predictor", "methods",
        }
    ),
    "predictor": frozenset(
        {
            "model_name", "instance_type", "initial_instance_count", "content_type", "accept_type", "label", "probability", "label_headers",
        }
    ),
    "methods": frozenset({"pre_training_bias", "post_training_bias", "shap", "report"}),
    "methods.pre_training_bias": frozenset({"methods"}),
    "methods.post_training_bias": frozenset({"methods"}),
    "methods.shap": frozenset(
        {"baseline", "num_samples", "agg_method", "use_logit", "save_local_shap_values", "seed"}
    ),
    "methods.report": frozenset({"name", "title"}),
}  # fmt: skip
"""The members that are there; any other one is refused by its name, unless it says nothing."""
BINARY = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
"""The labels that a probability can be cut into, as they are written."""
STAGES = {"pre_training_bias": "pre_training_bias_metrics", "post_training_bias": "post_training_bias_metrics"}


class ClarifyConfigError(ValueError):
    """A configuration that is not right; the text names the member."""


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
        if other := next((value for value, text in zip(self.positive, texts, strict=True) if text not in BINARY), None):
            raise ClarifyConfigError(
                "probabilities are cut at probability_threshold into predictions of 1 and 0, and label_values_or_threshold has "
                f"{other!r}: give 1 or 0 (or true, false) there, or predicted labels instead of probabilities"
            )
        return frozenset(BINARY[text] for text in texts)


@dataclass(frozen=True, kw_only=True)
class ShapConfig:
    """What explaining is told. `headers` are the features; without `baseline` the background is one row in the middle of the data."""

    predictor: PredictorConfig
    headers: Sequence[str]
    label: str | int | None = None
    aside: Sequence[str | int] = ()
    baseline: Sequence[Sequence[Any]] = ()
    samples: int | None = None
    aggregated: str = "mean_abs"
    dataset_type: str = "text/csv"
    logit: bool = False
    local: bool = False
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """The report that is asked for: `<name>.html`, under a title."""

    name: str = REPORT
    title: str = TITLE


def read_report(body: bytes) -> ReportConfig | None:
    """The report that a configuration asks for, if it does. Raises ClarifyConfigError."""
    methods = _document(body).get("methods")
    asked = methods.get("report") if isinstance(methods, dict) else None
    if asked is None:
        return None
    own = ReportConfig(name=str(asked.get("name") or REPORT), title=str(asked.get("title") or TITLE))
    if not FILE_NAME.fullmatch(own.name):
        raise ClarifyConfigError(f"methods.report.name must be a file's name, not {own.name!r}")
    return own


def read_shap_config(body: bytes, score: int | None = None) -> ShapConfig:
    """A configuration of an explainability analysis; `score` where the predictor has no `probability` or `label`. Raises ClarifyConfigError."""
    document = _document(body)
    methods = document.get("methods")
    shap = methods.get("shap") if isinstance(methods, dict) else None
    if not isinstance(shap, dict):
        raise ClarifyConfigError(f"{CONFIG} needs methods.shap")
    baseline, aggregated = shap.get("baseline") or (), shap.get("agg_method") or "mean_abs"
    if isinstance(baseline, str):
        raise ClarifyConfigError("methods.shap.baseline must be rows, or left out: no address is read here")
    if aggregated not in AGGREGATIONS:
        raise ClarifyConfigError(
            f"methods.shap.agg_method must be one of {', '.join(AGGREGATIONS)}, not {aggregated!r}"
        )
    return ShapConfig(
        predictor=_predictor(document, score),
        headers=document.get("headers") or (),
        label=document.get("label"),
        aside=_aside(document),
        baseline=baseline,
        samples=shap.get("num_samples"),
        aggregated=aggregated,
        dataset_type=document.get("dataset_type") or "text/csv",
        logit=bool(shap.get("use_logit")),
        local=bool(shap.get("save_local_shap_values")),
        seed=_whole(shap.get("seed") or 0, "methods.shap.seed"),
    )


def _predictor(document: Mapping[str, Any], score: int | None = None) -> PredictorConfig:
    """The shadow endpoint of a configuration; `score` where nothing is said. Raises ClarifyConfigError."""
    own = document.get("predictor")
    if not isinstance(own, dict) or not own.get("model_name"):
        raise ClarifyConfigError(f"{CONFIG} needs predictor.model_name: a shadow endpoint of that model is asked")
    if any((own.get(name) or "text/csv") != "text/csv" for name in ("content_type", "accept_type")):
        raise ClarifyConfigError("predictor.content_type and accept_type must be text/csv here")
    columns = {name: own[name] for name in ("label", "probability") if own.get(name) is not None}
    for name, column in columns.items():
        if not isinstance(column, int) or isinstance(column, bool):
            raise ClarifyConfigError(f"predictor.{name} must be the index of a column of the answer, not {column!r}")
    headers = _list(own.get("label_headers") or document.get("label_headers") or ["label0"])
    if len(headers) != 1:
        raise ClarifyConfigError(
            f"label_headers must name one label, not {len(headers)}: of an answer one score is explained here"
        )
    return PredictorConfig(
        model=own["model_name"],
        instance_type=own.get("instance_type") or "ml.m5.large",
        instance_count=_whole(own.get("initial_instance_count") or 1, "predictor.initial_instance_count"),
        score=columns.get("probability", columns.get("label", score)),
        label=columns.get("label"),
        name=str(headers[0]),
    )


def _aside(document: Mapping[str, Any]) -> list[str | int]:
    """The columns that are no features, beside the label."""
    joined = document.get("joinsource_name_or_index")
    excluded = document.get("excluded_columns")
    return [*([] if excluded is None else _list(excluded)), *([] if joined is None else [joined])]


def _whole(value: Any, member: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ClarifyConfigError(f"{member} must be a whole number, not {value!r}")
    return value


def asked_methods(body: bytes) -> frozenset[str]:
    """The methods that a configuration asks for, of which one at least is an analysis. Raises ClarifyConfigError."""
    methods = _document(body).get("methods") or {}
    asked = frozenset(name for name, own in methods.items() if own is not None)
    if not asked - {"report"}:
        raise ClarifyConfigError(f"{CONFIG} needs methods: {', '.join((*STAGES, 'shap'))}")
    return asked


def read_config(body: bytes, *, monitored: bool = False) -> BiasConfig:
    """A configuration of bias analyses. Of a monitor predictions come from the endpoint. Raises ClarifyConfigError."""
    document = _document(body)
    for name in ("label", "label_values_or_threshold", "facet"):
        if document.get(name) in (None, [], ""):
            raise ClarifyConfigError(f"{CONFIG} needs {name}")
    methods = _methods(document.get("methods"), monitored=monitored)
    predicted = document.get("predicted_label")
    asks = "post_training_bias" in methods and predicted is None and not monitored
    if asks and not document.get("predictor"):
        raise ClarifyConfigError(
            "post_training_bias needs predicted_label, the column of the predictions, or a predictor, whose shadow endpoint makes them"
        )
    threshold = document.get("probability_threshold")
    if threshold is not None and (not isinstance(threshold, int | float) or isinstance(threshold, bool)):
        raise ClarifyConfigError(f"probability_threshold must be a number, not {threshold!r}")
    facets = document["facet"] if isinstance(document["facet"], list) else [document["facet"]]
    return BiasConfig(
        label=document["label"],
        positive=_list(document["label_values_or_threshold"]),
        facets=[_facet(facet) for facet in facets],
        methods=methods,
        headers=document.get("headers") or (),
        dataset_type=document.get("dataset_type") or "text/csv",
        group=document.get("group_variable"),
        predicted=predicted,
        threshold=None if threshold is None else float(threshold),
        aside=_aside(document),
        predictor=_predictor(document) if asks else None,
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ClarifyConfigError(f"{CONFIG} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ClarifyConfigError(f"{CONFIG} is no JSON object")
    for place, members in MEMBERS.items():
        own: Any = document
        for name in place.split(".") if place else ():
            own = own.get(name) if isinstance(own, dict) else None
        if own is not None and not isinstance(own, dict):
            raise ClarifyConfigError(f"{place} must be an object")
        lacking = sorted(name for name, value in (own or {}).items() if name not in members and value is not None)
        if lacking:
            said = f"{place}.{lacking[0]}" if place else lacking[0]
            raise ClarifyConfigError(f"{said} is not supported here: {', '.join(sorted(members))} are")
    return document


def _facet(facet: Any) -> Facet:
    if not isinstance(facet, dict) or facet.get("name_or_index") is None:
        raise ClarifyConfigError("a facet needs name_or_index")
    if lacking := sorted(facet.keys() - {"name_or_index", "value_or_threshold"}):
        raise ClarifyConfigError(f"facet.{lacking[0]} is not supported here: name_or_index, value_or_threshold are")
    return Facet(column=facet["name_or_index"], values=_list(facet.get("value_or_threshold", [])))


def _methods(methods: Any, *, monitored: bool) -> dict[str, Sequence[str] | None]:
    """The stages; of a monitor both, where nothing is said."""
    if methods is None and monitored:
        return dict.fromkeys(STAGES)
    if not isinstance(methods, dict) or not methods:
        raise ClarifyConfigError(f"{CONFIG} needs methods")
    found: dict[str, Sequence[str] | None] = {}
    for stage in STAGES:
        if stage in methods:
            asked = (methods[stage] or {}).get("methods", "all")
            found[stage] = None if asked in ("all", ["all"]) else _list(asked)
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
