"""The four kinds of monitor: one row each.

Source: the SageMaker API reference, MonitoringType and Create...JobDefinition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fogbank.cloud.ground.store import Document
from fogbank.contracts.clarify import MODEL_BIAS, MODEL_EXPLAINABILITY
from fogbank.contracts.quality import MODEL_QUALITY

PARTS = ("AppSpecification", "BaselineConfig", "JobInput", "JobOutputConfig")
"""The members of a definition that carry their kind's name."""
INPUTS = ("EndpointInput", "BatchTransformInput")
"""What a JobInput has one of: `Input` here."""


@dataclass(frozen=True, kw_only=True)
class MonitorKind:
    """One kind. `type` is AWS's MonitoringType, with which its operations and members begin; `path` names it in ARNs."""

    type: str
    path: str
    job: str
    """What the names of its executions' processing jobs begin with."""
    analysis: str = ""
    """The `analysis_type` of its jobs' environment."""
    labelled: bool = False
    """Whether it looks at records that are merged with ground truth."""

    @property
    def batch_side(self) -> str:
        """Which side of batch transform jobs it looks at: what has labels has answers; the others are of what the model was given.

        Source: AWS's samples of batch monitors; not known is whether data quality looks at answers too.
        """
        return "output" if self.labelled else "input"

    @property
    def stem(self) -> str:
        """Its definitions' name in operations."""
        return f"{self.type}JobDefinition"

    def plain(self, definition: Document) -> Document:
        """A definition under names that all kinds share: `JobInput` for `DataQualityJobInput`."""
        own = {f"{self.type}{part}": part for part in PARTS}
        plain = {own.get(name, name): value for name, value in definition.items()}
        job_input = plain.get("JobInput")
        if isinstance(job_input, dict):
            plain["JobInput"] = {"Input" if name in INPUTS else name: value for name, value in job_input.items()}
        return plain

    def has_one_input(self, definition: Document) -> bool:
        """Whether a definition, of this kind's names or of plain ones, says what is monitored, once."""
        job_input = definition.get(f"{self.type}JobInput") or definition.get("JobInput") or {}
        return len(job_input.keys() & set(INPUTS)) == 1


DATA_QUALITY = MonitorKind(type="DataQuality", path="data-quality-job-definition", job="model-monitoring")
KINDS: Mapping[str, MonitorKind] = {
    kind.type: kind
    for kind in (
        DATA_QUALITY,
        MonitorKind(
            type="ModelQuality",
            path="model-quality-job-definition",
            job="model-quality-monitoring",
            analysis=MODEL_QUALITY,
            labelled=True,
        ),
        MonitorKind(
            type="ModelBias",
            path="model-bias-job-definition",
            job="model-bias-monitoring",
            analysis=MODEL_BIAS,
            labelled=True,
        ),
        MonitorKind(
            type="ModelExplainability",
            path="model-explainability-job-definition",
            job="model-explainability-monitoring",
            analysis=MODEL_EXPLAINABILITY,
        ),
    )
}
