"""The kinds of monitors, each a value that refuses what it cannot be: what it asks of a carrier, its limits and its configuration. Pure.

In: a value and a package's manifest; out: `Asks`, constraints as a document, Clarify's analysis_config.json. Sources: the SageMaker API
reference, Create...JobDefinition; the Developer Guide, "Analysis Configuration Files".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, get_args

from fogbank.contracts.analysis import Asks
from fogbank.contracts.clarify import AGGREGATIONS, MODEL_BIAS, MODEL_EXPLAINABILITY, STAGES
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.quality import METRICS, MODEL_QUALITY, SECTIONS, ProblemType, constraints

TRUTH = "truth/"
MOST_EARLIER = 24 * 30
TO_SAGEMAKER = {"roc_auc": "auc", "f1_score": "f1", "accuracy_score": "accuracy"}
"""scikit-learn's words for metrics that SageMaker has by others."""


class Kind(Protocol):
    """A kind of monitor."""

    type: ClassVar[str]
    from_package: ClassVar[bool]
    """Whether its baseline is the package's own statistics and constraints."""

    def refused(self, package: Manifest) -> Iterator[str]:
        """What SageMaker or the analyzer would refuse of it for this package."""

    def asks(self, truth: str) -> Asks:
        """What it asks of a carrier; labels lie below the S3 URI `truth`, if it reads any."""

    def constraints(self, package: Manifest) -> str | None:
        """The text of its baseline's constraints, if they are not the package's."""

    def config(self, package: Manifest, model: str) -> str | None:
        """The text of its analysis_config.json, if it has one."""


@dataclass(frozen=True)
class DataQuality:
    """Whether requests and answers look like the baseline, which rode in with the package."""

    type: ClassVar[str] = "DataQuality"
    from_package: ClassVar[bool] = True

    def refused(self, package: Manifest) -> Iterator[str]:
        """Nothing."""
        return iter(())

    def asks(self, truth: str) -> Asks:
        """The plain analysis."""
        return Asks(type=self.type)

    def constraints(self, package: Manifest) -> str | None:
        """The package's."""
        return None

    def config(self, package: Manifest, model: str) -> str | None:
        """None."""
        return None


@dataclass(frozen=True)
class _Predictions:
    """Where in an answer the prediction is: `inference` and `probability` are the index of a CSV column or the path of a JSON value; a
    probability alone is cut at `threshold`."""

    _: KW_ONLY
    inference: str | int | None = None
    probability: str | int | None = None
    threshold: float | None = None

    def _told(self) -> dict[str, Any]:
        named = {"inference": self.inference, "probability": self.probability}
        return {
            **{name: None if value is None else str(value) for name, value in named.items()},
            "threshold": self.threshold,
        }

    def _unpredicted(self) -> Iterator[str]:
        if self.inference is None and self.probability is None:
            yield "inference or probability must be given: the column of the answer that is the prediction"
        if self.threshold is not None and not (self.probability is not None and 0 < self.threshold < 1):
            yield "threshold cuts a probability, between 0 and 1"


@dataclass(frozen=True)
class _Labelled(_Predictions):
    """What is judged by labels that come later: JSON lines below `ground_truth`, a prefix in the service's bucket, `yyyy/mm/dd/HH/`. Records
    are looked at when they are `labels_after_hours` old, so that their labels have come."""

    _: KW_ONLY
    ground_truth: str = TRUTH
    labels_after_hours: int = 0

    def _unlabelled(self) -> Iterator[str]:
        yield from self._unpredicted()
        if not self.ground_truth.strip("/"):
            yield "ground_truth must be a prefix"
        if not 0 <= self.labels_after_hours <= MOST_EARLIER:
            yield f"labels_after_hours must be 0 to {MOST_EARLIER}, not {self.labels_after_hours}"

    def _asked(self, type_: str, analysis: str, truth: str, problem: str | None = None) -> Asks:
        return Asks(
            type=type_,
            analysis=analysis,
            labelled=True,
            truth=truth,
            earlier_s=3600 * self.labels_after_hours,
            problem=problem,
            **self._told(),
        )


@dataclass(frozen=True)
class ModelQuality(_Labelled):
    """Whether predictions are as right as they were: SageMaker's metrics of a `problem`, each held to a threshold.

    `limits` are thresholds by SageMaker's names (`accuracy`, `auc`, `rmse`); without them the package's own metrics are the baseline: those
    that SageMaker has too.
    """

    problem: ProblemType
    _: KW_ONLY
    limits: Mapping[str, float] | None = None
    type: ClassVar[str] = "ModelQuality"
    from_package: ClassVar[bool] = False

    def refused(self, package: Manifest) -> Iterator[str]:
        """No prediction, no such problem, no such metric, or no baseline at all."""
        yield from self._unlabelled()
        if self.problem not in get_args(ProblemType):
            yield f"problem must be one of {', '.join(get_args(ProblemType))}, not {self.problem!r}"
            return
        known = METRICS[self.problem]
        for name in sorted({*(self.limits or {})} - known):
            yield f"limits has {name!r}, and a {self.problem} model's metrics are {', '.join(sorted(known))}"
        if self.limits is None and not self._thresholds(package):
            own = ", ".join(package.package.metrics) or "none"
            yield f"limits must be given: of the package's metrics ({own}) SageMaker has none for {self.problem}"

    def asks(self, truth: str) -> Asks:
        """The metrics of merged records."""
        return self._asked(self.type, MODEL_QUALITY, truth, self.problem)

    def constraints(self, package: Manifest) -> str | None:
        """Thresholds."""
        return json.dumps(constraints(SECTIONS[self.problem], self._thresholds(package)), indent=1, sort_keys=True)

    def config(self, package: Manifest, model: str) -> str | None:
        """None."""
        return None

    def _thresholds(self, package: Manifest) -> dict[str, float]:
        if self.limits is not None:
            return dict(self.limits)
        named = {TO_SAGEMAKER.get(name, name): value for name, value in package.package.metrics.items()}
        without = {"auc"} if self.probability is None else set()
        return {name: value for name, value in named.items() if name in METRICS[self.problem] - without}


