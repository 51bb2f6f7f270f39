"""`fogbank check`: the package rehearsed as SageMaker would run it."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import running_python


@click.command()
@click.argument("archive", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--sample",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV rows. Default: training's sample.csv.",
)
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the model's environment.")
@click.option("--memory", type=int, help="MiB that it may use. Default: `memory_mb` in [tool.fogbank].")
@click.option(
    "--startup-timeout", type=float, default=240, show_default=True, help="Seconds until /ping must answer 200."
)
@click.option("--network", is_flag=True, help="Leave it the network, and the model folder writable.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def check(
    terminal: Terminal, archive: Path | None, sample: Path | None, variables: tuple[str, ...], memory: int | None,
    startup_timeout: float, network: bool, as_json: bool,
) -> None:  # fmt: skip
    """Boot the package as SageMaker would, send it a sample, and report what would fail in the cloud, with cause and fix.

    ARCHIVE is any model.tar.gz; without one, the project is packed and checked. It runs in an environment of its own, without
    network, with a model folder that cannot be written, under a memory limit and the limit for /ping.
    """
    from fogbank.project.packaging.checking import CheckOptions, check_archive
    from fogbank.project.project import Project
    from fogbank.project.workplace.events import Steps

    options = CheckOptions(
        sample=sample,
        environment=dict(item.partition("=")[::2] for item in variables),
        memory_mb=memory,
        startup_limit_s=startup_timeout,
        network=network,
    )
    report = (
        check_archive(archive, running_python(), options, Steps(terminal.show))
        if archive
        else Project(events=terminal.show).check(options)
    )
    if as_json:
        terminal.document(report.document())
    else:
        terminal.result("ok")
