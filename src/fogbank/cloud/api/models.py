"""SageMaker models: CreateModel, DescribeModel, ListModels, DeleteModel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Resource
from fogbank.cloud.ground.store import Document

MODEL = Kind(
    path="model",
    stem="Model",
    key="ModelName",
    arn="ModelArn",
    missing=lambda arn: validation(f'Could not find model "{arn}".'),
    taken=lambda arn: validation(f'Cannot create already existing model "{arn}".'),
    listing=Listing(operation="ListModels", answer="Models", name="ModelName"),
)


class Models(Resource[NoState]):
    """The models of every region."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(MODEL, NoState, ground)

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreateModel": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses a name that exists, and what the local data plane could not run."""
        if bool(params.get("PrimaryContainer")) == bool(params.get("Containers")):
            raise validation("Exactly one of PrimaryContainer and Containers must be given.")
        containers = params.get("Containers", [])
        if len(containers) > 1:
            raise validation("The local cloud does not run serial inference pipelines yet: give one container.")
        for container in [*containers, params.get("PrimaryContainer") or {}]:
            if container.get("Mode", "SingleModel") != "SingleModel":
                raise validation("The local cloud does not have multi-model containers yet: Mode must be SingleModel.")
        isolated = params.get("EnableNetworkIsolation", False)
        record = self.add(scope, params["ModelName"], {**params, "EnableNetworkIsolation": isolated}, NoState())
        return {"ModelArn": record.public["ModelArn"]}


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of a model: its image, the URI of its model data, and the environment that the model gives it."""

    image: str = ""
    data_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def containers(model: Document) -> tuple[Container, ...]:
    """The containers of a model, in the order in which a request passes them; today CreateModel lets one in."""
    primary = model.get("PrimaryContainer")
    return tuple(
        Container(
            image=item.get("Image", ""), data_url=item.get("ModelDataUrl"), environment=item.get("Environment", {})
        )
        for item in ([primary] if primary else model.get("Containers", []))
    )
