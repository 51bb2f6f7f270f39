"""The examples that travel with fogbank, and each as a project of one's own.

An example is a folder with a `[tool.fogbank]` table, its training and its handler; what all of them share is in `examples/common/`. Those
of `examples/frameworks/` show a library each, in the reference project's program; those of `examples/projects/` bring a program of their own.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from functools import partial
from pathlib import Path

from fogbank.contracts.errors import ProjectError
from fogbank.project.scaffolding.scaffold import copy_rooms, render, write_project, write_workflow
from fogbank.project.workplace.installation import assets

COMMON = "common"
FROM_REFERENCE = {"fraud": ("handlers/alarm.py",)}
"""Files of the reference project that an example takes as they are, beside what it brings."""
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
    """What the example shares with others, then what it brings, which goes before."""
    folder.mkdir(parents=True)
    copy_rooms(name, folder, [] if (source / "infra").is_dir() else ["infra"])
    shutil.copytree(assets() / "examples" / COMMON, folder, ignore=IGNORED, dirs_exist_ok=True)
    shutil.copytree(source, folder, ignore=IGNORED, dirs_exist_ok=True)
    for file in FROM_REFERENCE.get(source.name, ()):
        shutil.copyfile(assets() / file, folder / file)
    what = _project(source)["description"]
    settings = folder / "pyproject.toml"
    settings.write_text(re.sub(r'(?m)^name = ".*"$', f'name = "{name}"', settings.read_text()))
    write_workflow(folder)
    values = {"name": name, "what": what, "handler": (source / "handlers").is_dir()}
    files = {"README.md": "example/README.md.j2", ".gitignore": "project/gitignore.j2"}
    render(folder, {file: template for file, template in files.items() if not (source / file).is_file()}, values)
    _named(folder, name, what)


def _named(folder: Path, name: str, what: str) -> None:
    """The stack's description, and a README that the example brings, under the project's own name."""
    stack = folder / "Pulumi.yaml"
    stack.write_text(re.sub(r"(?m)^description: .*$", f"description: {json.dumps(what)}", stack.read_text()))
    readme = folder / "README.md"
    readme.write_text(re.sub(r"\A# .*", f"# {name}", readme.read_text()))
