"""Which wheels a machine and a Python can have, as far as their names say it (PEP 425, PEP 600).

In: names of wheels; out: whether they run there, and which of them is the best.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from fogbank.contracts.dependencies import MACHINES, WheelFile, linux_platforms

OF_LINUX = ("manylinux", "linux_")
"""How the platform of a wheel begins that glibc's Linux takes; musl's has none of these."""


def fits(filename: str, machine: str, python: str) -> int | None:
    """How well a wheel fits, 0 best; None for one that does not run there with the oldest glibc that a base has.

    >>> fits("a-1-py3-none-win_amd64.whl", "x86_64", "3.11") is None
    True
    """
    ranks = _ranks(machine, python)
    return min((ranks[tag] for tag in _tags(filename) if tag in ranks), default=None)


def runs(filename: str, python: str) -> bool:
    """Whether a wheel is for this Python, on whatever machine."""
    major, minor = python.split(".")
    own = f"cp{major}{minor}"
    return any(
        tag.interpreter in {own, f"py{major}", f"py{major}{minor}"}
        or (
            tag.abi == "abi3"
            and tag.interpreter.startswith(f"cp{major}")
            and int(tag.interpreter[3:] or 0) <= int(minor)
        )
        for tag in _tags(filename)
    )


def runs_on(filename: str, machine: str, python: str) -> bool:
    """Whether a wheel is for this Python and a Linux machine, of whatever glibc."""
    return runs(filename, python) and (filename.endswith("-any.whl") or machine in _machines(filename))


def by_machine(files: Iterable[WheelFile], python: str) -> list[tuple[WheelFile, str]]:
    """The wheel for every machine, or one for each kind of Linux machine with the marker that says so; none where none is for Linux."""
    files = [file for file in files if runs(file.filename, python)]
    universal = next((file for file in files if file.filename.endswith("-any.whl")), None)
    if universal is not None:
        return [(universal, "")]
    found = []
    for machine in MACHINES.values():
        own = [file for file in files if machine in _machines(file.filename)]
        ranked = [(fits(file.filename, machine, python), file.filename, file) for file in own]
        if ranked:
            best = min(ranked, key=lambda each: (each[0] is None, each[0] or 0, each[1]))[2]
            found.append((best, f" ; sys_platform == 'linux' and platform_machine == '{machine}'"))
    return found


@lru_cache(maxsize=8)
def _ranks(machine: str, python: str) -> dict[Tag, int]:
    version, platforms = tuple(map(int, python.split("."))), linux_platforms(machine)
    universal = compatible_tags(version, interpreter=f"cp{python.replace('.', '')}", platforms=platforms)
    return {tag: place for place, tag in enumerate((*cpython_tags(version, platforms=platforms), *universal))}


def _tags(filename: str) -> frozenset[Tag]:
    try:
        return parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return frozenset()


def _machines(filename: str) -> set[str]:
    """The machines with glibc's Linux that a wheel is for."""
    platforms = {tag.platform for tag in _tags(filename) if tag.platform.startswith(OF_LINUX)}
    return {machine for machine in MACHINES.values() if any(each.endswith(f"_{machine}") for each in platforms)}
