"""The examples that travel with fogbank, and each as a project of one's own.

An example is a folder with a `[tool.fogbank]` table, its training and its handler; what all of them share is in `examples/common/`.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from functools import partial
from pathlib import Path

from fogbank.contracts.errors import ProjectError
from fogbank.project.installation import assets
from fogbank.project.scaffold import copy_rooms, render, write_project, write_workflow

COMMON = "common"
IGNORED = shutil.ignore_patterns("__pycache__", ".fogbank")


def examples() -> dict[str, str]:
    """What each example is, by its name, in order."""
    found = {folder.name: _project(folder)["description"] for folder in _folders()}
    return dict(sorted(found.items()))


def write_example(example: str, name: str, target: Path) -> None:
    """Write an example as a project called `name`. Raises ProjectError (`example-unknown`, `name-invalid`, `folder-taken`)."""
    source = next((folder for folder in _folders() if folder.name == example), None)
    if source is None:
        raise ProjectError(
            "example-unknown", f"there is no example {example!r}", f"choose one of {', '.join(examples())}"
        )
    write_project(name, target, partial(_fill, source))


def _folders() -> list[Path]:
    return [file.parent for file in (assets() / "examples").glob("*/*/pyproject.toml")]


def _project(folder: Path) -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


def _fill(source: Path, name: str, folder: Path) -> None:
    shutil.copytree(source, folder, ignore=IGNORED)
    shutil.copytree(assets() / "examples" / COMMON, folder, ignore=IGNORED, dirs_exist_ok=True)
    settings = folder / "pyproject.toml"
    settings.write_text(re.sub(r'(?m)^name = ".*"$', f'name = "{name}"', settings.read_text()))
    copy_rooms(name, folder, ["infra"])
    write_workflow(folder)
    values = {"name": name, "what": _project(source)["description"], "handler": (source / "handlers").is_dir()}
    render(folder, {"README.md": "example/README.md.j2", ".gitignore": "project/gitignore.j2"}, values)
