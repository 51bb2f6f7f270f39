"""The model quality wire: ground truth lines, the merge job's environment and the analysis's.

Sources: AWS Developer Guide, "Ingest Ground Truth labels and merge them with predictions", "Model quality metrics"; the environment of
recorded jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from fogbank.contracts.capture import CapturedPayload, read_line
from fogbank.contracts.monitoring import AnalyzerSettings, analyzer_settings

ProblemType = Literal["Regression", "BinaryClassification", "MulticlassClassification"]
MODEL_QUALITY = "MODEL_QUALITY"
MERGE_FORMAT = json.dumps({"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}})
MERGE_REPORT = "merge_report.json"
"""Fogbank's own: how many records have a label, how many have none, and what was set aside."""
ESTIMATE = "estimate.json"
"""Fogbank's own: what the model's probabilities promise of a window, beside what its labels say."""
REPORT_PATH = "FOGBANK_REPORT_PATH"
"""Fogbank's own: the folder of the merge report; without it, that of the merged records."""
GROUND_TRUTH = "groundTruthData"
BATCH_OUTPUT = "batchTransformOutput"
"""What a merged record of a batch transform job has in place of an endpoint's answer: the record of the job's output."""
JOINED_OUTPUT = "SageMakerOutput"
"""Where JoinSource puts the answer, in a JSON record."""
MODEL_METRICS = "aws/sagemaker/Endpoints/model-metrics"
LESS, MORE = "LessThanThreshold", "GreaterThanThreshold"
BAD_WHEN_HIGH = frozenset({"mae", "mse", "rmse", "false_positive_rate", "false_negative_rate"})
SECTIONS: Mapping[ProblemType, str] = {
    "Regression": "regression_metrics",
    "BinaryClassification": "binary_classification_metrics",
    "MulticlassClassification": "multiclass_classification_metrics",
}
METRICS: Mapping[ProblemType, frozenset[str]] = {
    "Regression": frozenset({"mae", "mse", "rmse", "r2"}),
    "BinaryClassification": frozenset(
        {
            "recall", "precision", "accuracy", "auc", "f0_5", "f1", "f2", "true_positive_rate", "true_negative_rate",
            "false_positive_rate", "false_negative_rate",
        }
    ),
    "MulticlassClassification": frozenset(
        {"accuracy", *(f"weighted_{name}" for name in ("recall", "precision", "f0_5", "f1", "f2"))}
    ),
}  # fmt: skip
"""The metrics that a threshold can be set for, by their names in SageMaker."""


@dataclass(frozen=True, kw_only=True)
class QualitySettings:
    """A model quality analysis. Attributes are the index of a CSV column or the path of a JSON value; of files with names, names."""

    analyzer: AnalyzerSettings
    problem: ProblemType
    inference: str | None = None
    probability: str | None = None
    threshold: float = 0.5
    ground_truth: str | None = None
    positive: str = "1"


def quality_settings(env: Mapping[str, str]) -> QualitySettings:
    """Settings from the environment. Raises KeyError or ValueError that names the variable."""
    problem = env["problem_type"]
    if problem not in get_args(ProblemType):
        raise ValueError(f"problem_type must be one of {', '.join(get_args(ProblemType))}, not {problem!r}")
    threshold = env.get("probability_threshold_attribute") or "0.5"
    try:
        cut = float(threshold)
    except ValueError as error:
        raise ValueError(f"probability_threshold_attribute must be a number, not {threshold!r}") from error
    if not env.get("inference_attribute") and not env.get("probability_attribute"):
        raise KeyError("inference_attribute")
    return QualitySettings(
        analyzer=analyzer_settings(env),
        problem=problem,  # type: ignore[arg-type]  # one of the three
        inference=env.get("inference_attribute") or None,
        probability=env.get("probability_attribute") or None,
        threshold=cut,
        ground_truth=env.get("ground_truth_attribute") or None,
        positive=env.get("positive_label") or "1",
    )


