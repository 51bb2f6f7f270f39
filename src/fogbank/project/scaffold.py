"""A new project, of the same shape as the reference project.

In: its name and a folder; out: the folder, whole, or nothing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from fogbank.contracts.config import NAME
from fogbank.contracts.errors import ProjectError
from fogbank.project.installation import assets, fogbank_version

ROOMS = ("infra", "model", "handlers")
STACKS = ("Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.aws.yaml")
RENDERED = {
    "pyproject.toml": "project/pyproject.toml.j2",
    "README.md": "project/README.md.j2",
    ".gitignore": "project/gitignore.j2",
}
JOURNEY = ("tests/test_service.py", "tests/journeys/test_reference_project.py")
"""Where the project's test lies: in the wheel, in a checkout."""


def write_project(name: str, target: Path) -> None:
    """Write the project, whole or not at all. Raises ProjectError (`name-invalid`, `folder-taken`)."""
    if not NAME.fullmatch(name) or len(name) > 30:
        raise ProjectError(
            "name-invalid",
            f"{name!r} is not 1-30 lower-case letters, digits and single hyphens",
            "choose such a name, for example `churn`",
        )
    if target.exists() and any(target.iterdir()):
        raise ProjectError("folder-taken", f"{target} is not empty", "choose another name, or empty the folder")
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        _fill(name, fresh)
        if target.exists():
            target.rmdir()
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _fill(name: str, folder: Path) -> None:
    source = assets()
    for room in ROOMS:
        shutil.copytree(source / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in STACKS:
        shutil.copyfile(source / file, folder / file)
    text = (folder / "Pulumi.yaml").read_text()
    (folder / "Pulumi.yaml").write_text(text.replace("name: tumours", f"name: {name}", 1))
    (folder / "tests").mkdir()
    journey = next(source / place for place in JOURNEY if (source / place).is_file())
    shutil.copyfile(journey, folder / "tests" / "test_service.py")
    _render(name, folder)


def _render(name: str, folder: Path) -> None:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("fogbank.project", "templates"),
        autoescape=False,  # noqa: S701 - these are TOML and Markdown, not HTML
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    for file, template in RENDERED.items():
        (folder / file).write_text(templates.get_template(template).render(name=name, version=fogbank_version()))
