"""`fogbank demo`: the whole main job on the local cloud, every answer checked, ending in a report; `demo loop`: from drift to a better model."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from fogbank.cli.calls import how_to_call
from fogbank.cli.groups import Group
from fogbank.cli.report import write_report
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError

FOLDER, CIRCLE = "fogbank-demo", "fogbank-loop"


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def demo(context: click.Context) -> None:
    """Train, pack, deploy, invoke, batch-score and monitor on the local cloud; ends with a report to look at.

    It is the reference project's, as `fogbank new` writes it; where there is no project, one is written to fogbank-demo/.
    """
    if context.invoked_subcommand is None:
        _whole_job(context.obj)


@demo.command()
@click.option("--keep", is_flag=True, help="Leave the local cloud running at the end.")
@click.pass_obj
def loop(terminal: Terminal, keep: bool) -> None:
    """Drift, a monitor's verdict, an alarm, a retraining, a comparison, a canary and a better model, on the local cloud.

    It is the example `fraud`, which is written to fogbank-loop/, and begins anew each time.
    """
    from fogbank.project.loop import prepare, run_loop

    started = time.perf_counter()
    folder = prepare(Path.cwd() / CIRCLE)
    found = run_loop(folder, terminal.show, keep=keep)
    terminal.note(f"\nthe whole circle took {time.perf_counter() - started:.1f} s")
    stop = f"; stop it: cd {CIRCLE} && fogbank cloud stop" if keep else ""
    terminal.result(
        f"{found['endpoint']} serves {found['run']}: right about {found['new_right']:.1%} of today's payments, "
        f"where the model before was about {found['live_right']:.1%}\nthe program is in {folder}{stop}"
    )


def _whole_job(terminal: Terminal) -> None:
    """The main job, from training to the report."""
    from fogbank.project.demo import run_demo

    started = time.perf_counter()
    config = _project(terminal)
    document = run_demo(config.root, terminal.show)
    write_report(document, config.report)
    terminal.note(f"\nthe whole job took {time.perf_counter() - started:.1f} s")
    terminal.result(_farewell(config, document))


def _project(terminal: Terminal) -> ProjectConfig:
    """The project here; a fresh one, called demo, where there is none. Raises ProjectError."""
    from fogbank.project.scaffolding.scaffold import write_project
    from fogbank.project.workplace.config import load_config

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
