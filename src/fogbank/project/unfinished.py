"""Several files of a project, replaced together: once they are all written the change is made, also if its process is killed on the way.

In: files in a folder of their own, and what goes; out: the project with them. What was broken off is finished by whoever asks next.

A change lies in `.fogbank/change/`: `files/` as they shall lie in the project, and `order.json`: `gone` and, where they change, `dependencies`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.ground.paths import inside
from fogbank.project.settings import write_setting

FOLDER, FILES, ORDER = "change", "files", "order.json"


def begin(config: ProjectConfig, files: Path, gone: Sequence[str], dependencies: Sequence[str]) -> None:
    """Take over a folder of files, on the project's own file system; `gone` are paths in the project, `dependencies` the whole list or none.

    From the last step of this on it is going to be so.
    """
    order = {"gone": list(gone), "dependencies": list(dependencies)}
    work = files.parent / FOLDER
    work.mkdir()
    files.rename(work / FILES)
    (work / ORDER).write_text(json.dumps(order))
    work.rename(config.state / FOLDER)


def finished(config: ProjectConfig) -> ProjectConfig:
    """The project with the change that was begun, if there is one; the same again does no more. Raises ProjectError (`change-unreadable`)."""
    change = config.state / FOLDER
    if not change.is_dir():
        return config
    files, order = change / FILES, change / ORDER
    if order.is_file():
        config = _made(config, files, _read(order))
        order.unlink()
    shutil.rmtree(change)
    return config


def _made(config: ProjectConfig, files: Path, order: tuple[Sequence[str], Sequence[str]]) -> ProjectConfig:
    gone, dependencies = order
    for name in gone:
        _remove(inside(config.root, name))
    for path in sorted(files.rglob("*")):
        if path.is_file():
            target = inside(config.root, path.relative_to(files).as_posix())
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    if not dependencies:
        return config
    write_setting(config.root, "dependencies", f"[{', '.join(map(json.dumps, dependencies))}]")
    return replace(config, dependencies=tuple(dependencies))


def _read(order: Path) -> tuple[Sequence[str], Sequence[str]]:
    try:
        document = json.loads(order.read_bytes())
        return [str(name) for name in document["gone"]], [str(name) for name in document["dependencies"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ProjectError(
            "change-unreadable",
            f"{order} cannot be read: {error!r}",
            f"remove {order.parent}, take the project's files from your repository, and do it again",
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
