"""Which work a container's environment asks for: Model Monitor has one image for each, and here one does them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from fogbank.contracts.clarify import ANALYSIS_CONFIG, MODEL_BIAS, MODEL_EXPLAINABILITY
from fogbank.contracts.monitoring import AnalyzerSettings, analyzer_settings
from fogbank.contracts.quality import MODEL_QUALITY, quality_settings
from fogbank.monitor.hosts import ROOT, Crew, Hosts, ToldError, hosts_of


def task(env: Mapping[str, str]) -> Callable[[], str]:
    """The work, which gives the exit message. Raises KeyError or ValueError that names a variable."""
    hosts = hosts_of(env)
    if hosts is None:
        return _task(env)
    if _is_data_quality(env):
        return partial(_shared, env, analyzer_settings(env), hosts)
    if hosts.sharded:
        raise ValueError(
            "of several instances the first one does all of this analysis: the S3DataDistributionType of its inputs must be FullyReplicated"
        )
    work = _task(env)
    return work if hosts.leads else lambda: f"{hosts.names[0]} does all of this analysis."


def _is_data_quality(env: Mapping[str, str]) -> bool:
    """Whether it is profiles that are made, which hosts can do a share of each."""
    return bool(env.get("dataset_source")) and not env.get("analysis_type") and not env.get("ground_truth_source")


def _shared(env: Mapping[str, str], settings: AnalyzerSettings, hosts: Hosts) -> str:
    """A host's share of an analysis of data quality; the first one's message is the job's."""
    from fogbank.monitor.analyzer import analyze
    from fogbank.monitor.hours import bring, in_s3
    from fogbank.monitor.kept import kept

    place = PurePosixPath(env["dataset_source"].replace(env.get("SAGEMAKER_BASE_DIR", ROOT), ROOT, 1))
    with Crew(hosts, differ=hosts.differ(place), folder=settings.dataset_source) as crew:
        if in_s3(env):
            bring(env, settings)
        try:
            return analyze(settings, kept(env, settings) if hosts.leads else None, crew.share)
        except ToldError as told:
            return str(told)


def _task(env: Mapping[str, str]) -> Callable[[], str]:
    """The work of one host."""
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
