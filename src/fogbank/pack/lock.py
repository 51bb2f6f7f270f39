"""The project's lock, whichever it has: uv.lock, pylock.toml (PEP 751), or a requirements file with hashes.

In: the project's folder; out: a `Lock`, which says of each distribution its version, its files and, where the format has it,
what it needs. A project without a lock is locked to what is installed (`Installed`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote, urlparse

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from fogbank.contracts.dependencies import WheelFile
from fogbank.contracts.errors import PackageError

MALFORMED = (ValueError, KeyError, TypeError, AttributeError, InvalidRequirement)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One version of a distribution. `requires` is None where the lock does not hold the graph; any of `markers` must hold."""

    name: str
    version: str
    wheels: tuple[WheelFile, ...] = ()
    hashes: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] | None = None
    markers: tuple[str, ...] = ()

    def fits(self, wanted: Requirement, environment: Mapping[str, str]) -> bool:
        """Whether this version answers a requirement on a platform."""
        right = wanted.specifier.contains(Version(self.version), prereleases=True)
        return right and (
            not self.markers or any(Marker(marker).evaluate({**environment, "extra": ""}) for marker in self.markers)
        )


class Source(Protocol):
    """Where versions come from."""

    @property
    def name(self) -> str:
        """How a person knows it."""

    def candidates(self, name: str) -> tuple[Locked, ...]:
        """The versions of a distribution, by its canonical name."""


class Lock:
    """A lock file's content. A distribution's table is read when it is asked for: a lock has hundreds, a package needs ten."""

    def __init__(
        self, name: str, tables: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Locked]
    ) -> None:
        self.name, self._read = name, read
        self._tables: dict[str, list[Mapping[str, Any]]] = {}
        for table in tables:
            if "version" in table:
                self._tables.setdefault(canonicalize_name(table["name"]), []).append(table)

    def candidates(self, name: str) -> tuple[Locked, ...]:
        """The versions that it has of a distribution: several where they differ by platform. Raises PackageError."""
        try:
            return tuple(map(self._read, self._tables.get(name, ())))
        except MALFORMED as error:
            raise _unreadable(self.name, error) from error


class Installed:
    """What is installed here, in place of a lock."""

    name = "this environment"

    def candidates(self, name: str) -> tuple[Locked, ...]:
        """The one version that is installed."""
        found = installed(name)
        return (Locked(name=name, version=found.version, requires=requires(found)),) if found else ()


def installed(name: str) -> metadata.Distribution | None:
    """The installed distribution of that name."""
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def requires(found: metadata.Distribution) -> tuple[Requirement, ...]:
    """What a distribution says that it needs."""
    return tuple(Requirement(text) for text in found.requires or ())


def read_lock(root: Path) -> Lock | None:
    """The project's lock, None where it has none. Raises PackageError (`lock-unreadable`)."""
    for name in READERS:
        path = root / name
        if path.is_file():
            lock = _read(path, path.stat().st_mtime_ns)
            if lock is not None:
                return lock
    return None


@lru_cache(maxsize=4)
def _read(path: Path, _: int) -> Lock | None:
    tables, read = READERS[path.name]
    try:
        found = list(tables(path.read_text()))
        return Lock(path.name, found, read) if found else None
    except MALFORMED as error:
        raise _unreadable(path.name, error) from error


def _unreadable(name: str, error: Exception) -> PackageError:
    return PackageError("lock-unreadable", f"{name} cannot be read: {error!r}", "lock the project again (`uv lock`)")


def _uv(package: Mapping[str, Any]) -> Locked:
    """uv.lock: one table a version, its graph with markers, its wheels with their addresses and hashes."""
    optional = [
        _uv_requirement(item, extra)
        for extra, items in package.get("optional-dependencies", {}).items()
        for item in items
    ]
    return Locked(
        name=canonicalize_name(package["name"]),
        version=package["version"],
        wheels=tuple(
            _wheel(item["url"], item["hash"], item.get("size", 0))
            for item in package.get("wheels", [])
            if "url" in item
        ),
        requires=(*(_uv_requirement(item) for item in package.get("dependencies", [])), *optional),
        markers=tuple(package.get("resolution-markers", [])),
    )


def _uv_requirement(item: Mapping[str, Any], extra: str | None = None) -> Requirement:
    extras = f"[{','.join(item['extra'])}]" if item.get("extra") else ""
    version = f"=={item['version']}" if "version" in item else ""
    markers = [f"({marker})" for marker in (item.get("marker"), f"extra == '{extra}'" if extra else None) if marker]
    return Requirement(f"{item['name']}{extras}{version}" + (f"; {' and '.join(markers)}" if markers else ""))


def _pylock(package: Mapping[str, Any]) -> Locked:
    """pylock.toml: a list that is installed whole; each may have a marker."""
    return Locked(
        name=canonicalize_name(package["name"]),
        version=package["version"],
        wheels=tuple(
            _wheel(item.get("url") or item.get("name") or item["path"], item["hashes"]["sha256"], item.get("size", 0))
            for item in package.get("wheels", [])
        ),
        markers=(package["marker"],) if "marker" in package else (),
    )


def _lines(text: str) -> Iterable[Mapping[str, Any]]:
    """A requirements file whose every line has hashes; one without is no lock."""
    lines = [line for line in re.sub(r"\\\n", " ", text).splitlines() if line.strip() and line.strip()[0] not in "#-"]
    tables = []
    for line in lines:
        hashes = HASH.findall(line)
        if not hashes:
            return []
        wanted = Requirement(line.partition("--hash")[0].partition(" #")[0].strip())
        version = next((item.version for item in wanted.specifier if item.operator == "=="), None)
        if version is None:
            raise ValueError(f"{wanted} is not pinned with ==")
        tables.append({"name": wanted.name, "version": version, "hashes": hashes, "marker": wanted.marker})
    return tables


def _requirement(table: Mapping[str, Any]) -> Locked:
    return Locked(
        name=canonicalize_name(table["name"]),
        version=table["version"],
        hashes=tuple(table["hashes"]),
        markers=(str(table["marker"]),) if table["marker"] else (),
    )


def _wheel(url: str, digest: str, size: int) -> WheelFile:
    filename = unquote(PurePosixPath(urlparse(url).path).name)
    return WheelFile(filename=filename, sha256=digest.removeprefix("sha256:"), size=size)


READERS: Mapping[str, tuple[Callable[[str], Iterable[Mapping[str, Any]]], Callable[[Mapping[str, Any]], Locked]]] = {
    "uv.lock": (lambda text: tomllib.loads(text).get("package", []), _uv),
    "pylock.toml": (lambda text: tomllib.loads(text).get("packages", []), _pylock),
    "requirements.lock": (_lines, _requirement),
    "requirements.txt": (_lines, _requirement),
}
"""The files that may be a project's lock, in the order in which they are looked for."""
