"""fogbank's own provider: what pulumi-aws lacks, a file each. Image is the package's container, Rollout moves an endpoint to a
configuration, JobDefinition says what a monitor does, TransformJob scores once, ModelVersion registers a package, LogRetention keeps
lines for some days.

In: Pulumi properties; out: Pulumi properties. How an image is built and pushed, and how AWS is reached, come by constructor.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fogbank.contracts import tokens
from fogbank.provider.images import Images, ImageType
from fogbank.provider.job_definitions import JobDefinitionType
from fogbank.provider.log_retention import LogRetentionType
from fogbank.provider.model_versions import ModelVersionType
from fogbank.provider.own import AccountClients, OwnType
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError, UnknownTypeError
from fogbank.provider.rollout import RolloutType
from fogbank.provider.transform_jobs import TransformJobType


def no_account(service: str, where: Properties) -> Any:
    """Where a provider was given no way to AWS. Raises ProvisionError."""
    raise ProvisionError(f"this provider was given no way to {service} at {where}")


@dataclass(frozen=True)
class FogbankProvider:
    """The provider."""

    images: Images
    version: str
    clients: AccountClients = no_account
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False)

    @cached_property
    def _rollouts(self) -> RolloutType:
        return RolloutType(self.clients)

    @cached_property
    def _types(self) -> Mapping[str, OwnType]:
        return {
            tokens.IMAGE: ImageType(self.images),
            tokens.ROLLOUT: self._rollouts,
            tokens.JOB_DEFINITION: JobDefinitionType(self.clients),
            tokens.MODEL_VERSION: ModelVersionType(self.clients),
            tokens.LOG_RETENTION: LogRetentionType(self.clients),
            tokens.TRANSFORM_JOB: TransformJobType(self.clients, self.cancelled),
        }

    def _type(self, token: str) -> OwnType:
        """Raises UnknownTypeError."""
        if token not in self._types:
            raise UnknownTypeError(f"fogbank's provider does not have the resource type {token}")
        return self._types[token]

    def refuses(self, config: Properties) -> list[Failure]:
        """Any configuration will do."""
        return []

    def configured(self, config: Properties, program: Path | None) -> FogbankProvider:
        """The same: a registry's region is in its name, and every other type says where it is."""
        return self

    def cancel(self) -> None:
        """Jobs that are waited for are stopped."""
        self.cancelled.set()

    def schema(self) -> Properties:
        """Its types and its function."""
        resources = {
            token: {
                "inputProperties": _texts(own.inputs.keys),
                "requiredInputs": sorted(own.inputs.required),
                "properties": _texts(own.inputs.keys | {*own.outputs}),
            }
            for token, own in self._types.items()
        }
        functions = {
            tokens.LIVE_CONFIGURATION: {
                "inputs": {
                    "properties": _texts(RolloutType.inputs.keys - {"configName"}),
                    "required": ["endpointName"],
                },
                "outputs": {"properties": _texts({"configName"}), "required": ["configName"]},
            }
        }
        document = {"name": "fogbank", "version": self.version, "resources": resources, "functions": functions}
        return {**document, "provider": {}}

    def check(
        self, token: str, inputs: Properties, old: Properties, logical: str, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Inputs, named, and what is refused."""
        own = self._type(token)
        return own.check(own.auto_name.apply(inputs, old, logical, seed) if own.auto_name else inputs)

    def diff(self, token: str, old: Properties, new: Properties) -> Difference:
        """What an update would do."""
        return self._type(token).diff(old, new)

    def preview(self, token: str, inputs: Properties) -> Properties:
        """The state to be."""
        return self._type(token).preview(inputs)

    def create(self, token: str, inputs: Properties) -> tuple[str, Properties]:
        """Id and state."""
        return self._type(token).create(inputs)

    def read(self, token: str, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Inputs and state as they are."""
        return self._type(token).read(id_, inputs)

    def update(self, token: str, id_: str, old: Properties, new: Properties) -> Properties:
        """The new state."""
        return self._type(token).update(new)

    def delete(self, token: str, id_: str, state: Properties) -> None:
        """Delete."""
        self._type(token).delete(id_, state)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """What an endpoint serves now."""
        if token == tokens.LIVE_CONFIGURATION:
            return self._rollouts.live(arguments)
        raise UnknownTypeError(f"fogbank's provider does not have the function {token}")


def _texts(names: Iterable[str]) -> Properties:
    return {name: {"type": "string"} for name in sorted(names)}
