"""What a project's cloud may run where a signature is required: what a signed package of it says that it is.

In: the bytes of model data, or an image's URI; out: nothing, or a TrustError. What was approved once stays so, and its signed statement is
kept: an endpoint of an earlier package comes up again after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.container import LAYOUT_SCHEME
from fogbank.contracts.errors import ConfigError, ProjectError, TrustError
from fogbank.ground.digest import sha256_bytes, sha256_file
from fogbank.project.workplace.config import load_config

APPROVED = "approved"


class Approval:
    """Approves what was signed with the key of a project. Raises TrustError where that cannot be read."""

    def __init__(self, key: Path, package: Path, kept: Path) -> None:
        from fogbank.trust import public_key

        self._name, self._key = key.name, public_key(key)
        self._package, self._kept = package, kept

    def archive(self, file: Path) -> None:
        """Model data. Raises TrustError (`signature-missing`)."""
        self._approve(sha256_file(file), "the model data")

    def image(self, uri: str) -> None:
        """An image, by its digest. Raises TrustError (`signature-missing`)."""
        digest = uri.rpartition("@sha256:")[2] if uri.startswith(LAYOUT_SCHEME) else ""
        self._approve(digest, f"the image {uri}")

    def _approve(self, digest: str, what: str) -> None:
        from fogbank.trust import signed_digests

        for envelope in self._envelopes():
            try:
                if digest in signed_digests(envelope, "the signed statement", self._key):
                    self._keep(envelope)
                    return
            except TrustError:  # another key's, or damaged: it approves nothing
                continue
        raise TrustError(
            "signature-missing",
            f"{what} (sha256 {digest or 'unknown'}) is of no package that {self._name} has signed, and the project requires that",
            "pack it with `fogbank pack --sign KEY`, then `fogbank up --packed`",
        )

    def _envelopes(self) -> Iterator[bytes]:
        from fogbank.trust import SIGNED

        for file in (self._package / SIGNED, *sorted(self._kept.glob("*.json"))):
            if file.is_file():
                yield file.read_bytes()

    def _keep(self, envelope: bytes) -> None:
        place = self._kept / f"{sha256_bytes(envelope)}.json"
        if not place.is_file():
            self._kept.mkdir(parents=True, exist_ok=True)
            fresh = place.with_suffix(".new")
            fresh.write_bytes(envelope)
            fresh.rename(place)


def approval_of(folder: Path) -> Approval | None:
    """What the project requires whose cloud lies in a folder; None where it requires nothing, or there is no project.

    Raises ConfigError, TrustError.
    """
    config = _config(folder)
    if config is None or config.require_signature is None:
        return None
    return Approval(config.require_signature, config.package, folder / APPROVED)


def _config(folder: Path) -> ProjectConfig | None:
    try:
        config = load_config(folder)
    except ConfigError:
        raise
    except ProjectError:
        return None
    return config if config.cloud.resolve() == folder.resolve() else None
