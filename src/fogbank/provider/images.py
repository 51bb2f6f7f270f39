"""Image, a type of fogbank's own provider: the package's container, built and pushed by `up`.

In: a package's folder and where it goes; out: the image's digest and URI. How an image is built and pushed comes by constructor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from fogbank.contracts import tokens
from fogbank.contracts.errors import FogbankError
from fogbank.provider.declarable import Allowed
from fogbank.provider.own import replaced
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError
from fogbank.provider.shapes import UNKNOWN

NOT_CONTENT = frozenset({"package", "profile"})
"""Where things are on this machine, and who asks: no part of what the image is."""


class Images(Protocol):
    """Builds and pushes."""

    def content(self, package: Path, platform: str, repository: str) -> str:
        """What an image that goes to a repository, if to any, is made of, as one digest. Raises FogbankError."""

    def publish(self, package: Path, platform: str, repository: str, profile: str) -> tuple[str, str]:
        """Digest and URI of the image, which then is where the URI says. Raises FogbankError."""

    def exists(self, uri: str, profile: str) -> bool:
        """Whether the image is still there. Raises FogbankError."""


@dataclass(frozen=True)
class ImageType:
    """The verbs of the type. An image is never changed: other content is another image, made before the old one is forgotten."""

    images: Images
    inputs: ClassVar[Allowed] = Allowed(
        keys=frozenset({"package", "artifactSha256", "packageSha256", "platform", "repository", "profile", "content"}),
        required=frozenset({"package", "artifactSha256", "platform"}),
    )
    outputs: ClassVar[tuple[str, ...]] = ("digest", "uri")
    auto_name: ClassVar[None] = None

    def check(self, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs with the digest of what the image will be made of, which is looked at on the disk."""
        failures = self.inputs.failures(inputs)
        if failures or UNKNOWN in inputs.values():
            return inputs, failures
        try:
            content = self.images.content(Path(inputs["package"]), inputs["platform"], inputs.get("repository") or "")
        except FogbankError as error:
            return inputs, [Failure("package", _sentence(error))]
        return {**inputs, "content": content}, []

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Other content, another platform or another repository is another image."""
        return replaced(old, new, NOT_CONTENT)

    def preview(self, inputs: Properties) -> Properties:
        """Its digest is known when it is made."""
        return {**inputs, "digest": UNKNOWN, "uri": UNKNOWN}

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Build and push; the URI, which holds the digest, is the id."""
        try:
            digest, uri = self.images.publish(
                Path(inputs["package"]), inputs["platform"], inputs.get("repository") or "", inputs.get("profile") or ""
            )
        except FogbankError as error:
            raise ProvisionError(_sentence(error)) from error
        return uri, {**inputs, "digest": digest, "uri": uri}

    def read(self, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The state as it was, if the image is still where it was put. Nobody says there what it was made of."""
        try:
            if not self.images.exists(id_, str(inputs.get("profile") or "")):
                return None
        except FogbankError as error:
            raise ProvisionError(_sentence(error)) from error
        return inputs, {**inputs, "digest": id_.rpartition("@")[2], "uri": id_}

    def update(self, new: Properties) -> Properties:
        """It never is: every change is a replacement."""
        raise ProvisionError(f"{tokens.IMAGE} is not updated in place")

    def delete(self, id_: str, state: Properties) -> None:
        """Forget it: what was pushed stays in its registry, where others may run it and its own rules expire it."""


def _sentence(error: FogbankError) -> str:
    return f"{error.code}: {error.cause}" + (f"; next: {error.hint}" if error.hint else "")
