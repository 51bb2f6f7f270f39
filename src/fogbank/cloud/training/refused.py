"""What SageMaker builds on training and moto only cans: answers about work that nobody has done are refused by name.

In: nothing; out: operations that raise.
"""

from __future__ import annotations

from collections.abc import Mapping

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError

CANNED = {
    "CreateAutoMLJob": "AutoML jobs",
    "CreateAutoMLJobV2": "AutoML jobs",
    "CreateCompilationJob": "compilation jobs",
    "ListPipelineVersions": "versions of pipelines",
    "UpdatePipelineVersion": "versions of pipelines",
    "CreateOptimizationJob": "optimization jobs",
    "CreateLabelingJob": "labeling jobs",
    "CreateInferenceRecommendationsJob": "inference recommendations",
    "CreateCluster": "clusters",
    "CreateNotebookInstance": "notebook instances",
}


def refusals() -> Mapping[str, Operation]:
    """The calls, each with what it is refused by."""
    return {operation: _refusal(what) for operation, what in CANNED.items()}


def _refusal(what: str) -> Operation:
    def refuse(_: Scope, __: Params) -> Params:
        raise ApiError(
            "NotImplemented",
            f"the local cloud does not have {what}: nothing here would do the work; they are refused, not ignored",
            501,
        )

    return refuse
