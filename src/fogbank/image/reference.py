"""A name of an image in a registry: `host[:port]/name[:tag][@digest]`, with Docker's defaults for short names.

In: what a person writes; out: a `Reference`. Grammar: distribution/reference, OCI distribution-spec v1.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from fogbank.contracts.errors import PackageError
from fogbank.contracts.registries import ECR
from fogbank.ground.digest import DIGEST

NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DOCKER = "docker.io"
DOCKER_HOST = "registry-1.docker.io"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An image's registry, name, and its tag or digest. `host` has the port where one was given."""

    host: str
    name: str
    tag: str = ""
    digest: str = ""

    @property
    def address(self) -> str:
        """The host that is asked."""
        return DOCKER_HOST if self.host == DOCKER else self.host

    @property
    def manifest_name(self) -> str:
        """What names the manifest: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    @property
    def local(self) -> bool:
        """Whether the registry is on this machine, where plain HTTP will do."""
        return self.host.partition(":")[0] in {"localhost", "127.0.0.1"} or self.host.startswith("[::1]")

    @property
    def ecr(self) -> tuple[str, str] | None:
        """Account and region, where the registry is Amazon ECR.

        >>> parse_reference("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/churn").ecr
        ('123456789012', 'us-east-1')
        """
        match = ECR.fullmatch(self.host)
        return (match["account"], match["region"] or match["dual"]) if match else None

    def at(self, digest: str) -> Reference:
        """The same repository, at a digest."""
        return replace(self, digest=digest)

    def __str__(self) -> str:
        return (
            f"{self.host}/{self.name}"
            + (f":{self.tag}" if self.tag else "")
            + (f"@{self.digest}" if self.digest else "")
        )


def parse_reference(text: str) -> Reference:
    """A reference from its text. Raises PackageError (`reference-invalid`).

    >>> str(parse_reference("python:3.11-slim"))
    'docker.io/library/python:3.11-slim'
    >>> parse_reference("localhost:5000/a/b").address
    'localhost:5000'
    """
    rest, _, digest = text.partition("@")
    first, slash, others = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = first, others
    else:
        host, path = DOCKER, rest
    name, _, tag = path.partition(":")
    if host == DOCKER and "/" not in name:
        name = f"library/{name}"
    wrong = not NAME.fullmatch(name) or (tag and not TAG.fullmatch(tag)) or (digest and not DIGEST.fullmatch(digest))
    if wrong or (("@" in text) != bool(digest)):
        raise PackageError(
            "reference-invalid",
            f"{text!r} does not name an image",
            "write host/name:tag, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:1",
        )
    return Reference(host=host, name=name, tag=tag, digest=digest)
