"""The model quality analysis: metrics of merged records, constraints on them, and the verdict.

In: the environment of a model quality job; out: statistics.json, constraints.json, constraint_violations.json, metric lines and the
verdict, as the data quality analysis has them. Source: AWS Developer Guide, "Model quality metrics", and recorded files.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import asdict, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from fogbank.contracts.monitoring import (
    BAD_RECORDS,
    CONSTRAINTS,
    CURVES,
    PREPROCESSOR,
    STATISTICS,
    VIOLATIONS,
    exit_message,
)
from fogbank.contracts.quality import (
    ESTIMATE,
    LESS,
    METRICS,
    MODEL_METRICS,
    MORE,
    QualitySettings,
    constraints,
    constraints_section,
)
from fogbank.monitor.baseline import encode
from fogbank.monitor.curves import scored
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.documents import read_document
from fogbank.monitor.edited_statistics import is_finite
from fogbank.monitor.emitted import emit, text
from fogbank.monitor.estimate import audited, estimated
from fogbank.monitor.labelled import plain, read_labelled
from fogbank.monitor.quality import Quality, quality
from fogbank.monitor.scripts import postprocess

Document = dict[str, Any]
OPERATORS = (LESS, MORE)
CONSTANT = "_best_constant_classifier"


def analyze_quality(settings: QualitySettings) -> str:
    """Run the analysis, write its files and return the exit message. Raises DatasetError, ScriptError."""
    own = settings.analyzer
    if own.preprocessor is not None and "sagemakerMergeJson" not in own.dataset_format:
        raise DatasetError(
            f"{PREPROCESSOR} reads merged records, and dataset_format is {next(iter(own.dataset_format), '')}"
        )
    settings = replace(settings, positive=plain(settings.positive))
    data = read_labelled(settings)
    try:
        found = quality(data, settings)
    except ValueError as error:
        raise DatasetError(str(error)) from error
    section = constraints_section(found.section)
    baseline = _constraints(own.baseline_constraints, section, METRICS[settings.problem])
    own.output_path.mkdir(parents=True, exist_ok=True)

    def write(file: str, document: Document) -> None:
        (own.output_path / file).write_bytes(encode(document))

    write(STATISTICS, found.document())
    if data.probabilities and settings.problem == "BinaryClassification":
        write(CURVES, scored(data.labels, data.probabilities, settings.positive))
    write(CONSTRAINTS, baseline or suggested(found))
    failures = quality_violations(found, baseline[section]) if baseline else []
    if baseline:
        write(VIOLATIONS, {"violations": failures})
    if data.aside.count:
        write(BAD_RECORDS, {"count": data.aside.count, "records": [asdict(bad) for bad in data.aside.named]})
    if settings.problem == "BinaryClassification" and (promised := _estimate(data.probabilities, settings.threshold)):
        write(ESTIMATE, audited(promised, found.values()))
    if own.publish_metrics:
        emit(own, MODEL_METRICS, [{"MetricName": name, "Value": value} for name, value in found.values().items()])
    if own.postprocessor is not None:
        postprocess(own.postprocessor)
    first = str(data.aside.named[0]) if data.aside.named else ""
    message = exit_message(len(failures), data.aside.count, first)
    text(own.base_dir / "output" / "message", message)
    return message


def _estimate(scores: list[float], threshold: float) -> Document | None:
    """What probabilities promise; None where there are none, or scores that are none."""
    return estimated(np.array(scores), threshold) if scores and 0 <= min(scores) <= max(scores) <= 1 else None


def suggested(found: Quality) -> Document:
    """Constraints that these metrics just meet: SageMaker's suggestion is the baseline's own value."""
    values = found.values()
    return constraints(found.section, {name: value for name, value in values.items() if not name.endswith(CONSTANT)})


def quality_violations(found: Quality, limits: Document) -> list[Document]:
    """The metrics that are beyond their thresholds, in the words of SageMaker's reports."""
    failures = []
    for name, limit in limits.items():
        metric = found.metrics.get(name)
        operator, threshold = limit["comparison_operator"], limit["threshold"]
        if metric is None:
            sys.stdout.write(f"the threshold of {name} is not looked at: these records have no {name}\n")
            continue
        value, deviation = metric["value"], metric["standard_deviation"]
        if value < threshold if operator == LESS else value > threshold:
            spread = "" if isinstance(deviation, str) else f" +/- {deviation}"
            described = f"Metric {name} with {value}{spread} was {operator} '{threshold}'"
            failures.append({"constraint_check_type": operator, "metric_name": name, "description": described})
    return failures


def _constraints(path: Path | None, section: str, known: Collection[str]) -> Document | None:
    """Raises DatasetError with what is wrong with the file; `known` are the metrics that may have a threshold."""
    document = read_document(path)
    if document is None or path is None:
        return None
    limits = document.get(section)
    if not isinstance(limits, dict):
        raise DatasetError(f"the baseline file {path.name} has no {section}")
    for name, limit in limits.items():
        if name.removesuffix(CONSTANT) not in known:
            guess = get_close_matches(name, known, 1)
            raise DatasetError(
                f"the baseline file {path.name} is not right: {section}.{name} is no metric of this problem"
                + (f"; did you mean {guess[0]}?" if guess else f"; there are {', '.join(sorted(known))}")
            )
        fits = isinstance(limit, dict) and is_finite(limit.get("threshold"))
        if not fits or limit.get("comparison_operator") not in OPERATORS:
            raise DatasetError(
                f"the baseline file {path.name} is not right: {section}.{name} must have a threshold, a number, and a comparison_operator, "
                f"{LESS} or {MORE}"
            )
    return document
