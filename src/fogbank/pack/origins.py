"""Where a lock says that sources are: an archive by its hash, a repository at a commit, a folder of the project's; or a wheel that lies here.

In: a lock's table of one version; out: its `Origin`, as the lock writes it, or none. What names no hash or commit, and is no folder, has none:
nobody could say that it is the one that was locked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

from fogbank.contracts.dependencies import Origin

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
FETCHED = frozenset({"http", "https"})


def uv_origin(package: Mapping[str, Any], source: Mapping[str, Any]) -> Origin | None:
    """That of a table of uv.lock."""
    for kind in ("editable", "directory"):
        if kind in source:
            return Origin(kind="folder", place=source[kind], subdirectory=source.get("subdirectory", ""))
    if "git" in source:
        return _git(source["git"])
    sdist = package.get("sdist", {})
    if "path" in source:
        digests = [item.get("hash", "") for item in (*([sdist] if sdist else ()), *package.get("wheels", []))]
        return archive(source["path"], "".join(digests[:1]), source.get("subdirectory", ""))
    local = [item for item in package.get("wheels", []) if "path" in item] or ([sdist] if "path" in sdist else [])
    if local:  # a registry that is a folder: its files' names are below it
        return archive(f"{source.get('registry', '.')}/{local[0]['path']}", local[0].get("hash", ""))
    return archive(sdist.get("url", ""), sdist.get("hash", ""), source.get("subdirectory", ""))


def pylock_origin(package: Mapping[str, Any]) -> Origin | None:
    """That of a table of pylock.toml."""
    if "directory" in package:
        folder = package["directory"]
        return Origin(kind="folder", place=folder["path"], subdirectory=folder.get("subdirectory", ""))
    if "vcs" in package:
        vcs = package["vcs"]
        return _repository(vcs) if vcs.get("type") == "git" else None
    for item in (package.get("archive"), *package.get("wheels", []), package.get("sdist")):
        if item and ("path" in item or not item.get("url", "").endswith(".whl")):
            place = item.get("url") or item.get("path", "")
            return archive(place, item["hashes"].get("sha256", ""), item.get("subdirectory", ""))
    return None


def archive(place: str, digest: str, subdirectory: str = "") -> Origin | None:
    """An archive or a wheel, by its address or its path and its hash."""
    match = SHA256.fullmatch(digest)
    if not match or not place:
        return None
    return Origin(kind="archive", place=place, pinned=match[1], subdirectory=subdirectory)


def located(origin: Origin, root: Path | None) -> Origin | None:
    """The same with the place that it has here; None for the project's own folder, and for a path where the lock is in no folder."""
    if origin.kind == "git" or (origin.kind == "archive" and urlparse(origin.place).scheme in FETCHED):
        return origin
    if root is None:
        return None
    path = (root / origin.place.removeprefix("file://")).resolve()
    own = origin.kind == "folder" and root.resolve().is_relative_to(path / origin.subdirectory)
    return None if own else replace(origin, place=str(path))


def _git(text: str) -> Origin | None:
    """As uv writes it: `https://host/repository?rev=main&subdirectory=libs#commit`."""
    parts = urlparse(text)
    if not COMMIT.fullmatch(parts.fragment):
        return None
    (subdirectory,) = parse_qs(parts.query).get("subdirectory", [""])[:1]
    address = parts._replace(query="", fragment="").geturl()
    return Origin(kind="git", place=address, pinned=parts.fragment, subdirectory=subdirectory)


def _repository(vcs: Mapping[str, Any]) -> Origin | None:
    commit = str(vcs.get("commit-id", ""))
    if not COMMIT.fullmatch(commit) or "url" not in vcs:
        return None
    return Origin(kind="git", place=vcs["url"], pinned=commit, subdirectory=vcs.get("subdirectory", ""))
