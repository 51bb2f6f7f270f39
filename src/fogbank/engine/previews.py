"""Whether `up` has to look first: what the engine refuses in a preview changes with the program and its configuration alone.

In: a project's folder and the folder of its stacks' state; out: whether either was changed since the last good `up` of a stack. A
changed package alone refuses nothing new, and its `up` does not wait for a preview.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

APART = frozenset({"__pycache__", "node_modules"})
"""Folders that hold no program of the user's; those that begin with a dot and virtual environments are none either."""
LARGEST = 1 << 20
"""No program's source is larger; data beside it is not read."""


class Previews:
    """The last good `up` of each stack of the project in `root`, as a digest in `folder`."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder

    def are_current(self, stack: str) -> bool:
        """Whether the program and the stack's configuration are those of its last good `up`."""
        try:
            return self._file(stack).read_text() == self._digest(stack)
        except OSError:
            return False

    def keep(self, stack: str) -> None:
        """An `up` was good. The engine may have written to the stack's file on the way."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file(stack).write_text(self._digest(stack))

    def _file(self, stack: str) -> Path:
        return self._folder / f"{stack}.sha256"

    def _digest(self, stack: str) -> str:
        import yaml

        project = self._root / "Pulumi.yaml"
        document: Any = yaml.safe_load(project.read_text(encoding="utf-8"))
        main = str(document.get("main") or "") if isinstance(document, dict) else ""
        digest = hashlib.sha256()
        for file in (project, self._root / f"Pulumi.{stack}.yaml", *_sources(self._root / main)):
            if file.is_file() and file.stat().st_size <= LARGEST:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{os.path.relpath(file, self._root)}\0{content}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    """Every file that may be the program's, in order."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in APART and not name.startswith(".") and not (Path(place) / name / "pyvenv.cfg").exists()
        )
        yield from (Path(place) / name for name in sorted(files) if not name.startswith("."))
