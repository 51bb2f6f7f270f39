"""`fogbank cloud`: start, stop, status, logs, reset, advance, clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from fogbank.cli.groups import Group
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import Runtime

NOTHING = ("no data", "no object", "No S3 objects", "nothing to transform")
"""What the reasons of runs say for which nothing was there."""

if TYPE_CHECKING:
    from fogbank.project.project import Project


@click.group(cls=Group)
def cloud() -> None:
    """The local cloud of this project: AWS's API on loopback, really running models, jobs and monitors."""


@cloud.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any. Default: $FOGBANK_PORT, `port` in [tool.fogbank], 4566.",
)
@click.option(
    "--open",
    "open_",
    is_flag=True,
    help="Answer everybody on this machine, whoever signed; for test suites that need it.",
)
@click.option(
    "--enforce-iam",
    is_flag=True,
    help="Refuse what a role's policies do not let it do: models, jobs, functions and schedules.",
)
@click.pass_obj
def start(terminal: Terminal, port: int | None, open_: bool, enforce_iam: bool) -> None:
    """Start it (or find it running), and wait for its endpoints to be up."""
    project = _project(terminal)
    terminal.result(project.cloud.start(port, ready=True, open_=open_, enforce_iam=enforce_iam))
    if project.cloud.status()["open"]:
        terminal.note("warning: every user of this machine can run code as you through this cloud, until it is stopped")


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
    for key in (
        "endpoints",
        "inference_components",
        "transform_jobs",
        "monitoring_schedules",
        "schedules",
        "rules",
        "functions",
        "alarms",
    ):
        states = ", ".join(f"{name} {state}" for name, state in document[key].items()) or "none"
        terminal.result(f"{key.replace('_', ' ')}: {states}")


@cloud.command()
@click.argument("name", default="cloud")
@click.option("-n", "--lines", default=40, show_default=True, help="How many lines from the end.")
@click.pass_obj
def logs(terminal: Terminal, name: str, lines: int) -> None:
    """The end of a log: the cloud's own, or those of the endpoint NAME, else all below its logs folder whose path
    contains NAME (a job)."""
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
    for line in firing_lines(firings):
        terminal.result(line)


@cloud.command()
@click.option(
    "--set", "moment", type=click.DateTime(), help="Move it forward to this moment, in UTC: 2027-03-01T06:00:00."
)
@click.option("--speed", type=float, help="Seconds of the cloud for each of the machine's; 1 is as usual.")
@click.option(
    "--freeze", is_flag=True, help="It stands still, and moves only by --set and `advance`: the same as --speed 0."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was fired as JSON.")
@click.pass_obj
def clock(terminal: Terminal, moment: datetime | None, speed: float | None, freeze: bool, as_json: bool) -> None:
    """Set the cloud's clock, its speed, or stop it. Schedules on the way fire, in order; it never runs backwards."""
    if freeze and speed is not None:
        raise click.UsageError("give --freeze or --speed")
    if moment is None and speed is None and not freeze:
        raise click.UsageError("give --set, --speed or --freeze")
    firings = _project(terminal).cloud.set_clock(moment, 0.0 if freeze else speed)
    if as_json:
        terminal.document(firings)
        return
    for line in firing_lines(firings):
        terminal.result(line)


def firing_lines(firings: Sequence[Mapping[str, str]]) -> list[str]:
    """A line for each run that had something to do, and one for each schedule about those that had not. Pure."""
    idle = Counter(firing["name"] for firing in firings if any(words in firing["result"] for words in NOTHING))
    lines = [
        f"{firing['at'][:16]}Z  {firing['name']}: {firing['result']}"
        for firing in firings
        if not any(words in firing["result"] for words in NOTHING)
    ]
    return [
        *lines,
        *(f"{name}: {count} run(s) found no data, as nothing was sent or put there" for name, count in idle.items()),
    ]


@cloud.command(hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--port", type=int, required=True)
@click.option("--runtime", type=click.Choice(get_args(Runtime)), default="process")
@click.option("--open", "open_", is_flag=True)
@click.option("--enforce-iam", is_flag=True)
def run(folder: Path, port: int, runtime: Runtime, open_: bool, enforce_iam: bool) -> None:
    """Be the cloud process (what `start` starts)."""
    from fogbank.project.local.cloud_process import serve

    serve(folder, port, runtime, open_=open_, enforce_iam=enforce_iam)


def _project(terminal: Terminal) -> Project:
    from fogbank.project.project import Project

    return Project(events=terminal.show)
