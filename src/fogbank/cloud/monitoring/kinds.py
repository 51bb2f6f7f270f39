"""The four kinds of monitor: one row each. What a row's `runs` says is what the local cloud runs; the others are refused by name.

Source: the SageMaker API reference, MonitoringType and Create...JobDefinition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fogbank.cloud.ground.store import Document

PARTS = ("AppSpecification", "BaselineConfig", "JobInput", "JobOutputConfig")
"""The members of a definition that carry their kind's name."""


@dataclass(frozen=True, kw_only=True)
class MonitorKind:
    """One kind. `type` is AWS's MonitoringType, with which its operations and members begin; `path` names it in ARNs."""

    type: str
    path: str
    runs: bool = False

    @property
    def stem(self) -> str:
        """Its definitions' name in operations."""
        return f"{self.type}JobDefinition"

    def plain(self, definition: Document) -> Document:
        """A definition under names that all kinds share: `JobInput` for `DataQualityJobInput`."""
        own = {f"{self.type}{part}": part for part in PARTS}
        return {own.get(name, name): value for name, value in definition.items()}


DATA_QUALITY = MonitorKind(type="DataQuality", path="data-quality-job-definition", runs=True)
KINDS: Mapping[str, MonitorKind] = {
    kind.type: kind
    for kind in (
        DATA_QUALITY,
        MonitorKind(type="ModelQuality", path="model-quality-job-definition"),
        MonitorKind(type="ModelBias", path="model-bias-job-definition"),
        MonitorKind(type="ModelExplainability", path="model-explainability-job-definition"),
    )
}
