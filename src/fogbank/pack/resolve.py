"""Which distributions a package needs on its target, and whether they are those that the model was trained with.

In: names, a source of versions and the target's marker environment; out: pins, sorted, or an error before anything is built.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from fogbank.contracts.dependencies import MACHINES, Pin, WheelFile
from fogbank.contracts.errors import PackageError
from fogbank.pack.lock import Source, installed, requires
from fogbank.pack.locked import Locked


def resolve(names: Iterable[str], source: Source, environment: Mapping[str, str]) -> tuple[Pin, ...]:
    """The distributions and everything that they need in a marker environment, sorted by name. Raises PackageError.

    Its codes: `dependency-invalid`, `dependency-missing`, `dependency-unlocked`, `dependency-elsewhere`,
    `dependency-graph-unknown`.
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
            origin=None if _has_wheel(item, environment) else item.origin,
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


def _has_wheel(locked: Locked, environment: Mapping[str, str]) -> bool:
    """Whether an index has a wheel of it for the platform, as far as names say it."""
    machine, python = environment["platform_machine"], environment["python_version"]
    platforms = (file.filename.removesuffix(".whl").rpartition("-")[2] for file in locked.wheels if _runs(file, python))
    return any(each == "any" or ("linux" in each and machine in each) for each in platforms)


def _obtainable(locked: Locked, source: Source) -> Locked:
    """Refuse what no container can have from where it comes from: an index's namesake would be another thing."""
    if not locked.elsewhere or locked.origin:
        return locked
    raise PackageError(
        "dependency-elsewhere",
        f"{locked.name} {locked.version} comes from {locked.elsewhere} by {source.name}: it cannot be installed from there in "
        "a container, and what an index has under that name is something else",
        f"put a wheel of {locked.name} into an index of yours and lock that; or, if it is the project's own code, take it out of "
        "`dependencies` and put its modules below the project (src/), where they are packed",
    )


def requirement_lines(pins: Iterable[Pin], python: str) -> list[str]:
    """The pins as a requirements file has them, each under the lock's hashes where it has them.

    What is had by its address comes from there; where its wheels differ by machine, each under its marker. Raises ValueError for one
    of which no wheel was made yet: what an index has under its name is something else.
    """
    lines = []
    for pin in pins:
        if pin.origin:
            raise ValueError(f"{pin} has no wheel yet")
        own = [file for file in pin.wheels if _runs(file, python)]
        direct = [file for file in own if file.url]
        if direct:
            lines += [
                f"{pin.name} @ {file.url}{marker} --hash=sha256:{file.sha256}" for file, marker in _by_machine(direct)
            ]
            continue
        hashes = sorted({*pin.hashes, *(file.sha256 for file in own)})
        lines.append(" ".join([str(pin), *(f"--hash=sha256:{digest}" for digest in hashes)]))
    return lines


def _runs(file: WheelFile, python: str) -> bool:
    """Whether a wheel is for this Python, on whatever machine."""
    try:
        tags = parse_wheel_filename(file.filename)[3]
    except InvalidWheelFilename:
        return False
    major, minor = python.split(".")
    own = f"cp{major}{minor}"
    return any(
        tag.interpreter in {own, f"py{major}", f"py{major}{minor}"}
        or (
            tag.abi == "abi3"
            and tag.interpreter.startswith(f"cp{major}")
            and int(tag.interpreter[3:] or 0) <= int(minor)
        )
        for tag in tags
    )


def _by_machine(files: Iterable[WheelFile]) -> list[tuple[WheelFile, str]]:
    """The wheel for every machine, or one for each kind of Linux machine with the marker that says so."""
    files = list(files)
    universal = next((file for file in files if file.filename.endswith("-any.whl")), None)
    if universal is not None:
        return [(universal, "")]
    wheels = []
    for machine in MACHINES.values():
        fitting = sorted(file.filename for file in files if machine in file.filename and "manylinux" in file.filename)
        wheels += [
            (file, f" ; sys_platform == 'linux' and platform_machine == '{machine}'")
            for file in files
            if fitting and file.filename == fitting[-1]
        ]
    return wheels


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