@dataclass(frozen=True, kw_only=True)
class Label:
    """A ground truth line: what was true of the record of this id."""

    id: str
    data: str
    encoding: str

    def payload(self) -> CapturedPayload:
        """As a captured side, whose rows are read likewise."""
        kind = "text/csv" if self.encoding == "CSV" else "application/json"
        encoding: Literal["CSV", "JSON"] = "CSV" if self.encoding == "CSV" else "JSON"
        return CapturedPayload(content_type=kind, mode="OUTPUT", data=self.data, encoding=encoding)


def read_label(line: bytes | str) -> Label:
    """A ground truth line, or a merged one's label. Raises ValueError."""
    try:
        return label_of(json.loads(line))
    except RecursionError as error:
        raise ValueError(f"not a ground truth record: {error!r}") from error


def label_of(document: Any) -> Label:
    """The label of a document. Raises ValueError."""
    try:
        data, meta = document[GROUND_TRUTH], document["eventMetadata"]
        name, content, encoding = meta.get("inferenceId") or meta["eventId"], data["data"], data["encoding"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a ground truth record: {error!r}") from error
    if not isinstance(name, str):
        raise ValueError(f"not a ground truth record: its id must be a text, not {name!r:.80}")  # noqa: TRY004 - one error of bad lines
    if not isinstance(content, str) or encoding not in ("CSV", "JSON"):
        raise ValueError(f"not a ground truth record: {encoding!r:.80} data of {type(content).__name__}")
    return Label(id=name, data=content, encoding=encoding)


def merged_line(captured: str, label: Label) -> str:
    """A captured line with its label, as the merge job writes it."""
    return _with_label(json.loads(captured), label)


def merged_output(data: str, encoding: str, label: Label) -> str:
    """A record of a batch transform job's output with its label, as the merge job writes it."""
    captured = {BATCH_OUTPUT: {"data": data, "encoding": encoding}}
    document = {"captureData": captured, "eventMetadata": {"eventId": label.id}, "eventVersion": "0"}
    return _with_label(document, label)


def _with_label(document: dict[str, Any], label: Label) -> str:
    document[GROUND_TRUTH] = {"data": label.data, "encoding": label.encoding}
    return json.dumps(document, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A merged record. One of a batch transform job has no time; where its output is joined with its input, both are there."""

    label: Label
    input: CapturedPayload | None
    output: CapturedPayload | None
    time: datetime | None = None


def read_merged(line: bytes) -> Merged:
    """A line of the merge job. Raises ValueError."""
    try:
        document = json.loads(line)
        label = label_of(document)
        batch = document["captureData"].get(BATCH_OUTPUT)
        if batch is not None:
            return _of_batch(batch["data"], batch["encoding"], label)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a merged record: {error!r}") from error
    record = read_line(line)
    return Merged(label=label, input=record.input, output=record.output, time=record.time)


def _of_batch(data: str, encoding: str, label: Label) -> Merged:
    """The sides of an output. A row of CSV is both: attributes are indexes in it, and features come first."""
    if encoding == "CSV":
        payload = Label(id=label.id, data=data, encoding="CSV").payload()
        return Merged(label=label, input=payload, output=payload)
    document = json.loads(data)
    answer = document.pop(JOINED_OUTPUT) if isinstance(document, dict) and JOINED_OUTPUT in document else None
    sides = [
        None if side is None else Label(id=label.id, data=json.dumps(side), encoding="JSON").payload()
        for side in ((document, answer) if answer is not None else (None, document))
    ]
    return Merged(label=label, input=sides[0], output=sides[1])


def lines_of(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of a JSON lines file that are not blank, by their number from 1."""
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            yield number, line


def constraints_section(section: str) -> str:
    """The key of constraints on the metrics of a section.

    >>> constraints_section("regression_metrics")
    'regression_constraints'
    """
    return section.replace("_metrics", "_constraints")


def constraints(section: str, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """The document constraints.json: a metric may not be worse than its threshold."""
    limits = {
        name: {"threshold": value, "comparison_operator": MORE if name in BAD_WHEN_HIGH else LESS}
        for name, value in thresholds.items()
    }
    return {"version": 0.0, constraints_section(section): limits}
