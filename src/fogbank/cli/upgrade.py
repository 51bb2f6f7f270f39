"""`fogbank upgrade`: bring what fogbank wrote into a project up to date, with the difference first."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fogbank.cli.asking import confirmed
from fogbank.cli.terminal import Terminal


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--show", metavar="FILE", help="Print one file as this fogbank writes it, and change nothing.")
@click.pass_obj
def upgrade(terminal: Terminal, yes: bool, show: str | None) -> None:
    """Bring a project that an earlier fogbank wrote up to date: the difference is shown, and made when you agree.

    The program in infra/, the stacks' files, the pipeline and .gitignore are fogbank's as long as you did not change them; what you
    changed is named, and stays. Of pyproject.toml the requirement of fogbank alone is renewed.
    """
    from fogbank.project.scaffolding.upgrade import apply, planned, written_today
    from fogbank.project.workplace.config import load_config

    config = load_config(Path())
    if show is not None:
        sys.stdout.write(written_today(config, show).decode())
        return
    plan = planned(config)
    terminal.note(
        f"written by fogbank {plan.written_by}" if plan.written_by else "written by a fogbank that left no mark"
    )
    for change in plan.changes:
        terminal.result(change.difference.rstrip("\n"))
    for path, why in plan.kept.items():
        terminal.note(f"{path} stays: {why}; `fogbank upgrade --show {path}` has fogbank's")
    if plan.changes and not yes and not confirmed(f"Make these changes to {len(plan.changes)} file(s)?"):
        raise click.Abort
    apply(config.root, plan)
    terminal.note(f"{len(plan.changes)} file(s) changed" if plan.changes else "nothing to change")
    if any(change.path == "pyproject.toml" for change in plan.changes) and (config.root / "uv.lock").is_file():
        terminal.note("next: uv lock, which has fogbank's earlier version")
