"""`fogbank cloud`: start, stop, status, logs, reset, advance."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import get_args

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.cloud.client import CloudClient
from fogbank.contracts.config import Runtime
from fogbank.contracts.errors import DataError
from fogbank.project.cloud import start_cloud, stop_cloud

SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


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
    config = here()
    with terminal.step("local cloud") as step:
        address = start_cloud(config, port)
        client = CloudClient(config.cloud)
        while waiting := client.call("status")["starting"]:
            step.doing = f"bringing up {', '.join(waiting)}"
            time.sleep(0.05)
        step.done(f"listens on {address.url}")
    terminal.result(address.url)


@cloud.command()
@click.pass_obj
def stop(terminal: Terminal) -> None:
    """Stop it; its state stays and is there at the next start."""
    config = here()
    with terminal.step("local cloud") as step:
        step.done(stop_cloud(config.cloud))


@cloud.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def status(terminal: Terminal, as_json: bool) -> None:
    """What runs in it. Exit code 5 when it is not running."""
    found = CloudClient(here().cloud).call("status")
    if as_json:
        terminal.document(found)
        return
    terminal.result(f"local cloud at {found['url']} (process {found['pid']}), its time is {found['time'][:19]} UTC")
    for title, key in (
        ("endpoints", "endpoints"),
        ("transform jobs", "transform_jobs"),
        ("monitoring schedules", "monitoring_schedules"),
    ):
        terminal.result(f"{title}: {', '.join(f'{name} {state}' for name, state in found[key].items()) or 'none'}")


@cloud.command()
@click.argument("name", default="cloud")
@click.option("-n", "--lines", default=40, show_default=True, help="How many lines from the end.")
@click.pass_obj
def logs(terminal: Terminal, name: str, lines: int) -> None:
    """The end of a log: the cloud's own, or one below its logs folder whose path contains NAME (an endpoint, a job)."""
    folder = here().cloud
    found = (
        [folder / "cloud.log"]
        if name == "cloud"
        else sorted(path for path in (folder / "logs").rglob("*.log") if name in str(path.relative_to(folder / "logs")))
    )
    found = [path for path in found if path.is_file()]
    if not found:
        known = (
            ", ".join(
                sorted(
                    str(path.relative_to(folder / "logs").with_suffix("")) for path in (folder / "logs").rglob("*.log")
                )
            )
            or "none"
        )
        raise DataError("log-not-found", f"no log of {name!r}", f"logs there are: {known}")
    for path in found:
        if len(found) > 1:
            terminal.result(f"==> {path.relative_to(folder)} <==")
        terminal.result("\n".join(path.read_text(errors="replace").splitlines()[-lines:]))


@cloud.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(terminal: Terminal, yes: bool) -> None:
    """Forget every resource and object in it."""
    client = CloudClient(here().cloud)
    client.address()
    if not yes:
        click.confirm("Delete every resource and object of this project's local cloud?", abort=True)
    client.call("reset")
    terminal.note("the local cloud is empty; `fogbank up` makes the stack's resources again after `fogbank refresh`")


@cloud.command()
@click.argument("span")
@click.option("--json", "as_json", is_flag=True, help="Print what was fired as JSON.")
@click.pass_obj
def advance(terminal: Terminal, span: str, as_json: bool) -> None:
    """Move the cloud's clock by SPAN (90s, 5m, 1h, 7d, 2w), firing every schedule in between, in order."""
    match = SPAN.fullmatch(span)
    if not match:
        raise click.BadParameter(f"{span!r} is not a span such as 90s, 5m, 1h, 7d, 2w", param_hint="SPAN")
    client = CloudClient(here().cloud)
    with terminal.step(f"advance {span}") as step:
        fired = client.call("advance", timeout_s=3600, seconds=float(match[1]) * SECONDS[match[2]])
        step.done(f"{len(fired)} fired")
    if as_json:
        terminal.document(fired)
        return
    for item in fired:
        terminal.result(f"{item['at'][:16]}Z  {item['name']}: {item['result']}")


@cloud.command(hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--port", type=int, required=True)
@click.option("--runtime", type=click.Choice(get_args(Runtime)), default="process")
def run(folder: Path, port: int, runtime: Runtime) -> None:
    """Be the cloud process (what `start` starts)."""
    from fogbank.project.cloud_process import serve

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(folder, port, runtime)
