"""SageMaker models: CreateModel, DescribeModel, ListModels, DeleteModel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Resource
from fogbank.cloud.ground.store import Document

MORE = "AdditionalModelDataSources"
OF_PACKAGE = ("Image", "ModelDataUrl", "ModelDataSource")
PRIMARY = "primary"
"""What the one container of a model is called, whatever it says itself."""
Form = Literal["archive", "object", "prefix"]
Packaged = Callable[[str, str], Sequence[Document]]
"""The containers of a model package, by region and name or ARN. Raises ApiError."""
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

    def __init__(self, ground: Ground, packaged: Packaged | None = None) -> None:
        super().__init__(MODEL, NoState, ground)
        self._packaged = packaged

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreateModel": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses a name that exists, and what the local data plane could not run."""
        if bool(params.get("PrimaryContainer")) == bool(params.get("Containers")):
            raise validation("Exactly one of PrimaryContainer and Containers must be given.")
        params = self._with_packages(scope, params)
        for container in [*params.get("Containers", []), params.get("PrimaryContainer") or {}]:
            _check_data(container)
            _check_mode(container)
        _check_pipeline(params.get("Containers", []), direct=is_direct(params))
        isolated = params.get("EnableNetworkIsolation", False)
        record = self.add(scope, params["ModelName"], {**params, "EnableNetworkIsolation": isolated}, NoState())
        return {"ModelArn": record.public["ModelArn"]}

    def _with_packages(self, scope: Scope, params: Params) -> Params:
        """A container of a model package has what the package says; the model's own environment goes before. Raises ApiError."""

        def filled(container: Params) -> Params:
            if self._packaged is None or not container.get("ModelPackageName"):
                return container
            if any(container.get(member) for member in OF_PACKAGE):
                raise validation("A container with a ModelPackageName has no Image and no model data of its own.")
            held = self._packaged(scope.region, container["ModelPackageName"])
            if len(held) != 1:
                raise validation(
                    "The local cloud does not run serial inference pipelines yet: the package has several containers."
                )
            own: Params = {key: held[0][key] for key in OF_PACKAGE if key in held[0]}
            environment = {**held[0].get("Environment", {}), **container.get("Environment", {})}
            return {**container, **own, **({"Environment": environment} if environment else {})}

        given = {**params}
        if "PrimaryContainer" in params:
            given["PrimaryContainer"] = filled(params["PrimaryContainer"])
        if "Containers" in params:
            given["Containers"] = [filled(container) for container in params["Containers"]]
        return given


@dataclass(frozen=True, kw_only=True)
class ModelData:
    """Where model data lies, and in which form: a gzip-compressed tar, one object as it is, or all objects below a prefix."""

    uri: str
    form: Form = "archive"


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of a model: its host name, its image, its model data, more data by channel, and the environment that the model gives
    it. `multi_model`: the data's URI is a prefix, below which models lie, and `cached` whether they stay loaded."""

    hostname: str = PRIMARY
    image: str = ""
    data: ModelData | None = None
    more: Mapping[str, ModelData] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    multi_model: bool = False
    cached: bool = True


def containers(model: Document) -> tuple[Container, ...]:
    """The containers of a model, in the order in which a request passes them. Those of several that say no host name are called by their
    place. Source: AWS Developer Guide, "Use Logs and Metrics to Monitor an Inference Pipeline"."""
    primary = model.get("PrimaryContainer")
    if primary:
        return (_container(primary, PRIMARY),)
    return tuple(
        _container(item, item.get("ContainerHostname") or f"container-{number}")
        for number, item in enumerate(model.get("Containers", []), 1)
    )


def is_direct(model: Document) -> bool:
    """Whether a request to the model goes to one of its containers, and not through all."""
    mode: str = model.get("InferenceExecutionConfig", {}).get("Mode", "Serial")
    return mode == "Direct"


