"""Which distributions a package needs on its target, and whether they are those that the model was trained with.

In: names, a source of versions and the target's marker environment; out: pins, sorted, or an error before anything is built.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fogbank.contracts.dependencies import Origin, Pin, WheelFile
from fogbank.contracts.errors import PackageError
from fogbank.pack.fetching import nameless
from fogbank.pack.fitting import by_machine, fits, runs, runs_on
from fogbank.pack.lock import Source, installed, requires
from fogbank.pack.locked import Locked
from fogbank.pack.origins import wheel_name


def resolve(names: Iterable[str], source: Source, environment: Mapping[str, str]) -> tuple[Pin, ...]:
    """The distributions and everything that they need in a marker environment, sorted by name. Raises PackageError.

    Its codes: `dependency-invalid`, `dependency-missing`, `dependency-unlocked`, `dependency-elsewhere`,
    `dependency-graph-unknown`, `wheel-missing`.
    """
    chosen: dict[str, Locked] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [parsed(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        locked = chosen[name] if name in chosen else _choose(requirement, name, source, environment)
        chosen[name] = locked
        waiting += [item for item in _graph(locked, source) if _applies(item, extras, environment)]
    return tuple(
        Pin(
            name=item.name,
            version=item.version,
            wheels=item.wheels,
            hashes=item.hashes,
            origin=_origin(item, environment),
        )
        for _, item in sorted(chosen.items())
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
    return {pin.name: own.version for pin in pins if (own := installed(pin.name)) is not None}


def differences(pins: Iterable[str], *, missing: bool, trained: Collection[str] = ()) -> list[str]:
    """The pins (`name==version`) that are installed here in other versions; those that are not installed too, where they count:
    all of them, or those whose distributions were there when the model was `trained`."""
    places = [(pin, *pin.split("==")) for pin in pins]
    here = [(pin, name, version, installed_version(name)) for pin, name, version in places]
    others = [f"{pin}, here {own}" for pin, _, version, own in here if own and own != version]
    return others + [
        f"{pin}, not installed here" for pin, name, _, own in here if not own and (missing or name in trained)
    ]


def installed_version(name: str) -> str:
    """The version that is installed here; empty for none."""
    own = installed(name)
    return own.version if own is not None else ""


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


def _applies(item: Requirement, extras: frozenset[str], environment: Mapping[str, str]) -> bool:
    if item.marker is None:
        return True
    return any(item.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


def _choose(requirement: Requirement, name: str, source: Source, environment: Mapping[str, str]) -> Locked:
    candidates = source.candidates(name)
    for locked in candidates:
        if locked.fits(requirement, environment):
            return _obtainable(locked, source)
    if candidates:
        versions = ", ".join(locked.version for locked in candidates)
        raise PackageError(
            "dependency-unlocked",
            f"{requirement} is needed, and {source.name} has {versions}",
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


def _origin(locked: Locked, environment: Mapping[str, str]) -> Origin | None:
    """Where its wheel is to be had from where no index has one for the platform: the best that lies here, else its sources."""
    machine, python = environment["platform_machine"], environment["python_version"]
    if not locked.origins or any(runs_on(file.filename, machine, python) for file in locked.wheels):
        return None
    names = {origin: wheel_name(origin) for origin in locked.origins}
    places = ((fits(name, machine, python), name, origin) for origin, name in names.items())
    ranked = [(place, name, origin) for place, name, origin in places if place is not None]
    if ranked:
        return min(ranked, key=lambda each: each[:2])[2]
    if locked.wheels and not any(names.values()) and machine != platform.machine():
        return None  # an index has wheels of it for other machines: here one of that machine cannot be built
    sources = [origin for origin, name in names.items() if not name]
    if sources:
        return sources[0]
    raise _no_wheel(f"{locked.name}=={locked.version}", f"{machine} and Python {python}", names.values())


def _no_wheel(pin: str, target: str, filenames: Iterable[str]) -> PackageError:
    return PackageError(
        "wheel-missing",
        f"{pin} has no wheel for Linux on {target}, and comes from nowhere else: its wheels are {', '.join(sorted(filenames)[:8])}",
        "choose a version that has one, or build a wheel for that platform and lock it",
    )


def _obtainable(locked: Locked, source: Source) -> Locked:
    """Refuse what no container can have from where it comes from: an index's namesake would be another thing."""
    if not locked.elsewhere or locked.origins:
        return locked
    raise PackageError(
        "dependency-elsewhere",
        f"{locked.name} {locked.version} comes from {nameless(locked.elsewhere)} by {source.name}: it cannot be installed from there in "
        "a container, and what an index has under that name is something else",
        f"put a wheel of {locked.name} into an index of yours and lock that; or, if it is the project's own code, take it out of "
        "`dependencies` and put its modules below the project (src/), where they are packed",
    )


def requirement_lines(pins: Iterable[Pin], python: str) -> list[str]:
    """The pins as a requirements file has them, each under the lock's hashes where it has them.

    What is had by its address comes from there, and from nowhere else; where its wheels differ by machine, each under its marker. Raises
    PackageError (`wheel-missing`), and ValueError for one of which no wheel was made yet: what an index has under its name is something else.
    """
    lines = []
    for pin in pins:
        if pin.origin:
            raise ValueError(f"{pin} has no wheel yet")
        direct = [file for file in pin.wheels if file.url or file.path]
        if direct:
            lines += _direct_lines(pin, direct, python)
            continue
        hashes = sorted({*pin.hashes, *(file.sha256 for file in pin.wheels if runs(file.filename, python))})
        if pin.wheels and not hashes:
            raise _no_wheel(str(pin), f"any machine and Python {python}", (file.filename for file in pin.wheels))
        lines.append(" ".join([str(pin), *(f"--hash=sha256:{digest}" for digest in hashes)]))
    return lines


def _direct_lines(pin: Pin, files: Sequence[WheelFile], python: str) -> list[str]:
    chosen = by_machine(files, python)
    if not chosen:
        raise _no_wheel(str(pin), f"any machine and Python {python}", (file.filename for file in files))
    return [f"{pin.name} @ {file.url}{marker} --hash=sha256:{file.sha256}" for file, marker in chosen]


def _graph(locked: Locked, source: Source) -> tuple[Requirement, ...]:
    """What a distribution needs: by the lock, or by its metadata where that very version is installed here."""
    if locked.requires is not None:
        return locked.requires
    own = installed(locked.name)
    if own is not None and own.version == locked.version:
        return requires(own)
    raise PackageError(
        "dependency-graph-unknown",
        f"{source.name} does not say what {locked.name} {locked.version} needs, and that version is not installed here",
        "install the lock here, or keep a uv.lock, which holds the graph",
    )
