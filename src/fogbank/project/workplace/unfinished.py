"""Several files of a project, replaced together: once they are all written the change is made, also if its process is killed on the way.

In: files in a folder of their own, and what goes; out: the project with them. What was broken off is finished by whoever asks next.

A change lies in `.fogbank/change/`: `files/` as they shall lie in the project, and `order.json`: what is `gone` of it before, and the digests of
the files that are replaced, as they were `seen`. What could be wrong with it is looked at before it is begun; finishing moves files, and decides
nothing: a file that somebody edited in between is kept beside, with `.edited` behind its name.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.ground.digest import sha256_file
from fogbank.ground.folders import write_whole
from fogbank.ground.paths import EscapeError, inside
from fogbank.project.workplace.config import load_config

FOLDER, FILES, ORDER = "change", "files", "order.json"


def begin(config: ProjectConfig, files: Path, gone: Sequence[str]) -> None:
    """Take over a folder of files, on the project's own file system; `gone` are paths in the project, which may be among the files too.

    From the last step of this on it is going to be so. Raises ProjectError (`change-blocked`), and nothing is begun then.
    """
    for name in gone:
        placed_in(config.root, name)
    staying = [name for name in _names(files) if not any(PurePosixPath(name).is_relative_to(former) for former in gone)]
    for name in staying:
        _check_room(config.root, name)
    work = files.parent / FOLDER
    work.mkdir()
    places = {name: placed_in(config.root, name) for name in staying}
    seen = {name: sha256_file(place) for name, place in places.items() if place.is_file()}
    files.rename(work / FILES)
    _write(work / ORDER, gone, seen)
    work.rename(config.state / FOLDER)


def finished(config: ProjectConfig) -> ProjectConfig:
    """The project with the change that was begun, if there is one; the same again does no more.

    Raises ProjectError (`change-unreadable`, `change-blocked`).
    """
    change = config.state / FOLDER
    if not change.is_dir():
        return config
    if (change / ORDER).is_file():
        _make(config.root, change)
        (change / ORDER).unlink()
    shutil.rmtree(change)
    now = load_config(config.root).dependencies
    return config if now == config.dependencies else replace(config, dependencies=now)


def placed_in(root: Path, name: str) -> Path:
    """Where a file of a change lies in the project. Raises ProjectError (`change-blocked`) where that leads out of it, or through a link."""
    try:
        return inside(root, name)
    except EscapeError as error:
        raise _blocked(str(error)) from error


def _make(root: Path, change: Path) -> None:
    """Remove, say that this is done, then move: what was moved into the place of what is gone is not removed by the next one."""
    files, order = change / FILES, change / ORDER
    gone, seen = _read(order)
    if gone:
        for name in gone:
            _remove(placed_in(root, name))
        _write(order, (), seen)
    for name in _names(files):
        target = placed_in(root, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if name in seen and target.is_file() and sha256_file(target) != seen[name]:
            target.rename(target.with_name(f"{target.name}.edited"))
        inside(files, name).replace(target)


def _names(files: Path) -> list[str]:
    return sorted(path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file())


def _check_room(root: Path, name: str) -> None:
    """A file can come to lie there: no folder has its name, and no file that of its folders."""
    place = placed_in(root, name)
    if place.is_dir():
        raise _blocked(f"{name} is a folder in the project, and a file of that name is to be there")
    for folder in place.parents:
        if folder.exists() and not folder.is_dir():
            raise _blocked(f"{folder.relative_to(root)} is a file in the project, and {name} is to be there")


def _blocked(cause: str) -> ProjectError:
    return ProjectError(
        "change-blocked", cause, "move that away, or have it lie in the project itself; then do it again"
    )


def _write(order: Path, gone: Sequence[str], seen: Mapping[str, str]) -> None:
    write_whole(order, json.dumps({"gone": list(gone), "seen": dict(seen)}).encode())


def _read(order: Path) -> tuple[list[str], dict[str, str]]:
    try:
        document = json.loads(order.read_bytes())
        return [str(name) for name in document["gone"]], dict(document.get("seen", {}))
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
