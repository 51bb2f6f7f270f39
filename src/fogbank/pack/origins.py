"""Where a lock says that sources are: an archive by its hash, a repository at a commit, a folder of the project's; or a wheel that lies here.

In: a lock's table of one version; out: its `Origin`s, as the lock writes them, or none. What names no hash or commit, and is no folder, has none:
nobody could say that it is the one that was locked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from fogbank.contracts.dependencies import Origin

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
FETCHED = frozenset({"http", "https"})


def uv_origins(package: Mapping[str, Any], source: Mapping[str, Any]) -> tuple[Origin, ...]:
    """Those of a table of uv.lock: wheels that lie here, then sources."""
    for kind in ("editable", "directory"):
        if kind in source:
            return (Origin(kind="folder", place=source[kind], subdirectory=source.get("subdirectory", "")),)
    if "git" in source:
        return _git(source["git"])
    wheels, sdist, inner = package.get("wheels", []), package.get("sdist", {}), source.get("subdirectory", "")
    if "path" in source:
        digests = [item.get("hash", "") for item in (*([sdist] if sdist else ()), *wheels)]
        return archive(source["path"], "".join(digests[:1]), inner)
    local = [item for item in (*wheels, sdist) if "path" in item]
    if local:  # a registry that is a folder: its files' names are below it
        folder = source.get("registry", ".")
        return tuple(each for item in local for each in archive(f"{folder}/{item['path']}", item.get("hash", "")))
    return archive(sdist.get("url") or source.get("url", ""), sdist.get("hash", ""), inner)


def pylock_origins(package: Mapping[str, Any]) -> tuple[Origin, ...]:
    """Those of a table of pylock.toml: wheels, where one of them lies here, then sources."""
    if "directory" in package:
        folder = package["directory"]
        return (Origin(kind="folder", place=folder["path"], subdirectory=folder.get("subdirectory", "")),)
    if "vcs" in package:
        vcs = package["vcs"]
        return _repository(vcs) if vcs.get("type") == "git" else ()
    whole, wheels = package.get("archive"), package.get("wheels", [])
    if whole and "path" not in whole and whole.get("url", "").endswith(".whl"):
        return ()
    files = [whole, *(wheels if any("url" not in item for item in wheels) else ()), package.get("sdist")]
    return tuple(each for item in files if item for each in _listed(item))


def _listed(item: Mapping[str, Any]) -> tuple[Origin, ...]:
    place = item.get("url") or item.get("path", "")
    return archive(place, item["hashes"].get("sha256", ""), item.get("subdirectory", ""))


def archive(place: str, digest: str, subdirectory: str = "") -> tuple[Origin, ...]:
    """An archive or a wheel, by its address or its path and its hash; none without."""
    match = SHA256.fullmatch(digest)
    if not match or not place:
        return ()
    return (Origin(kind="archive", place=place, pinned=match[1], subdirectory=subdirectory),)


def wheel_name(origin: Origin) -> str:
    """The name of the wheel that lies there; empty for sources."""
    address = urlparse(origin.place)
    path = unquote(address.path) if address.scheme in FETCHED else origin.place
    return PurePosixPath(path).name if origin.kind == "archive" and path.endswith(".whl") else ""


def located(origins: Iterable[Origin], root: Path | None) -> tuple[Origin, ...]:
    """The same with the places that they have here, without the project's own folder, and without paths where the lock is in no folder."""
    return tuple(placed for origin in origins if (placed := _located(origin, root)) is not None)


def _located(origin: Origin, root: Path | None) -> Origin | None:
    if origin.kind == "git" or (origin.kind == "archive" and urlparse(origin.place).scheme in FETCHED):
        return origin
    if root is None:
        return None
    path = (root / origin.place.removeprefix("file://")).resolve()
    own = origin.kind == "folder" and root.resolve().is_relative_to(path / origin.subdirectory)
    return None if own else replace(origin, place=str(path))


def _git(text: str) -> tuple[Origin, ...]:
    """As uv writes it: `https://host/repository?rev=main&subdirectory=libs#commit`."""
    parts = urlparse(text)
    if not COMMIT.fullmatch(parts.fragment):
        return ()
    (subdirectory,) = parse_qs(parts.query).get("subdirectory", [""])[:1]
    address = parts._replace(query="", fragment="").geturl()
    return (Origin(kind="git", place=address, pinned=parts.fragment, subdirectory=subdirectory),)


def _repository(vcs: Mapping[str, Any]) -> tuple[Origin, ...]:
    commit = str(vcs.get("commit-id", ""))
    if not COMMIT.fullmatch(commit) or "url" not in vcs:
        return ()
    return (Origin(kind="git", place=vcs["url"], pinned=commit, subdirectory=vcs.get("subdirectory", "")),)
