"""Which versions the package is locked to: those that the model was trained with, and all that they need.

In: the names of distributions; out: `name==version` lines. Where the project has a uv.lock, it must say the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fogbank.contracts.errors import PackageError
from fogbank.pack.code import imported_modules


def closure(names: Iterable[str]) -> tuple[str, ...]:
    """`name==version` of the distributions and of everything that they need, sorted. Raises PackageError."""
    pins: dict[str, str] = {}
    waiting = [_requirement(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in pins or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise PackageError(
                "dependency-missing",
                f"the dependency {name!r} is not installed here",
                f"install {name}, or take it out of `dependencies` in [tool.fogbank]",
            ) from error
        pins[name] = f"{name}=={found.version}"
        waiting += [Requirement(text) for text in found.requires or ()]
    return tuple(sorted(pins.values()))


def compiled_dependencies(names: Iterable[str], code: Iterable[Path]) -> tuple[str, ...]:
    """What a package with a compiled model needs: ONNX Runtime, and those of the project's dependencies that its code imports."""
    imported = imported_modules(code)
    owners = {
        owner for module, found in metadata.packages_distributions().items() if module in imported for owner in found
    }
    wanted = {canonicalize_name(owner) for owner in owners}
    return ("onnxruntime", *(name for name in names if canonicalize_name(_requirement(name).name) in wanted))


def check_against_lock(pins: Iterable[str], lock: Path) -> None:
    """The project's uv.lock names the same versions. Raises PackageError (`dependency-unlocked`)."""
    if not lock.is_file():
        return
    locked: dict[str, set[str]] = {}
    for package in tomllib.loads(lock.read_text()).get("package", []):
        locked.setdefault(canonicalize_name(package["name"]), set()).add(package.get("version", ""))
    for pin in pins:
        name, _, version = pin.partition("==")
        if version not in locked.get(name, {version}):
            raise PackageError(
                "dependency-unlocked",
                f"{name} {version} is installed, and uv.lock says {', '.join(sorted(locked[name]))}",
                "run `uv sync`, then train and pack again",
            )


def _requirement(name: str) -> Requirement:
    try:
        return Requirement(name)
    except InvalidRequirement as error:
        raise PackageError(
            "dependency-invalid",
            f"{name!r} is not the name of a distribution: {error}",
            "mend `dependencies` in [tool.fogbank]",
        ) from error
