"""fogbank's own provider: what pulumi-aws lacks. So far one type, Image: the package's container, built and pushed by `up`.

In: Pulumi properties; out: Pulumi properties. How an image is built and pushed comes by constructor (`Images`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fogbank.contracts import tokens
from fogbank.contracts.errors import FogbankError
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError, UnknownTypeError
from fogbank.provider.shapes import LACKING, UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The inputs that a hand-written type takes, and those that it must have."""

    keys: frozenset[str]
    required: frozenset[str] = field(default_factory=frozenset)

    def failures(self, inputs: Properties) -> list[Failure]:
        """Refuse by name what is not implemented, and what is missing."""
        refused = [
            Failure(key, LACKING)
            for key, value in inputs.items()
            if key not in self.keys and value is not None and not key.startswith("__")
        ]
        return refused + [Failure(key, "is required") for key in sorted(self.required) if inputs.get(key) is None]


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


@dataclass(frozen=True)
class FogbankProvider:
    """The provider. An image is never changed: other content is another image, made before the old one is forgotten."""

    images: Images
    version: str

    def refuses(self, config: Properties) -> list[Failure]:
        """Any configuration will do."""
        return []

    def configured(self, config: Properties, program: Path | None) -> FogbankProvider:
        """The same: a registry's region is in its name."""
        return self

    def schema(self) -> Properties:
        """Its one type."""
        inputs = {name: {"type": "string"} for name in sorted(INPUTS.keys)}
        outputs = {name: {"type": "string"} for name in ("digest", "uri")}
        image = {
            "inputProperties": inputs,
            "requiredInputs": sorted(INPUTS.required),
            "properties": {**inputs, **outputs},
        }
        return {"name": "fogbank", "version": self.version, "resources": {tokens.IMAGE: image}, "provider": {}}

    def check(
        self, token: str, inputs: Properties, old: Properties, logical: str, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Inputs, with the digest of what the image will be made of."""
        _known(token)
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
        changed = tuple(sorted(key for key in {*old, *new} - NOT_CONTENT if old.get(key) != new.get(key)))
        return Difference(changed, changed)

    def preview(self, token: str, inputs: Properties) -> Properties:
        """The digest is known when the image is made."""
        return {**inputs, "digest": UNKNOWN, "uri": UNKNOWN}

    def create(self, token: str, inputs: Properties) -> tuple[str, Properties]:
        """Build and push; the URI, which holds the digest, is the id."""
        _known(token)
        try:
            digest, uri = self.images.publish(
                Path(inputs["package"]), inputs["platform"], inputs.get("repository") or "", inputs.get("profile") or ""
            )
        except FogbankError as error:
            raise ProvisionError(_sentence(error)) from error
        return uri, {**inputs, "digest": digest, "uri": uri}

    def read(self, token: str, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The state as it was, if the image is still where it was put. Nobody says there what it was made of."""
        try:
            if not self.images.exists(id_, str(inputs.get("profile") or "")):
                return None
        except FogbankError as error:
            raise ProvisionError(_sentence(error)) from error
        return inputs, {**inputs, "digest": id_.rpartition("@")[2], "uri": id_}

    def update(self, token: str, id_: str, old: Properties, new: Properties) -> Properties:
        """Never: every change is a replacement."""
        raise ProvisionError(f"{token} is not updated in place")

    def delete(self, token: str, id_: str, state: Properties) -> None:
        """Forget it. What was pushed stays in its registry, where others may run it and its own rules expire it."""

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """It has no functions."""
        raise UnknownTypeError(f"fogbank's provider does not have the function {token}")


def _known(token: str) -> None:
    if token != tokens.IMAGE:
        raise UnknownTypeError(f"fogbank's provider does not have the resource type {token}")


def _sentence(error: FogbankError) -> str:
    return f"{error.code}: {error.cause}" + (f"; next: {error.hint}" if error.hint else "")
