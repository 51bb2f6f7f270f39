"""`fogbank demo`: the whole main job on the local cloud, every answer checked, ending in a report."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from fogbank.cli.calls import how_to_call
from fogbank.cli.report import write_report
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError

FOLDER = "fogbank-demo"


@click.command()
@click.pass_obj
def demo(terminal: Terminal) -> None:
    """Train, pack, deploy, invoke, batch-score and monitor on the local cloud; ends with a report to look at.

    It is the reference project's, as `fogbank new` writes it; where there is no project, one is written to fogbank-demo/.
    """
    from fogbank.project.demo import run_demo

    started = time.perf_counter()
    config = _project(terminal)
    document = run_demo(config.root, terminal.show)
    write_report(document, config.report)
    terminal.note(f"\nthe whole job took {time.perf_counter() - started:.1f} s")
    terminal.result(_farewell(config, document))


def _project(terminal: Terminal) -> ProjectConfig:
    """The project here; a fresh one, called demo, where there is none. Raises ProjectError."""
    from fogbank.project.config import load_config
    from fogbank.project.scaffold import write_project

    try:
        return load_config(Path.cwd())
    except ProjectError as error:
        if error.code != "project-not-found":
            raise
    target = Path.cwd() / FOLDER
    if not (target / "pyproject.toml").is_file():
        write_project("demo", target)
    terminal.note(f"there is no project here: the demo's own is in {target}")
    return load_config(target)


def _farewell(config: ProjectConfig, document: dict[str, Any]) -> str:
    sample = os.path.relpath(config.trained / "sample.csv")
    stop = (
        "fogbank cloud stop"
        if config.root == Path.cwd()
        else f"cd {os.path.relpath(config.root)} && fogbank cloud stop"
    )
    return f"""
The local cloud is running at {document["url"]}.
{how_to_call(document["url"], document["endpoint"]["name"], sample)}
  report   {config.report}
  stop     {stop}     (in fogbank's repository: .venv/bin/fogbank cloud stop)"""
