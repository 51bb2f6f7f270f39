"""The formats of a lock: uv.lock, pylock.toml (PEP 751), a requirements file with hashes; each a table a version, read one by one.

In: a file's text; out: its tables, and how one of them is read. Where most of a lock comes from is its index, which an installer
asks by name, and the hashes say that it is the lock's; what comes from another is had by its own address, never by name.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlparse

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fogbank.contracts.dependencies import WheelFile
from fogbank.ground.paths import plain_name
from fogbank.pack.locked import Locked
from fogbank.pack.origins import archive, pylock_origins, uv_origins

Table = Mapping[str, Any]
Reader = Callable[[Table], Locked]
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, InvalidRequirement)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
OF_THIS_MACHINE = ("git", "path", "directory", "editable", "virtual")
"""Where a lock may say that a distribution comes from, and no container can have it from there."""


def uv_lock(text: str) -> tuple[list[Table], Reader]:
    """uv.lock: one table a version, its graph with markers, its wheels with their addresses and hashes."""
    tables = tomllib.loads(text).get("package", [])
    return tables, partial(_uv, index=_most(_registry(table) for table in tables))


def pylock(text: str) -> tuple[list[Table], Reader]:
    """pylock.toml: a list that is installed whole; each may have a marker."""
    tables = tomllib.loads(text).get("packages", [])
    return tables, partial(_pylock, index=_most(table.get("index") for table in tables))


def hashed_requirements(text: str) -> tuple[list[Table], Reader]:
    """A requirements file whose every line has hashes; one without is no lock, and has no tables here."""
    tables: list[Table] = []
    for line in requirement_lines(text):
        hashes = HASH.findall(line)
        if not hashes or line.startswith("-"):
            return [], _requirement
        requirement = Requirement(line.partition("--hash")[0].strip())
        version = next((item.version for item in requirement.specifier if item.operator == "=="), None)
        if version is None and not requirement.url:
            raise ValueError(f"{requirement} is not pinned with ==")
        tables.append({"name": requirement.name, "version": version or _version_in(requirement.url or ""),
                       "hashes": hashes, "marker": requirement.marker, "url": requirement.url})  # fmt: skip
    return tables, _requirement


def requirement_lines(text: str) -> list[str]:
    """The lines that say something: continued ones joined, comments left out, and what only says how to install."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines()]
    return [line for line in lines if line and line.split()[0] not in {"--require-hashes", "--prefer-binary"}]


def _most(indexes: Iterable[str | None]) -> str:
    counted = Counter(index for index in indexes if index)
    return counted.most_common(1)[0][0] if counted else ""


def _registry(table: Table) -> str | None:
    registry = table.get("source", {}).get("registry")
    return str(registry) if registry else None


def _uv(package: Table, index: str) -> Locked:
    optional = [
        _uv_requirement(item, extra)
        for extra, items in package.get("optional-dependencies", {}).items()
        for item in items
    ]
    source = package.get("source", {})
    direct = "url" in source or _registry(package) not in {None, index}
    files = [item for item in package.get("wheels", []) if "url" in item]
    return Locked(
        name=canonicalize_name(package["name"]),
        version=package.get("version", ""),
        wheels=tuple(wheel(item["url"], item["hash"], item.get("size", 0), direct=direct) for item in files),
        hashes=() if direct else _sdist(package.get("sdist", {}).get("hash", "")),
        requires=(*(_uv_requirement(item) for item in package.get("dependencies", [])), *optional),
        markers=tuple(package.get("resolution-markers", [])),
        origins=uv_origins(package, source),
        elsewhere=_elsewhere(source, direct=direct, has_wheels=bool(files)),
    )


def _elsewhere(source: Mapping[str, Any], *, direct: bool, has_wheels: bool) -> str:
    kind = next((kind for kind in OF_THIS_MACHINE if kind in source), "")
    if kind:
        return f"{kind} ({source[kind]})"
    registry = str(source.get("registry", ""))
    if registry and "://" not in registry:
        return f"a folder of this machine ({registry})"
    if direct and not has_wheels:
        return f"sources alone ({source.get('url') or registry})"
    return ""


def _uv_requirement(item: Table, extra: str | None = None) -> Requirement:
    extras = f"[{','.join(item['extra'])}]" if item.get("extra") else ""
    version = f"=={item['version']}" if "version" in item else ""
    markers = [f"({marker})" for marker in (item.get("marker"), f"extra == '{extra}'" if extra else None) if marker]
    return Requirement(f"{item['name']}{extras}{version}" + (f"; {' and '.join(markers)}" if markers else ""))


def _pylock(package: Table, index: str) -> Locked:
    own = package.get("index")
    direct = bool(own and own != index)
    archive, elsewhere = package.get("archive", {}), ""
    files = package.get("wheels", [])
    for kind in ("vcs", "directory"):
        if kind in package:
            where = package[kind].get("url") or package[kind].get("path")
            elsewhere = f"{package[kind].get('type', kind)} ({where})"
    if archive:
        direct, files = True, [archive]
        if not archive.get("url", "").endswith(".whl"):
            elsewhere = f"an archive that is no wheel ({archive.get('url') or archive.get('path')})"
    local = next((item["path"] for item in files if "url" not in item and "path" in item), "")
    return Locked(
        name=canonicalize_name(package["name"]),
        version=package.get("version", ""),
        wheels=tuple(
            wheel(
                item.get("url") or item.get("name") or item["path"],
                item["hashes"]["sha256"],
                item.get("size", 0),
                direct=direct,
            )
            for item in files
            if not elsewhere and not local
        ),
        hashes=() if direct else _sdist(package.get("sdist", {}).get("hashes", {}).get("sha256", "")),
        markers=(package["marker"],) if "marker" in package else (),
        origins=pylock_origins(package),
        elsewhere=elsewhere or (f"a file of this machine ({local})" if local else ""),
    )


def _requirement(table: Table) -> Locked:
    url = table["url"]
    fetched = bool(url) and urlparse(url).scheme in {"http", "https"}
    is_wheel = fetched and urlparse(url).path.endswith(".whl")
    return Locked(
        name=canonicalize_name(table["name"]),
        version=table["version"],
        wheels=(wheel(url, table["hashes"][0], 0, direct=True),) if is_wheel else (),
        hashes=() if url else tuple(table["hashes"]),
        markers=(str(table["marker"]),) if table["marker"] else (),
        origins=archive(url, table["hashes"][0]) if fetched and not is_wheel else (),
        elsewhere=str(url) if url and not is_wheel else "",
    )


def _version_in(url: str) -> str:
    """The version in the name of a wheel or of an archive."""
    name = PurePosixPath(urlparse(url).path).name
    parts = name.removesuffix(".tar.gz").split("-")
    return parts[1] if len(parts) > 1 and parts[1][:1].isdigit() else "0"


def _sdist(digest: str) -> tuple[str, ...]:
    return (digest.removeprefix("sha256:"),) if digest else ()


def wheel(url: str, digest: str, size: int, *, direct: bool = False) -> WheelFile:
    """A wheel as a lock names it; `direct` says that it is had by its address."""
    filename = plain_name(unquote(PurePosixPath(urlparse(url).path).name))
    return WheelFile(filename=filename, sha256=digest.removeprefix("sha256:"), size=size, url=url if direct else "")
