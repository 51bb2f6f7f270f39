"""Checking: a package rehearsed as SageMaker would run it, once for each package that `up` deploys.

In: a package, and what it may use; out: a report, or its findings as one error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.container import SHIPPED_ROOMS
from fogbank.contracts.dependencies import Target, host_platform
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import canonical_json, sha256_bytes
from fogbank.ground.sources import source_digest
from fogbank.project.images import wheels_for
from fogbank.project.installation import cached, server_pins

if TYPE_CHECKING:
    from fogbank.check import Conditions, Report

RECORD = "checked.json"


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
        return Environments(cached("environments"), server_pins()).python_for(requirements)
    except DependencyError as error:
        raise PackageError("dependency-uninstallable", str(error), "look at the requirements") from error


def record_key(config: ProjectConfig, manifest: Manifest) -> str:
    """What a check depends on: the package, the server that runs it, and the memory that it may use."""
    server = source_digest(SHIPPED_ROOMS)
    return sha256_bytes(canonical_json([manifest.artifact_sha256, manifest.package_sha256, server, config.memory_mb]))


def is_checked(config: ProjectConfig, manifest: Manifest) -> bool:
    """Whether this very package has passed its check."""
    record = config.state / RECORD
    return record.is_file() and record.read_text() == record_key(config, manifest)


def rehearsed(config: ProjectConfig, manifest: Manifest) -> str:
    """Check the project's package; what was seen, in a few words. Raises PackageError with every finding."""
    conditions = conditions_of(manifest.model_environment, config.memory_mb, manifest.package.python)
    return verdict(project_report(config, manifest, conditions))


def verdict(report: Report) -> str:
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
