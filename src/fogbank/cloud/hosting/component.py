"""An inference component as data: what its copies are made from, what each needs, and how far a change of it is.

In: an InferenceComponentSpecification and the model that it names; out: frozen values that lie in the store as JSON, and the summaries
that DescribeInferenceComponent answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.models import containers
from fogbank.cloud.api.resource import Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.instance_sizes import Size
from fogbank.cloud.hosting.placement import SPREAD, Need
from fogbank.cloud.hosting.rollout import Rollout
from fogbank.contracts.container import STARTUP_LIMIT_S

MEBIBYTE = 1 << 20
MOST_COPIES = 1000
BUSY = {"Creating": "CREATE_IN_PROGRESS", "Updating": "UPDATE_IN_PROGRESS", "Deleting": "DELETE_IN_PROGRESS"}
"""A status to what a refusal calls it."""
COUNTS = "UPDATE_RC_IN_PROGRESS"
"""What it calls an update that changes the number of copies alone."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One specification as it runs: `model` is the document of what each of the `copies` is, taken at `taken` in the cloud's time."""

    specification: Document
    model: Document
    copies: int
    taken: float

    @property
    def need(self) -> Need:
        """What its copies need of instances."""
        required = self.specification["ComputeResourceRequirements"]
        size = Size(
            cores=required.get("NumberOfCpuCoresRequired", 0.0),
            memory_mb=required["MinMemoryRequiredInMb"],
            accelerators=required.get("NumberOfAcceleratorDevicesRequired", 0.0),
        )
        strategy = self.specification.get("SchedulingConfig", {}).get("PlacementStrategy", SPREAD)
        return Need(size=size, copies=self.copies, strategy=strategy)

    @property
    def memory(self) -> int:
        """Bytes that a copy may have; 0 for as many as there are: what is required at least is no limit."""
        required: int = self.specification["ComputeResourceRequirements"].get("MaxMemoryRequiredInMb", 0)
        return required * MEBIBYTE

    @property
    def startup_limit_s(self) -> float:
        """How long a copy may take to answer /ping."""
        limit: float = self.specification.get("StartupParameters", {}).get(
            "ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_LIMIT_S
        )
        return limit

    def is_same(self, other: Part) -> bool:
        """Whether only the number of copies differs."""
        return replace(self, copies=other.copies) == other

    @property
    def summary(self) -> Document:
        """An InferenceComponentSpecificationSummary: a container's image is a DeployedImage there."""
        given = self.specification.get("Container")
        if given is None:
            return self.specification
        image = given.get("Image", "")
        resolved = {"ResolvedImage": image, "ResolutionTime": self.taken} if "@sha256:" in image else {}
        rest = {key: value for key, value in given.items() if key != "Image"}
        return {**self.specification, "Container": {"DeployedImage": {"SpecifiedImage": image, **resolved}, **rest}}

    def encode(self) -> Document:
        """As JSON values."""
        return {
            "specification": self.specification,
            "model": self.model,
            "copies": self.copies,
            "taken": self.taken,
        }


@dataclass(frozen=True, kw_only=True)
class ComponentState:
    """What the cloud knows of a component besides what Describe answers: the CreationTime of the endpoint that hosts it, what serves, what
    is to serve, why that cannot be, and how far an update in batches is."""

    endpoint_made: float = 0.0
    live: Part | None = None
    pending: Part | None = None
    refusal: str = ""
    rollout: Rollout | None = None

    @property
    def placed(self) -> Part | None:
        """What takes room on the instances."""
        return self.pending if self.pending is not None and not self.refusal else self.live

    @property
    def described(self) -> Part | None:
        """What Describe tells of: what serves, or what never did."""
        return self.pending if self.live is None else self.live

    def encode(self) -> Document:
        """As JSON values."""
        parts = {"live": self.live, "pending": self.pending, "rollout": self.rollout}
        encoded = {name: part.encode() for name, part in parts.items() if part is not None}
        return {"endpoint_made": self.endpoint_made, "refusal": self.refusal, **encoded}

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave."""
        live, pending, rollout = (document.get(name) for name in ("live", "pending", "rollout"))
        return cls(
            endpoint_made=document.get("endpoint_made", 0.0),
            live=Part(**live) if live else None,
            pending=Part(**pending) if pending else None,
            refusal=document.get("refusal", ""),
            rollout=Rollout.decode(rollout) if rollout else None,
        )


def model_of(name: str, arn: str, container: Document, config: Document) -> Document:
    """A specification's own container as a Model's document: with the role, and the isolation, of the endpoint's configuration."""
    data = {"ModelDataUrl": container["ArtifactUrl"]} if container.get("ArtifactUrl") else {}
    return {
        "ModelName": name,
        "ModelArn": arn,
        "ExecutionRoleArn": config["ExecutionRoleArn"],
        "EnableNetworkIsolation": config.get("EnableNetworkIsolation", False),
        "PrimaryContainer": {
            "Image": container.get("Image", ""),
            "Environment": container.get("Environment", {}),
            **data,
        },
    }


def check_specification(specification: Document) -> None:
    """Refuse what is none. Raises ValidationException. Source: botocore's documentation of InferenceComponentSpecification."""
    if bool(specification.get("ModelName")) == bool(specification.get("Container")):
        raise validation("A Specification must have either a ModelName or a Container.")
    container = specification.get("Container")
    if container is not None and not container.get("Image"):
        raise validation("The Container of a Specification must have an Image.")
    required = specification.get("ComputeResourceRequirements")
    if required is None:
        raise validation("A Specification must have ComputeResourceRequirements.")
    least, most = required["MinMemoryRequiredInMb"], required.get("MaxMemoryRequiredInMb")
    if most is not None and most < least:
        raise validation(f"MaxMemoryRequiredInMb ({most}) must not be less than MinMemoryRequiredInMb ({least}).")


def check_copies(count: int) -> None:
    """Refuse more copies than a machine can have processes for. Raises ResourceLimitExceeded."""
    if count > MOST_COPIES:
        raise ApiError("ResourceLimitExceeded", f"A component may have at most {MOST_COPIES} copies here, not {count}.")


def check_hosted(model: Document) -> None:
    """A component runs one container. Raises ValidationException."""
    held = containers(model)
    if len(held) > 1:
        raise validation("An inference pipeline is not supported when specifying an inference component.")
    if any(container.multi_model for container in held):
        raise validation("A multi-model container is not supported when specifying an inference component.")


def check_idle(record: Record[ComponentState], verb: str) -> None:
    """Refuse a component of which something is under way. Raises ValidationException."""
    status, state = record.public["InferenceComponentStatus"], record.state
    if status not in BUSY:
        return
    counts = status == "Updating" and state.live and state.pending and state.live.is_same(state.pending)
    raise in_state(record, verb, COUNTS if counts else BUSY[status])


def in_state(record: Record[ComponentState], verb: str, state: str) -> ApiError:
    """The refusal of what may not be done with a component in that state."""
    arn = record.public["InferenceComponentArn"]
    return validation(f'Cannot {verb} inference component "{arn}" while it is in state {state}.')
