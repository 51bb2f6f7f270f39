"""What fogbank keeps outside of projects: environments of models, bases of images, layers, engines.

In: the cache's folder; out: what lies there with its size and its last use, and without what nobody needs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from fogbank.cloud.hosting.environment import LAYERS
from fogbank.ground.cache import cache_dir
from fogbank.ground.locks import locked

ENVIRONMENTS = "environments"
KINDS = {ENVIRONMENTS: "environment", "pulumi": "engine", "bases": "base", "layers": "layers"}
SHOWN = 8
"""The most distributions of an environment that are named."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Something in the cache; `used` is when it was made or last asked for."""

    kind: str
    path: Path
    used: datetime

    @cached_property
    def size(self) -> int:
        """Bytes on the disk, which takes as long as it has files."""
        return _size(self.path)

    @cached_property
    def words(self) -> str:
        """What it holds."""
        return _words(self.kind, self.path)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"kind": self.kind, "path": str(self.path), "bytes": self.size, "used": self.used, "holds": self.words}


def kept() -> list[Kept]:
    """Everything, the largest first."""
    home = cache_dir(os.environ)
    found = [_kept(kind, path) for folder, kind in KINDS.items() for path in _items(home, folder)]
    return sorted(found, key=lambda item: -item.size)


def environments() -> list[Kept]:
    """The environments of models, the last used first."""
    found = [_kept(KINDS[ENVIRONMENTS], path) for path in _items(cache_dir(os.environ), ENVIRONMENTS)]
    return sorted(found, key=lambda item: item.used, reverse=True)


def prune(older_s: float, *, dry_run: bool = False) -> list[Kept]:
    """Remove the environments that were not used for so long, but for those that a process runs in; what went, or would.

    Of those that stay, what earlier versions of fogbank have in them goes likewise, and is not told: it is small.
    """
    busy = _command_lines()
    gone = []
    for item in environments():
        old = [path for path in (item.path, *(item.path / LAYERS).glob("*")) if not _is_used(path, older_s, busy)]
        if item.path in old and (dry_run or _remove(item.path, item.path.parent, older_s)):
            gone.append(item)
        elif not dry_run:
            for layer in (path for path in old if path != item.path):
                _remove(layer, item.path.parent, older_s)
    return gone


def _is_used(path: Path, older_s: float, busy: str) -> bool:
    return time.time() - path.stat().st_mtime < older_s or str(path) in busy


def _remove(path: Path, cache: Path, older_s: float) -> bool:
    """Remove an environment, or what lies in one, if nobody has come to use it; in one step, so that whoever looks for it finds all of
    it or nothing. What is left of it when this process is killed is a half made one, and goes with those."""
    key = path.relative_to(cache).parts[0]
    with locked(cache / f"{key}.lock"):
        if not path.exists() or _is_used(path, older_s, _command_lines()):
            return False
        going = Path(tempfile.mkdtemp(dir=cache, prefix="build-pruned-"))
        path.rename(going)  # an empty folder gives way
    shutil.rmtree(going, ignore_errors=True)
    return True


def _items(home: Path, folder: str) -> Iterator[Path]:
    if folder in {"layers", "bases"}:
        yield from (path for path in [home / folder] if path.is_dir())
    elif (home / folder).is_dir():
        yield from (path for path in sorted((home / folder).iterdir()) if path.is_dir())


def _kept(kind: str, path: Path) -> Kept:
    return Kept(kind=kind, path=path, used=datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _words(kind: str, path: Path) -> str:
    if kind != KINDS[ENVIRONMENTS]:
        return path.name
    if path.name.startswith("build-"):
        return "half made: whoever made it is gone, or is at it"
    pairs = (
        item.name.removesuffix(".dist-info").partition("-")
        for item in path.glob("lib/python3*/site-packages/*.dist-info")
    )
    names = sorted(f"{name} {version}" for name, _, version in pairs)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _size(path: Path) -> int:
    """Bytes on the disk; a file of several names counts for its part, as environments share uv's."""
    total = 0.0
    for place, _, files in os.walk(path):
        for name in files:
            try:
                status = (Path(place) / name).lstat()
            except OSError:
                continue
            total += status.st_size / max(1, status.st_nlink)
    return int(total)


def _command_lines() -> str:
    return subprocess.run(["ps", "-axww", "-o", "command="], capture_output=True, text=True, check=False).stdout
