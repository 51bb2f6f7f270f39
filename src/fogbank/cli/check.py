"""`fogbank check`: the package rehearsed as SageMaker would run it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fogbank.cli.prepare import ensure_trained, here
from fogbank.cli.terminal import Step, Terminal
from fogbank.contracts.config import running_python
from fogbank.project.checking import conditions_of, project_report, python_for, verdict
from fogbank.project.packing import pack

if TYPE_CHECKING:
    from fogbank.check import Report

MEMORY_MB = 8192
"""An ml.m5.large has as much."""


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
    from fogbank.check import check_artifact

    given = dict(item.partition("=")[::2] for item in variables)
    changes = {"startup_limit_s": startup_timeout, "network": network}
    if archive is not None:
        conditions = conditions_of(given, memory or MEMORY_MB, running_python(), **changes)
        with terminal.step("check") as step:
            report = check_artifact(archive, sample.read_text() if sample else "", conditions, python_for)
            _end(report, terminal, step, as_json=as_json)
        return
    config = here()
    ensure_trained(config, terminal)
    with terminal.step("pack") as step:
        manifest = pack(config)
        step.done(f"sha256 {manifest.artifact_sha256[:12]}")
    environment = {**manifest.model_environment, **given}
    conditions = conditions_of(environment, memory or config.memory_mb, manifest.package.python, **changes)
    with terminal.step("check") as step:
        _end(project_report(config, manifest, conditions, sample), terminal, step, as_json=as_json)


def _end(report: Report, terminal: Terminal, step: Step, *, as_json: bool) -> None:
    if as_json:
        terminal.document(report.document())
    step.done(verdict(report))
    if not as_json:
        terminal.result("ok")
