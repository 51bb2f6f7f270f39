"""SageMaker models: CreateModel, DescribeModel, ListModels, DeleteModel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.cloud.api.control import Operation, Params, Scope, page, refuse, validation
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store

KIND = "model"


class Models:
    """The models of every region."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            "CreateModel": self.create,
            "DescribeModel": self.describe,
            "ListModels": self.summaries,
            "DeleteModel": self.delete,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses a name that exists, and what the local data plane could not run."""
        name, arn = params["ModelName"], scope.arn("model", params["ModelName"])
        if self._store.get(KIND, scope.region, name):
            raise validation(f'Cannot create already existing model "{arn}".')
        if bool(params.get("PrimaryContainer")) == bool(params.get("Containers")):
            raise validation("Exactly one of PrimaryContainer and Containers must be given.")
        containers = params.get("Containers", [])
        if len(containers) > 1:
            raise validation("The local cloud does not run serial inference pipelines yet: give one container.")
        for container in [*containers, params.get("PrimaryContainer") or {}]:
            refuse(container, "ModelDataSource", "ModelPackageName", "MultiModelConfig", "AdditionalModelDataSources")
            if container.get("Mode", "SingleModel") != "SingleModel":
                raise validation("The local cloud does not have multi-model containers yet: Mode must be SingleModel.")
        document: Document = {
            **params,
            "ModelArn": arn,
            "CreationTime": self._clock.epoch(),
            "EnableNetworkIsolation": params.get("EnableNetworkIsolation", False),
        }
        self._store.put(KIND, scope.region, name, document)
        return {"ModelArn": arn}

    def describe(self, scope: Scope, params: Params) -> Params:
        """The model. Raises ValidationException where there is none."""
        return self.get(scope.region, params["ModelName"])

    def get(self, region: str, name: str) -> Document:
        """The model's document, its one container as PrimaryContainer. Raises ValidationException."""
        document = self._store.get(KIND, region, name)
        if document is None:
            raise validation(f'Could not find model "{Scope(region).arn("model", name)}".')
        return document

    def summaries(self, scope: Scope, params: Params) -> Params:
        """Summaries, newest first."""
        found = self._store.all(KIND, scope.region)
        named = [doc for doc in found if params.get("NameContains", "") in doc["ModelName"]]
        return page([{**doc, "_name": doc["ModelName"]} for doc in named], params, "Models")

    def delete(self, scope: Scope, params: Params) -> Params:
        """Delete. Raises ValidationException where there is none."""
        self.get(scope.region, params["ModelName"])
        self._store.delete(KIND, scope.region, params["ModelName"])
        return {}


def container_of(model: Document) -> dict[str, Any]:
    """The one container of a model."""
    primary: dict[str, Any] = model.get("PrimaryContainer") or model["Containers"][0]
    return primary
