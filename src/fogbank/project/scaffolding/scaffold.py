"""A new project, of the same shape as the reference project.

In: its name and a folder; out: the folder, whole, or nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fogbank.contracts.config import NAME
from fogbank.contracts.errors import ProjectError
from fogbank.project.scaffolding.mark import leave_mark
from fogbank.project.workplace.installation import assets, fogbank_version
from fogbank.project.workplace.origin import fogbank_source

ROOMS = ("infra", "model", "handlers")
MONITOR = "watch.py"
"""The module of the program that declares the monitor: without a baseline there is none."""
STACKS = ("Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.aws.yaml")
RENDERED = {
    "pyproject.toml": "project/pyproject.toml.j2",
    "README.md": "project/README.md.j2",
    ".gitignore": "project/gitignore.j2",
}
WORKFLOW = Path(__file__).parent / "templates" / "project" / "deploy.yml"
JOURNEY = ("tests/test_service.py", "tests/journeys/test_reference_project.py")
"""Where the project's test lies: in the wheel, in a checkout."""


def write_project(name: str, target: Path, fill: Callable[[str, Path], None] | None = None) -> None:
    """Write the project, whole or not at all. `fill` writes what is in it: without one, the reference project's.

    Raises ProjectError (`name-invalid`, `folder-taken`), and what `fill` raises.
    """
    check_target(name, target)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        (fill or _fill)(name, fresh)
        leave_mark(fresh, fogbank_version())
        if target.exists():
            target.rmdir()
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_target(name: str, target: Path) -> None:
    """A project may be called that, and written there. Raises ProjectError (`name-invalid`, `folder-taken`)."""
    if not NAME.fullmatch(name) or len(name) > 30:
        raise ProjectError(
            "name-invalid",
            f"{name!r} is not 1-30 lower-case letters, digits and single hyphens",
            "choose such a name, for example `churn`",
        )
    if target.exists() and any(target.iterdir()):
        raise ProjectError("folder-taken", f"{target} is not empty", "choose another name, or empty the folder")


def _fill(name: str, folder: Path) -> None:
    source = assets()
    copy_rooms(name, folder, ROOMS)
    (folder / "tests").mkdir()
    journey = next(source / place for place in JOURNEY if (source / place).is_file())
    shutil.copyfile(journey, folder / "tests" / "test_service.py")
    write_workflow(folder)
    render(folder, RENDERED, {"name": name, "version": fogbank_version(), "source": fogbank_source(folder)})


def copy_rooms(name: str, folder: Path, rooms: Sequence[str], without: Sequence[str] = ()) -> None:
    """Copy rooms of the reference project, but for files `without`, and its stacks under the project's own name."""
    source = assets()
    for room in rooms:
        shutil.copytree(source / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", *without))
    for file in STACKS:
        shutil.copyfile(source / file, folder / file)
    text = (folder / "Pulumi.yaml").read_text()
    (folder / "Pulumi.yaml").write_text(text.replace("name: tumours", f"name: {name}", 1))


def write_workflow(folder: Path) -> None:
    """What a pipeline on GitHub does with the project: nothing in it is the project's own."""
    target = folder / ".github" / "workflows" / WORKFLOW.name
    target.parent.mkdir(parents=True)
    shutil.copyfile(WORKFLOW, target)


def render(folder: Path, files: Mapping[str, str], values: Mapping[str, Any]) -> None:
    """Write files from their templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("fogbank.project.scaffolding", "templates"),
        autoescape=False,  # noqa: S701 - these are TOML and Markdown, not HTML
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    for file, template in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(templates.get_template(template).render(values))
