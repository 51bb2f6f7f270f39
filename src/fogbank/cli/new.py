"""`fogbank new`: a project of the same shape as the reference project, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("name")
@click.pass_obj
def new(terminal: Terminal, name: str) -> None:
    """Write a project called NAME into a new folder of that name: infra/ model/ handlers/ tests/ and its settings."""
    from fogbank.project.scaffold import write_project

    target = Path.cwd() / name
    write_project(name, target)
    terminal.note(f"a project in {target}; next: cd {name} && fogbank up")
    terminal.result(str(target))