def _container(item: Document, hostname: str) -> Container:
    return Container(
        hostname=hostname,
        image=item.get("Image", ""),
        data=_data(item),
        more={each["ChannelName"]: _sourced(each["S3DataSource"]) for each in item.get(MORE, [])},
        environment=item.get("Environment", {}),
        multi_model=item.get("Mode", "SingleModel") == "MultiModel",
        cached=item.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled") == "Enabled",
    )


def _data(item: Document) -> ModelData | None:
    source = _source(item)
    if not source:
        uri = item.get("ModelDataUrl")
        return ModelData(uri=uri) if uri else None
    return _sourced(source)


def _sourced(source: Document) -> ModelData:
    """Of an S3ModelDataSource."""
    if source["CompressionType"] == "Gzip":
        return ModelData(uri=source["S3Uri"])
    return ModelData(uri=source["S3Uri"], form="prefix" if source["S3DataType"] == "S3Prefix" else "object")


def _source(item: Document) -> Document:
    source: Document = item.get("ModelDataSource", {}).get("S3DataSource", {})
    return source


def has_source(model: Document) -> bool:
    """Whether a container of the model has a ModelDataSource, or more of them, with which not every kind of inference goes.
    Source: ContainerDefinition of the API reference."""
    items = [model.get("PrimaryContainer") or {}, *model.get("Containers", [])]
    return any(_source(item) or item.get(MORE) for item in items)


def _check_data(item: Document) -> None:
    """Raises ValidationException. Source: S3ModelDataSource of the API reference."""
    _check_more(item)
    if not item.get("ModelDataSource"):
        return
    if item.get("ModelDataUrl"):
        raise validation("A container has a ModelDataUrl or a ModelDataSource, not both.")
    if item.get("Mode") == "MultiModel":
        raise validation("ModelDataSource is not supported with containers whose Mode is MultiModel.")
    source = _source(item)
    if not source:
        raise validation("ModelDataSource must have an S3DataSource.")
    _check_source(source)


def _check_more(item: Document) -> None:
    """Each channel is a folder of its own. Raises ValidationException."""
    channels = [each["ChannelName"] for each in item.get(MORE, [])]
    if channels and item.get("Mode") == "MultiModel":
        raise validation(f"{MORE} is not supported with containers whose Mode is MultiModel.")
    if len(set(channels)) < len(channels):
        raise validation(f"The channel names {channels} of {MORE} are not unique.")
    if not {".", ".."}.isdisjoint(channels):
        raise validation(f"The channel names {channels} of {MORE} must be names of folders.")
    for each in item.get(MORE, []):
        _check_source(each["S3DataSource"])


def _check_source(source: Document) -> None:
    """Raises ValidationException."""
    if source["S3DataType"] == "S3Prefix":
        if source["CompressionType"] == "Gzip":
            raise validation("CompressionType Gzip is of an S3Object: what lies below an S3Prefix is not compressed.")
        if not source["S3Uri"].endswith("/"):
            raise validation(f'The S3Prefix "{source["S3Uri"]}" must end with a forward slash.')


def _check_mode(item: Document) -> None:
    """Raises ValidationException."""
    if item.get("Mode", "SingleModel") == "SingleModel":
        if item.get("MultiModelConfig"):
            raise validation("MultiModelConfig is of containers whose Mode is MultiModel.")
    elif not item.get("ModelDataUrl"):
        raise validation(
            "A container whose Mode is MultiModel needs a ModelDataUrl, the prefix below which its models lie."
        )


def _check_pipeline(items: Sequence[Document], *, direct: bool) -> None:
    """Refuse containers that cannot be told apart. Raises ValidationException."""
    names = [item["ContainerHostname"] for item in items if item.get("ContainerHostname")]
    if direct and len(names) < max(2, len(items)):
        raise validation(
            "InferenceExecutionConfig.Mode Direct needs Containers, of two at least, each with a ContainerHostname."
        )
    if names and len(items) > 1 and len(names) < len(items):
        raise validation("If a container of a pipeline has a ContainerHostname, every one must have one.")
    if len(set(names)) < len(names):
        raise validation(f"The container host names {names} are not unique.")
