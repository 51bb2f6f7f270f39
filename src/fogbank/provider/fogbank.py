"""fogbank's own provider: what pulumi-aws lacks. Image is the package's container, built and pushed by `up`; Rollout moves an endpoint
to a configuration (rollout.py).

In: Pulumi properties; out: Pulumi properties. How an image is built and pushed, and how AWS is reached, come by constructor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fogbank.contracts import tokens
from fogbank.contracts.errors import FogbankError
from fogbank.provider.declarable import Allowed
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError, UnknownTypeError
from fogbank.provider.rollout import INPUTS as ROLLOUT_INPUTS
from fogbank.provider.rollout import AccountClients, RolloutType
from fogbank.provider.shapes import UNKNOWN

INPUTS = Allowed(
    keys=frozenset({"package", "artifactSha256", "packageSha256", "platform", "repository", "profile", "content"}),
    required=frozenset({"package", "artifactSha256", "platform"}),
)
NOT_CONTENT = frozenset({"package", "profile"})
"""Where things are on this machine, and who asks: no part of what the image is."""


class Images(Protocol):
    """Builds and pushes."""

    def content(self, package: Path, platform: str) -> str:
        """What an image is made of, as one digest. Raises FogbankError."""

    def publish(self, package: Path, platform: str, repository: str, profile: str) -> tuple[str, str]:
        """Digest and URI of the image, which then is where the URI says. Raises FogbankError."""

    def exists(self, uri: str, profile: str) -> bool:
        """Whether the image is still there. Raises FogbankError."""


def no_account(service: str, where: Properties) -> Any:
    """Where a provider was given no way to AWS. Raises ProvisionError."""
    raise ProvisionError(f"this provider was given no way to {service} at {where}")


@dataclass(frozen=True)
class FogbankProvider:
    """The provider. An image is never changed: other content is another image, made before the old one is forgotten."""

    images: Images
    version: str
    clients: AccountClients = no_account

    @property
    def _rollouts(self) -> RolloutType:
        return RolloutType(self.clients)

    def refuses(self, config: Properties) -> list[Failure]:
        """Any configuration will do."""
        return []

    def configured(self, config: Properties, program: Path | None) -> FogbankProvider:
        """The same: a registry's region is in its name, and a rollout says where its endpoint is."""
        return self

    def schema(self) -> Properties:
        """Its two types and its function."""
        types = {tokens.IMAGE: (INPUTS, ("digest", "uri")), tokens.ROLLOUT: (ROLLOUT_INPUTS, ())}
        resources = {
            token: {
                "inputProperties": _texts(inputs.keys),
                "requiredInputs": sorted(inputs.required),
                "properties": _texts(inputs.keys | {*outputs}),
            }
            for token, (inputs, outputs) in types.items()
        }
        functions = {
            tokens.LIVE_CONFIGURATION: {
                "inputs": {"properties": _texts(ROLLOUT_INPUTS.keys - {"configName"}), "required": ["endpointName"]},
                "outputs": {"properties": _texts({"configName"}), "required": ["configName"]},
            }
        }
        document = {"name": "fogbank", "version": self.version, "resources": resources, "functions": functions}
        return {**document, "provider": {}}

    def check(
        self, token: str, inputs: Properties, old: Properties, logical: str, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Inputs; an image's with the digest of what it will be made of."""
        if _is_rollout(token):
            return self._rollouts.check(inputs)
        failures = INPUTS.failures(inputs)
        if failures or UNKNOWN in inputs.values():
            return inputs, failures
        try:
            content = self.images.content(Path(inputs["package"]), inputs["platform"])
        except FogbankError as error:
            return inputs, [Failure("package", _sentence(error))]
        return {**inputs, "content": content}, []

    def diff(self, token: str, old: Properties, new: Properties) -> Difference:
        """Other content, another platform or another repository is another image."""
        if _is_rollout(token):
            return self._rollouts.diff(old, new)
        changed = tuple(sorted(key for key in {*old, *new} - NOT_CONTENT if old.get(key) != new.get(key)))
        return Difference(changed, changed)

    def preview(self, token: str, inputs: Properties) -> Properties:
        """An image's digest is known when it is made."""
        if _is_rollout(token):
            return self._rollouts.preview(inputs)
        return {**inputs, "digest": UNKNOWN, "uri": UNKNOWN}

    def create(self, token: str, inputs: Properties) -> tuple[str, Properties]:
        """Build and push; the URI, which holds the digest, is the id."""
        if _is_rollout(token):
            return self._rollouts.create(inputs)
        try:
            digest, uri = self.images.publish(
                Path(inputs["package"]), inputs["platform"], inputs.get("repository") or "", inputs.get("profile") or ""
            )
        except FogbankError as error:
            raise ProvisionError(_sentence(error)) from error
        return uri, {**inputs, "digest": digest, "uri": uri}

    def read(self, token: str, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The state as it was, if the image is still where it was put. Nobody says there what it was made of."""
        if _is_rollout(token):
            return self._rollouts.read(id_, inputs)
        try:
            if not self.images.exists(id_, str(inputs.get("profile") or "")):
                return None
        except FogbankError as error:
            raise ProvisionError(_sentence(error)) from error
        return inputs, {**inputs, "digest": id_.rpartition("@")[2], "uri": id_}

    def update(self, token: str, id_: str, old: Properties, new: Properties) -> Properties:
        """An image never is: every change is a replacement."""
        if _is_rollout(token):
            return self._rollouts.update(new)
        raise ProvisionError(f"{token} is not updated in place")

    def delete(self, token: str, id_: str, state: Properties) -> None:
        """Forget it. An endpoint goes by its own resource. What was pushed stays in its registry, where others may run it and its own rules expire it."""

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """What an endpoint serves now."""
        if token == tokens.LIVE_CONFIGURATION:
            return self._rollouts.live(arguments)
        raise UnknownTypeError(f"fogbank's provider does not have the function {token}")


def _is_rollout(token: str) -> bool:
    """Whether it is that type, and not an image. Raises UnknownTypeError for any other."""
    if token not in {tokens.IMAGE, tokens.ROLLOUT}:
        raise UnknownTypeError(f"fogbank's provider does not have the resource type {token}")
    return token == tokens.ROLLOUT


def _texts(names: Iterable[str]) -> Properties:
    return {name: {"type": "string"} for name in sorted(names)}


def _sentence(error: FogbankError) -> str:
    return f"{error.code}: {error.cause}" + (f"; next: {error.hint}" if error.hint else "")
