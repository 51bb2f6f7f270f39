"""`fogbank cloud`: start, stop, status, logs, reset, advance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import Runtime

if TYPE_CHECKING:
    from fogbank.project.project import Project


@click.group()
def cloud() -> None:
    """The local cloud of this project: AWS's API on loopback, really running models, jobs and monitors."""


@cloud.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any. Default: $FOGBANK_PORT, `port` in [tool.fogbank], 4566.",
)
@click.pass_obj
def start(terminal: Terminal, port: int | None) -> None:
    """Start it (or find it running), and wait for its endpoints to be up."""
    terminal.result(_project(terminal).cloud.start(port, ready=True))


@cloud.command()
@click.pass_obj
def stop(terminal: Terminal) -> None:
    """Stop it; its state stays and is there at the next start."""
    _project(terminal).cloud.stop()


@cloud.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def status(terminal: Terminal, as_json: bool) -> None:
    """What runs in it. Exit code 5 when it is not running."""
    document = _project(terminal).cloud.status()
    if as_json:
        terminal.document(document)
        return
    terminal.result(
        f"local cloud at {document['url']} (process {document['pid']}), its time is {document['time'][:19]} UTC"
    )
    for key in ("endpoints", "transform_jobs", "monitoring_schedules"):
        states = ", ".join(f"{name} {state}" for name, state in document[key].items()) or "none"
        terminal.result(f"{key.replace('_', ' ')}: {states}")


@cloud.command()
@click.argument("name", default="cloud")
@click.option("-n", "--lines", default=40, show_default=True, help="How many lines from the end.")
@click.pass_obj
def logs(terminal: Terminal, name: str, lines: int) -> None:
    """The end of a log: the cloud's own, or one below its logs folder whose path contains NAME (an endpoint, a job)."""
    texts = _project(terminal).cloud.logs(name, lines)
    for place, text in texts.items():
        if len(texts) > 1:
            terminal.result(f"==> {place} <==")
        terminal.result(text)


@cloud.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(terminal: Terminal, yes: bool) -> None:
    """Forget every resource and object in it."""
    project = _project(terminal)
    project.cloud.address()
    if not yes:
        click.confirm("Delete every resource and object of this project's local cloud?", abort=True)
    project.cloud.reset()
    terminal.note("the local cloud is empty; `fogbank up` makes the stack's resources again after `fogbank refresh`")


@cloud.command()
@click.argument("span")
@click.option("--json", "as_json", is_flag=True, help="Print what was fired as JSON.")
@click.pass_obj
def advance(terminal: Terminal, span: str, as_json: bool) -> None:
    """Move the cloud's clock by SPAN (90s, 5m, 1h, 7d, 2w), firing every schedule in between, in order."""
    firings = _project(terminal).cloud.advance(span)
    if as_json:
        terminal.document(firings)
        return
    for firing in firings:
        terminal.result(f"{firing['at'][:16]}Z  {firing['name']}: {firing['result']}")


@cloud.command(hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--port", type=int, required=True)
@click.option("--runtime", type=click.Choice(get_args(Runtime)), default="process")
def run(folder: Path, port: int, runtime: Runtime) -> None:
    """Be the cloud process (what `start` starts)."""
    from fogbank.project.cloud_process import serve

    serve(folder, port, runtime)


def _project(terminal: Terminal) -> Project:
    from fogbank.project.project import Project

    return Project(events=terminal.show)
