"""The calls that steps are, by botocore's model. In: a step's type and arguments; out: what is wrong with them before they have values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fogbank.cloud.api.check import mistyped, unknown
from fogbank.cloud.api.control import service_model
from fogbank.cloud.api.supported import lacking
from fogbank.cloud.pipelines.expressions import literal


@dataclass(frozen=True, kw_only=True)
class StepCall:
    """The operation that a step is: what it makes, and the member of a step's metadata that has its ARN."""

    stem: str
    metadata: str
    job: bool = False
    longest: int = 63
    """How many characters a name may have."""

    @property
    def name(self) -> str:
        """The member that names what is made."""
        return f"{self.stem}Name"

    @property
    def arn(self) -> str:
        """The member that is its ARN."""
        return f"{self.stem}Arn"


CALLS: Mapping[str, StepCall] = {
    "Training": StepCall(stem="TrainingJob", metadata="TrainingJob", job=True),
    "Processing": StepCall(stem="ProcessingJob", metadata="ProcessingJob", job=True),
    "Transform": StepCall(stem="TransformJob", metadata="TransformJob", job=True),
    "Tuning": StepCall(stem="HyperParameterTuningJob", metadata="TuningJob", job=True, longest=32),
    "Model": StepCall(stem="Model", metadata="Model"),
    "RegisterModel": StepCall(stem="ModelPackage", metadata="RegisterModel"),
}
"""By the step's type."""


def problems(kind: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Members that the call does not have, or the local cloud lacks, and values of other types."""
    if kind not in CALLS:
        return
    operation = f"Create{CALLS[kind].stem}"
    shape, said = service_model().operation_model(operation).input_shape, literal(dict(arguments))
    wrong = list(mistyped(said, shape))
    yield from wrong
    if not wrong:
        for path in dict.fromkeys([*lacking(said, shape), *unknown(said, shape)]):
            yield f"the local cloud does not have {path} of {operation} yet; it is refused, not ignored"
