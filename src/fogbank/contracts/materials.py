"""What a package and its image were made of, each thing with a name, a version and, where it is known, its digest.

In: what pack and image found; out: `Material`s, which the bill of materials and the provenance name by their package URL (purl).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Kind = Literal["pypi", "deb", "oci"]


@dataclass(frozen=True, kw_only=True)
class Material:
    """A wheel (`pypi`), a Debian package (`deb`) or a base image (`oci`). `sha256` is hex, empty where nobody says it."""

    kind: Kind
    name: str
    version: str
    sha256: str = ""
    filename: str = ""
    architecture: str = ""

    @property
    def purl(self) -> str:
        """Its package URL (ECMA-427).

        >>> Material(kind="deb", name="libc6", version="2.36-9+deb12u14", architecture="arm64").purl
        'pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=arm64'
        """
        version = quote(self.version, safe="")
        match self.kind:
            case "pypi":
                return f"pkg:pypi/{self.name}@{version}" + (
                    f"?file_name={quote(self.filename)}" if self.filename else ""
                )
            case "deb":
                return f"pkg:deb/debian/{quote(self.name, safe='')}@{version}?arch={self.architecture}"
            case "oci":
                leaf = self.name.rstrip("/").rpartition("/")[2].partition(":")[0]
                return f"pkg:oci/{quote(leaf, safe='')}@sha256%3A{self.sha256}"
