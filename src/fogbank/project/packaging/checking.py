"""Checking: a package rehearsed as SageMaker would run it, and remembered once it has passed.

In: a package, and what it may use; out: a report, or its findings as one error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.container import SHIPPED_ROOMS, STARTUP_LIMIT_S
from fogbank.contracts.dependencies import Target, host_platform
from fogbank.contracts.errors import CheckError, PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import canonical_json, sha256_bytes
from fogbank.ground.sources import source_digest
from fogbank.project.packaging.images import wheels_for
from fogbank.project.workplace.environments import python_for
from fogbank.project.workplace.events import Steps

if TYPE_CHECKING:
    from fogbank.check import Conditions, Report

RECORD = "checked.json"
MEMORY_MB = 8192
"""An ml.m5.large has as much."""


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What a check is asked for besides the package. `sample` is CSV; without `memory_mb` the project's, or an instance's."""

    sample: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    memory_mb: int | None = None
    startup_limit_s: float = STARTUP_LIMIT_S
    network: bool = False

    def conditions(self, environment: Mapping[str, str], memory_mb: int, python: str) -> Conditions:
        """The conditions of an instance on this machine's own platform, with what is the package's own."""
        from fogbank.check import Conditions

        return Conditions(
            target=Target(platform=host_platform(), python=python),
            environment={**environment, **self.environment},
            memory_bytes=(self.memory_mb or memory_mb) << 20,
            startup_limit_s=self.startup_limit_s,
            network=self.network,
        )


def check_archive(archive: Path, python: str, options: CheckOptions, steps: Steps) -> Report:
    """The check of any model.tar.gz. Raises CheckError."""
    from fogbank.check import check_artifact

    rows = options.sample.read_text() if options.sample else ""
    with steps("check") as step:
        report = check_artifact(archive, rows, options.conditions({}, MEMORY_MB, python), python_for)
        step.done(outcome(report))
    return report


def check_package(config: ProjectConfig, manifest: Manifest, options: CheckOptions, steps: Steps) -> Report:
    """The check of a project's package. Raises CheckError."""
    with steps("check") as step:
        report = package_report(config, manifest, options)
        step.done(outcome(report))
    return report


def check_once(config: ProjectConfig, manifest: Manifest, steps: Steps) -> None:
    """The check of a package that has not passed it yet. Raises CheckError."""
    record, key = config.state / RECORD, _key(config, manifest)
    if not record.is_file() or record.read_text() != key:
        check_package(config, manifest, CheckOptions(), steps)
        record.write_text(key)


def package_report(config: ProjectConfig, manifest: Manifest, options: CheckOptions) -> Report:
    """That a package's wheels exist for the cloud's platform, then the rehearsal on this one's."""
    from fogbank.check import Finding, Report, check_artifact

    try:
        wheels_for(config, manifest, Target(platform=config.platform, python=manifest.package.python))
    except PackageError as error:
        if error.code != "index-unreachable":  # whether there is a wheel is found when the image is built
            return Report(findings=(Finding(code=error.code, cause=error.cause),))
    sample = options.sample or config.trained / "sample.csv"
    rows = sample.read_text() if sample.is_file() else ""
    conditions = options.conditions(manifest.environment, config.memory_mb, manifest.package.python)
    return check_artifact(manifest.artifact_path, rows, conditions, python_for)


def outcome(report: Report) -> str:
    """A report that found nothing, in a few words. Raises CheckError with every finding."""
    if not report.passed:
        several = len(report.findings) > 1
        cause = "\n".join(f"{item.code}: {item.cause}" if several else item.cause for item in report.findings)
        hint = "; ".join(dict.fromkeys(item.fix for item in report.findings))
        raise CheckError(report.findings[0].code, cause, hint, report.document())
    answer = f", sample answered in {report.answer_s * 1000:.0f} ms" if report.answer_s is not None else ""
    unchecked = f" (not checked here: {', '.join(report.unchecked)})" if report.unchecked else ""
    return f"ready in {report.ready_s:.2f} s, {report.peak_bytes >> 20} MiB{answer}{unchecked}"


def _key(config: ProjectConfig, manifest: Manifest) -> str:
    """What a check depends on: the package, the server that runs it, and the memory that it may use."""
    server = source_digest(SHIPPED_ROOMS)
    return sha256_bytes(canonical_json([manifest.artifact_sha256, manifest.package_sha256, server, config.memory_mb]))
