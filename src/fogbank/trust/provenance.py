"""How a package came to be: an in-toto statement (v1) with SLSA's provenance predicate (v1), over every file of the package.

In: a package folder, materials and what was asked for; out: the statement. It holds no time: same package, same statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fogbank.contracts.materials import Material
from fogbank.ground.digest import folder_digests

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:fogbank:pack:v1"
"""`externalParameters` are the project's settings that decide what is packed; `resolvedDependencies` the materials."""


def statement(
    folder: Path, materials: Iterable[Material], parameters: Mapping[str, Any], fogbank: str, commit: str = ""
) -> dict[str, Any]:
    """The statement over every file in `folder` as it is now; `commit` is the project's git commit, where it has one."""
    sources = [{"uri": "git:HEAD", "digest": {"gitCommit": commit}}] if commit else []
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in folder_digests(folder).items()],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(parameters),
                "internalParameters": {"fogbank": fogbank},
                "resolvedDependencies": [
                    *sources,
                    *(_dependency(item) for item in sorted(set(materials), key=lambda item: item.purl)),
                ],
            },
            "runDetails": {"builder": {"id": f"urn:fogbank:{fogbank}"}},
        },
    }


def _dependency(item: Material) -> dict[str, Any]:
    return {"uri": item.purl, **({"digest": {"sha256": item.sha256}} if item.sha256 else {})}
