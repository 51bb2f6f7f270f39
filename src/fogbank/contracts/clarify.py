"""The Clarify wire: analysis_config.json in, analysis.json out.

Source: AWS Developer Guide, "Analysis Configuration Files" and "Analysis Results"; the files of the SDK's clarify module.
"""

from __future__ import annotations

import json
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
AGGREGATIONS = ("mean_abs", "mean_sq", "median")
STAGES = {"pre_training_bias": "pre_training_bias_metrics", "post_training_bias": "post_training_bias_metrics"}


class ClarifyConfigError(ValueError):
    """A configuration that is not right; the text names the member."""


@dataclass(frozen=True, kw_only=True)
class Facet:
    """A column, and which of its rows are the facet's; without `values` each of its values is one."""

    column: str | int
    values: Sequence[Any] = ()


@dataclass(frozen=True, kw_only=True)
class BiasConfig:
    """What an analysis of bias is told. `methods` has the stages with the names of their metrics, or none for all of them."""

    label: str | int
    positive: Sequence[Any]
    facets: Sequence[Facet]
    methods: Mapping[str, Sequence[str] | None]
    headers: Sequence[str] = ()
    dataset_type: str = "text/csv"
    group: str | int | None = None
    predicted: str | int | None = None
    threshold: float = 0.5


@dataclass(frozen=True, kw_only=True)
class PredictorConfig:
    """The shadow endpoint that is made of a model; `score` is the column of its answer."""

    model: str
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    accept: str = "text/csv"
    score: int | None = None


@dataclass(frozen=True, kw_only=True)
class ShapConfig:
    """What explaining is told. `headers` are the features; without `baseline` the background is one row in the middle of the data."""

    predictor: PredictorConfig
    headers: Sequence[str]
    label: str | None = None
    baseline: Sequence[Sequence[Any]] = ()
    samples: int | None = None
    aggregated: str = "mean_abs"
    dataset_type: str = "text/csv"


def read_shap_config(body: bytes, score: int | None = None) -> ShapConfig:
    """A configuration of an explainability analysis; `score` where the predictor has no `probability` or `label`. Raises ClarifyConfigError."""
    document = _document(body)
    methods = document.get("methods")
    shap = methods.get("shap") if isinstance(methods, dict) else None
    predictor = document.get("predictor")
    if not isinstance(shap, dict):
        raise ClarifyConfigError(f"{CONFIG} needs methods.shap")
    if not isinstance(predictor, dict) or not predictor.get("model_name"):
        raise ClarifyConfigError(f"{CONFIG} needs predictor.model_name: a shadow endpoint of that model is asked")
    if (
        predictor.get("content_type", "text/csv") != "text/csv"
        or predictor.get("accept_type", "text/csv") != "text/csv"
    ):
        raise ClarifyConfigError("predictor.content_type and accept_type must be text/csv here")
    baseline, aggregated = shap.get("baseline") or (), shap.get("agg_method") or "mean_abs"
    if isinstance(baseline, str):
        raise ClarifyConfigError("methods.shap.baseline must be rows, or left out: no address is read here")
    if aggregated not in AGGREGATIONS:
        raise ClarifyConfigError(
            f"methods.shap.agg_method must be one of {', '.join(AGGREGATIONS)}, not {aggregated!r}"
        )
    own = predictor.get("probability", predictor.get("label", score))
    return ShapConfig(
        predictor=PredictorConfig(
            model=predictor["model_name"],
            instance_type=predictor.get("instance_type") or "ml.m5.large",
            instance_count=int(predictor.get("initial_instance_count") or 1),
            score=own if isinstance(own, int) else None,
        ),
        headers=document.get("headers") or (),
        label=document.get("label"),
        baseline=baseline,
        samples=shap.get("num_samples"),
        aggregated=aggregated,
        dataset_type=document.get("dataset_type", "text/csv"),
    )


def asks_shap(body: bytes) -> bool:
    """Whether a configuration asks for explanations. Raises ClarifyConfigError."""
    methods = _document(body).get("methods")
    return isinstance(methods, dict) and "shap" in methods


def read_config(body: bytes, *, monitored: bool = False) -> BiasConfig:
    """A configuration of bias analyses. Of a monitor predictions come from the endpoint. Raises ClarifyConfigError."""
    document = _document(body)
    for name in ("label", "label_values_or_threshold", "facet"):
        if document.get(name) in (None, [], ""):
            raise ClarifyConfigError(f"{CONFIG} needs {name}")
    methods = _methods(document.get("methods"), monitored=monitored)
    predicted = document.get("predicted_label")
    if "post_training_bias" in methods and predicted is None and not monitored:
        raise ClarifyConfigError(
            "post_training_bias needs predicted_label, the column of the predictions: no shadow endpoint of a predictor is made here"
        )
    facets = document["facet"] if isinstance(document["facet"], list) else [document["facet"]]
    return BiasConfig(
        label=document["label"],
        positive=_list(document["label_values_or_threshold"]),
        facets=[_facet(facet) for facet in facets],
        methods=methods,
        headers=document.get("headers") or (),
        dataset_type=document.get("dataset_type", "text/csv"),
        group=document.get("group_variable"),
        predicted=predicted,
        threshold=float(document.get("probability_threshold") or 0.5),
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ClarifyConfigError(f"{CONFIG} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ClarifyConfigError(f"{CONFIG} is no JSON object")
    return document


def _facet(facet: Any) -> Facet:
    if not isinstance(facet, dict) or facet.get("name_or_index") is None:
        raise ClarifyConfigError("a facet needs name_or_index")
    return Facet(column=facet["name_or_index"], values=_list(facet.get("value_or_threshold", [])))


def _methods(methods: Any, *, monitored: bool) -> dict[str, Sequence[str] | None]:
    """The stages; of a monitor both, where nothing is said."""
    if methods is None and monitored:
        return dict.fromkeys(STAGES)
    if not isinstance(methods, dict) or not methods:
        raise ClarifyConfigError(f"{CONFIG} needs methods")
    lacking = sorted(methods.keys() - STAGES.keys() - {"report", "shap"})
    if lacking:
        raise ClarifyConfigError(f"methods.{lacking[0]} is not supported here: {', '.join(STAGES)} are")
    found: dict[str, Sequence[str] | None] = {}
    for stage in STAGES:
        if stage in methods:
            asked = (methods[stage] or {}).get("methods", "all")
            found[stage] = None if asked in ("all", ["all"]) else _list(asked)
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
