"""Which work a container's environment asks for: Model Monitor has one image for each, and here one does them all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from fogbank.contracts.clarify import ANALYSIS_CONFIG, MODEL_BIAS, MODEL_EXPLAINABILITY
from fogbank.contracts.monitoring import AnalyzerSettings, analyzer_settings
from fogbank.contracts.quality import MODEL_QUALITY, quality_settings


def task(env: Mapping[str, str]) -> Callable[[], str]:
    """The work, which gives the exit message. Raises KeyError or ValueError that names a variable."""
    _alone(Path(env.get("SAGEMAKER_BASE_DIR", "/opt/ml")))
    if env.get("ground_truth_source") and env.get("analysis_type"):
        from fogbank.monitor.scheduled import merged_first

        _analysis(env)  # what is wrong with the analysis is told before anything is merged
        return partial(merged_first, env, lambda merged: _analysis(merged)())
    if env.get("ground_truth_source"):
        from fogbank.monitor.merge import merge, merge_settings

        return partial(merge, merge_settings(env))
    from fogbank.monitor.hours import in_s3

    work = _analysis(env)
    return partial(_captured, env, work) if in_s3(env) else work


def _alone(base: Path) -> None:
    """Refuse a job of several instances, each of which would tell its share of the data for all. Raises ValueError.

    Source: AWS Developer Guide, "Build Your Own Processing Container": resourceconfig.json has `current_host` and `hosts`.
    """
    try:
        hosts = json.loads((base / "config" / "resourceconfig.json").read_bytes())["hosts"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if len(hosts) > 1:
        raise ValueError(
            f"the job has {len(hosts)} instances, and the analyzer runs on one: set InstanceCount to 1 (a larger instance has more cores, "
            "and all of them are used)"
        )


def _analysis(env: Mapping[str, str]) -> Callable[[], str]:
    """The analysis, of records that have their labels where it needs them."""
    if env.get("analysis_type") == MODEL_QUALITY:
        from fogbank.monitor.quality_analyzer import analyze_quality

        return partial(analyze_quality, quality_settings(env))
    if env.get("analysis_type") == MODEL_BIAS:
        from fogbank.monitor.clarify import BiasSettings, analyze_bias

        quality = quality_settings({"problem_type": "BinaryClassification", **env})
        said = quality.threshold if env.get("probability_threshold_attribute") else None
        return partial(analyze_bias, BiasSettings(quality=quality, config=Path(env[ANALYSIS_CONFIG]), threshold=said))
    if env.get("analysis_type") == MODEL_EXPLAINABILITY:
        from fogbank.monitor.explain import ExplainSettings, analyze_explanations

        column = env.get("probability_attribute") or env.get("inference_attribute") or ""
        score = int(column) if column.isascii() and column.isdigit() else None
        own = ExplainSettings(analyzer=analyzer_settings(env), config=Path(env[ANALYSIS_CONFIG]), score=score)
        return partial(analyze_explanations, own)
    base = Path(env.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    if not env.get("dataset_source"):
        from fogbank.monitor.clarify import clarify, is_clarify

        if is_clarify(base):
            return partial(clarify, base)
    return partial(_data_quality, env, analyzer_settings(env))


def _data_quality(env: Mapping[str, str], settings: AnalyzerSettings) -> str:
    from fogbank.monitor.analyzer import analyze
    from fogbank.monitor.kept import kept

    return analyze(settings, kept(env, settings))


def _captured(env: Mapping[str, str], work: Callable[[], str]) -> str:
    """The work, over what was captured in the window's hours."""
    from fogbank.monitor.hours import bring

    bring(env, analyzer_settings(env))
    return work()