@dataclass(frozen=True)
class Bias(_Labelled):
    """Whether predictions favour some: Clarify's metrics of `facets`, columns of the request with the values (or the threshold) that make
    the group. `label` names the ground truth, of which `positive` are the values that are good to have.

    `baseline` is an analysis.json: a metric farther from fair than there is a violation. Without one metrics are told, and nothing violated.
    """

    facets: Mapping[str, Sequence[Any]]
    positive: Sequence[Any] = (1,)
    _: KW_ONLY
    label: str = "label"
    baseline: Path | str | None = None
    type: ClassVar[str] = "ModelBias"
    from_package: ClassVar[bool] = False

    def refused(self, package: Manifest) -> Iterator[str]:
        """No prediction, no facet, or one that the model's rows do not have."""
        yield from self._unlabelled()
        columns = _columns(package)
        if not self.facets:
            yield "facets must name a column"
        for name in self.facets:
            if name not in columns:
                yield f"facets has {name!r}, and the model's columns are {', '.join(columns)}"
        if self.label in columns:
            yield f"label {self.label!r} is a column of the request: give the ground truth another name"
        if not self.positive:
            yield "positive must have a value"
        yield from _unreadable(self.baseline)

    def asks(self, truth: str) -> Asks:
        """The metrics of merged records."""
        return self._asked(self.type, MODEL_BIAS, truth)

    def constraints(self, package: Manifest) -> str | None:
        """The baseline's text."""
        return None if self.baseline is None else Path(self.baseline).read_text(encoding="utf-8")

    def config(self, package: Manifest, model: str) -> str | None:
        """Columns, label and facets; all metrics of both stages."""
        facets = [{"name_or_index": name, "value_or_threshold": list(values)} for name, values in self.facets.items()]
        return _text(
            headers=[*_columns(package), self.label],
            label=self.label,
            label_values_or_threshold=list(self.positive),
            facet=facets,
            methods={stage: {"methods": "all"} for stage in STAGES},
        )


@dataclass(frozen=True)
class Explainability(_Predictions):
    """Whether the model looks at what it looked at before: global SHAP values of captured requests, asked of a shadow endpoint.

    `background` are rows that stand for what is not there (by default one in the middle of the data), `samples` how many coalitions are
    asked. `baseline` is an analysis.json: another order of the features is a violation; without one values are told, and nothing violated.
    """

    _: KW_ONLY
    background: Sequence[Sequence[Any]] = ()
    samples: int | None = None
    aggregated: str = "mean_abs"
    instance_type: str = "ml.m5.large"
    baseline: Path | str | None = None
    type: ClassVar[str] = "ModelExplainability"
    from_package: ClassVar[bool] = False

    def refused(self, package: Manifest) -> Iterator[str]:
        """Rows of another width, and words that Clarify does not know."""
        columns = _columns(package)
        if any(len(row) != len(columns) for row in self.background):
            yield f"background must be rows of the model's {len(columns)} columns"
        if self.samples is not None and self.samples < 1:
            yield f"samples must be at least 1, not {self.samples}"
        if self.aggregated not in AGGREGATIONS:
            yield f"aggregated must be one of {', '.join(AGGREGATIONS)}, not {self.aggregated!r}"
        if self.threshold is not None:
            yield "threshold means nothing here: values explain the score, and not the class"
        yield from _unreadable(self.baseline)

    def asks(self, truth: str) -> Asks:
        """The values of captured requests."""
        return Asks(type=self.type, analysis=MODEL_EXPLAINABILITY, **self._told())

    def constraints(self, package: Manifest) -> str | None:
        """The baseline's text."""
        return None if self.baseline is None else Path(self.baseline).read_text(encoding="utf-8")

    def config(self, package: Manifest, model: str) -> str | None:
        """Columns, the model that the shadow endpoint has, and how it is asked."""
        shap: dict[str, Any] = {"agg_method": self.aggregated}
        if self.background:
            shap["baseline"] = [list(row) for row in self.background]
        if self.samples is not None:
            shap["num_samples"] = self.samples
        predictor = {
            "model_name": model,
            "instance_type": self.instance_type,
            "initial_instance_count": 1,
            "accept_type": "text/csv",
        }
        return _text(headers=_columns(package), methods={"shap": shap}, predictor=predictor)


def _columns(package: Manifest) -> list[str]:
    return [*package.package.input.names]


def _text(**members: Any) -> str:
    return json.dumps({"version": "1.0", "dataset_type": "text/csv", **members}, indent=1, sort_keys=True)


def _unreadable(baseline: Path | str | None) -> Iterator[str]:
    if baseline is None:
        return
    try:
        found = json.loads(Path(baseline).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield f"baseline {baseline} cannot be read: {error}"
        return
    if not isinstance(found, dict):
        yield f"baseline {baseline} is no analysis.json"
