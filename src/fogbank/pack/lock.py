"""The project's lock, whichever it has: uv.lock, pylock.toml (PEP 751), or a requirements file.

In: the project's folder; out: a `Lock`, which says of each distribution its version, its files and, where the format has it,
what it needs. A requirements file without hashes is locked first, by uv. A project without any is locked to what is
installed (`Installed`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fogbank.contracts.dependencies import WheelFile
from fogbank.contracts.errors import PackageError
from fogbank.pack.locked import Locked
from fogbank.pack.lockfiles import MALFORMED, Reader, Table, hashed_requirements, pylock, uv_lock, wheel
from fogbank.pack.origins import located
from fogbank.pack.requirement_files import whole_text
from fogbank.pack.requirements import lock_requirements

REQUIREMENTS = "requirements.txt"
LOCKED = Path(".fogbank") / "locked"


class Source(Protocol):
    """Where versions come from."""

    @property
    def name(self) -> str:
        """How a person knows it."""

    def candidates(self, name: str) -> tuple[Locked, ...]:
        """The versions of a distribution, by its canonical name."""


class Lock:
    """A lock file's content. A distribution's table is read when it is asked for: a lock has hundreds, a package needs ten."""

    def __init__(self, name: str, tables: Iterable[Table], read: Reader, root: Path | None = None) -> None:
        """`root` is the folder from which its paths lead."""
        self.name, self._read, self._root = name, read, root
        self._tables: dict[str, list[Table]] = {}
        for table in tables:
            self._tables.setdefault(canonicalize_name(table["name"]), []).append(table)

    def candidates(self, name: str) -> tuple[Locked, ...]:
        """The versions that it has of a distribution: several where they differ by platform. Raises PackageError."""
        try:
            read = tuple(map(self._read, self._tables.get(name, ())))
            placed = [replace(item, origins=located(item.origins, self._root)) for item in read]
            return tuple(item for item in placed if item.version or item.origins)  # the project itself may have none
        except MALFORMED as error:
            raise _unreadable(self.name, error) from error


class Installed:
    """What is installed here, in place of a lock."""

    name = "this environment"

    def candidates(self, name: str) -> tuple[Locked, ...]:
        """The one version that is installed."""
        distribution = installed(name)
        if distribution is None:
            return ()
        wheels, elsewhere = _origin(distribution)
        return (
            Locked(
                name=name,
                version=distribution.version,
                requires=requires(distribution),
                wheels=wheels,
                elsewhere=elsewhere,
            ),
        )


def _origin(distribution: metadata.Distribution) -> tuple[tuple[WheelFile, ...], str]:
    """The wheel that it was installed from by its address (PEP 610), and where else it came from; nothing for an index's."""
    text = distribution.read_text("direct_url.json")
    if not text or (distribution.read_text("INSTALLER") or "").strip() == "conda":  # which writes where it was built
        return (), ""
    direct = json.loads(text)
    url, digest = str(direct.get("url", "")), direct.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    if digest and url.startswith("https://") and url.endswith(".whl"):
        return (wheel(url, digest, 0, direct=True),), ""
    kind = direct.get("vcs_info", {}).get("vcs") or ("a folder" if "dir_info" in direct else "a file")
    return (), f"{kind} ({url})"


def installed(name: str) -> metadata.Distribution | None:
    """The installed distribution of that name."""
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def requires(distribution: metadata.Distribution) -> tuple[Requirement, ...]:
    """What a distribution says that it needs."""
    return tuple(Requirement(text) for text in distribution.requires or ())


def read_lock(root: Path, names: Sequence[str] = ()) -> Lock | None:
    """The project's lock, None where it has none. `names` are what it must cover where it is made here.

    Raises PackageError (`lock-unreadable`, `requirements-unresolved`).
    """
    for name in READERS:
        path = root / name
        if path.is_file():
            lock = _read(path, path.stat().st_mtime_ns) or _resolved(path, root, names)
            if lock is not None:
                return lock
    return None


@lru_cache(maxsize=4)
def _read(path: Path, _: int) -> Lock | None:
    try:
        tables, read = READERS[path.name](_text(path))
        return Lock(path.name, tables, read, path.parent) if tables else None
    except MALFORMED as error:
        raise _unreadable(path.name, error) from error


def _resolved(path: Path, root: Path, names: Sequence[str]) -> Lock | None:
    """A requirements file without hashes, locked; None for one that says nothing."""
    text = _text(path)
    if not path.name.startswith("requirements") or not text.strip():
        return None
    return Lock(path.name, *uv_lock(lock_requirements(path.name, text, names, root / LOCKED)))


def _text(path: Path) -> str:
    """The text of a lock; of a requirements file with what it takes in. Raises PackageError (`lock-unreadable`)."""
    try:
        return whole_text(path) if path.name.startswith("requirements") else path.read_text()
    except (OSError, ValueError) as error:
        raise _unreadable(path.name, error) from error


def _unreadable(name: str, error: Exception) -> PackageError:
    return PackageError("lock-unreadable", f"{name} cannot be read: {error!r}", "lock the project again (`uv lock`)")


READERS: Mapping[str, Callable[[str], tuple[list[Table], Reader]]] = {
    "uv.lock": uv_lock,
    "pylock.toml": pylock,
    "requirements.lock": hashed_requirements,
    REQUIREMENTS: hashed_requirements,
}
LOCK_FILES = tuple(READERS)
"""The files that may be a project's lock, in the order in which they are looked for: requirements.txt last."""
