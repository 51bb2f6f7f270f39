"""Which distributions a package needs on its target, and whether they are those that the model was trained with.

In: names, a source of versions and the target's marker environment; out: pins, sorted, or an error before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fogbank.contracts.dependencies import Pin
from fogbank.contracts.errors import PackageError
from fogbank.pack.lock import Locked, Source, installed, requires


def resolve(names: Iterable[str], source: Source, environment: Mapping[str, str]) -> tuple[Pin, ...]:
    """The distributions and everything that they need in a marker environment, sorted by name. Raises PackageError.

    Its codes: `dependency-invalid`, `dependency-missing`, `dependency-unlocked`, `dependency-graph-unknown`.
    """
    found: dict[str, Locked] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [parsed(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        locked = found[name] if name in found else _choose(wanted, name, source, environment)
        found[name] = locked
        waiting += [item for item in _graph(locked, source) if _wanted(item, extras, environment)]
    return tuple(
        Pin(name=item.name, version=item.version, wheels=item.wheels, hashes=item.hashes)
        for _, item in sorted(found.items())
    )


def check_versions(pins: Iterable[Pin], trained: Mapping[str, str], lock: str) -> None:
    """The pins are the versions that the model was trained with. Raises PackageError (`version-differs`) with all that are not."""
    different = [
        f"{pin.name} {trained[pin.name]} trained the model, and {lock} says {pin.version}"
        for pin in pins
        if trained.get(pin.name, pin.version) != pin.version
    ]
    if different:
        raise PackageError(
            "version-differs",
            "; ".join(different),
            "install what is locked (`uv sync`), then train and pack again; or lock what is installed",
        )


def installed_versions(pins: Iterable[Pin]) -> dict[str, str]:
    """The versions that are installed here of these distributions, where they are."""
    return {pin.name: found.version for pin in pins if (found := installed(pin.name)) is not None}


def parsed(name: str) -> Requirement:
    """A requirement from its text. Raises PackageError (`dependency-invalid`)."""
    try:
        return Requirement(name)
    except InvalidRequirement as error:
        raise PackageError(
            "dependency-invalid",
            f"{name!r} is not the name of a distribution: {error}",
            "mend `dependencies` in [tool.fogbank]",
        ) from error


def _wanted(item: Requirement, extras: frozenset[str], environment: Mapping[str, str]) -> bool:
    if item.marker is None:
        return True
    return any(item.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


def _choose(wanted: Requirement, name: str, source: Source, environment: Mapping[str, str]) -> Locked:
    candidates = source.candidates(name)
    for locked in candidates:
        if locked.fits(wanted, environment):
            return locked
    if candidates:
        versions = ", ".join(locked.version for locked in candidates)
        raise PackageError(
            "dependency-unlocked",
            f"{wanted} is needed, and {source.name} has {versions}",
            "lock the project again (`uv lock`), then train and pack",
        )
    if source.name == "this environment":
        raise PackageError(
            "dependency-missing",
            f"the dependency {name!r} is not installed here",
            f"install {name}, or take it out of `dependencies` in [tool.fogbank]",
        )
    raise PackageError(
        "dependency-unlocked",
        f"{name} is needed, and {source.name} does not have it",
        f"add {name} to the project's dependencies and lock it (`uv add {name}`)",
    )


def _graph(locked: Locked, source: Source) -> tuple[Requirement, ...]:
    """What a distribution needs: by the lock, or by its metadata where that very version is installed here."""
    if locked.requires is not None:
        return locked.requires
    found = installed(locked.name)
    if found is not None and found.version == locked.version:
        return requires(found)
    raise PackageError(
        "dependency-graph-unknown",
        f"{source.name} does not say what {locked.name} {locked.version} needs, and that version is not installed here",
        "install the lock here, or keep a uv.lock, which holds the graph",
    )
