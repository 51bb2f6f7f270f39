"""`fogbank new`: a project of the same shape as the reference project, in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from jinja2 import Environment, PackageLoader, StrictUndefined

from fogbank.cli.compose import assets, fogbank_version
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import NAME
from fogbank.contracts.errors import ProjectError

ROOMS = ("infra", "model", "handlers")
STACKS = ("Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.aws.yaml")
WRITTEN = {
    "pyproject.toml": "project/pyproject.toml.j2",
    "README.md": "project/README.md.j2",
    ".gitignore": "project/gitignore.j2",
}
JOURNEY = ("tests/test_service.py", "tests/journeys/test_reference_project.py")


@click.command()
@click.argument("name")
@click.pass_obj
def new(terminal: Terminal, name: str) -> None:
    """Write a project called NAME into a new folder of that name: infra/ model/ handlers/ tests/ and its settings."""
    target = Path.cwd() / name
    write_project(name, target)
    terminal.note(f"a project in {target}; next: cd {name} && fogbank up")
    terminal.result(str(target))


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
    templates = Environment(
        loader=PackageLoader("fogbank.cli", "templates"),
        autoescape=False,  # noqa: S701 - these are TOML and Markdown, not HTML
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    for file, template in WRITTEN.items():
        (folder / file).write_text(templates.get_template(template).render(name=name, version=fogbank_version()))
