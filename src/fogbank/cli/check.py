"""`fogbank check`: the package rehearsed as SageMaker would run it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fogbank.cli.compose import ensure_trained, here, run_pack, server_pins
from fogbank.cli.images import wheels_for
from fogbank.cli.terminal import Step, Terminal
from fogbank.contracts.config import ProjectConfig, running_python
from fogbank.contracts.container import SHIPPED_ROOMS
from fogbank.contracts.dependencies import Target, host_platform
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.engine.locate import cache_dir
from fogbank.ground.digest import canonical_json, sha256_bytes
from fogbank.ground.sources import source_digest

if TYPE_CHECKING:
    from fogbank.check import Conditions, Report

RECORD = "checked.json"
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
        manifest = run_pack(config)
        step.done(f"sha256 {manifest.artifact_sha256[:12]}")
    environment = {**manifest.model_environment, **given}
    conditions = conditions_of(environment, memory or config.memory_mb, manifest.package.python, **changes)
    with terminal.step("check") as step:
        _end(project_report(config, manifest, conditions, sample), terminal, step, as_json=as_json)


def _end(report: Report, terminal: Terminal, step: Step, *, as_json: bool) -> None:
    if as_json:
        terminal.document(report.document())
    step.done(told(report))
    if not as_json:
        terminal.result("ok")


def conditions_of(environment: Mapping[str, str], memory_mb: int, python: str, **changes: Any) -> Conditions:
    """The conditions of an instance on this machine's own platform."""
    from fogbank.check import Conditions

    target = Target(platform=host_platform(), python=python)
    return Conditions(target=target, environment=environment, memory_bytes=memory_mb << 20, **changes)


def project_report(
    config: ProjectConfig, manifest: Manifest, conditions: Conditions, sample: Path | None = None
) -> Report:
    """The check of a project's package: that its wheels exist for the cloud's platform, then the rehearsal on this one's."""
    from fogbank.check import Finding, Report, check_artifact

    try:
        wheels_for(config, manifest, Target(platform=config.platform, python=manifest.package.python))
    except PackageError as error:
        if error.code != "index-unreachable":  # whether there is a wheel is found when the image is built
            return Report(findings=(Finding(code=error.code, cause=error.cause),))
    rows = sample or config.trained / "sample.csv"
    return check_artifact(manifest.artifact_path, rows.read_text() if rows.is_file() else "", conditions, python_for)


def python_for(requirements: Sequence[str]) -> Path:
    """The Python of the package's own environment, as the local cloud has it. Raises PackageError (`dependency-uninstallable`)."""
    from fogbank.cloud.hosting.environment import DependencyError, Environments

    try:
        return Environments(cache_dir(os.environ) / "environments", server_pins()).python_for(requirements)
    except DependencyError as error:
        raise PackageError("dependency-uninstallable", str(error), "look at the requirements") from error


def check_once(config: ProjectConfig, manifest: Manifest, terminal: Terminal) -> None:
    """Check a package that was not checked yet, for `up`. Raises PackageError with every finding."""
    key = sha256_bytes(
        canonical_json(
            [manifest.artifact_sha256, manifest.package_sha256, source_digest(SHIPPED_ROOMS), config.memory_mb]
        )
    )
    record = config.state / RECORD
    if record.is_file() and record.read_text() == key:
        return
    with terminal.step("check") as step:
        step.done(rehearsed(config, manifest))
    record.write_text(key)


def rehearsed(config: ProjectConfig, manifest: Manifest) -> str:
    """Check the project's package; what was seen, in a few words. Raises PackageError with every finding."""
    conditions = conditions_of(manifest.model_environment, config.memory_mb, manifest.package.python)
    return told(project_report(config, manifest, conditions))


def told(report: Report) -> str:
    """A report in a few words. Raises PackageError with every finding."""
    if not report.passed:
        several = len(report.findings) > 1
        cause = "\n".join(f"{item.code}: {item.cause}" if several else item.cause for item in report.findings)
        raise PackageError(
            report.findings[0].code, cause, "; ".join(dict.fromkeys(item.fix for item in report.findings))
        )
    answered = f", sample answered in {report.answer_s * 1000:.0f} ms" if report.answer_s is not None else ""
    beside = f" (not checked here: {', '.join(report.unchecked)})" if report.unchecked else ""
    return f"ready in {report.ready_s:.2f} s, {report.peak_bytes >> 20} MiB{answered}{beside}"
