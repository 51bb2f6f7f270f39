"""The check of an artifact, from the archive to the last answer.

In: model.tar.gz, a sample, and the conditions of the instance that it is meant for; out: a `Report`. What it needs from elsewhere
(an environment of the package's own dependencies) comes as a function.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fogbank.check.answer import sample_rows
from fogbank.check.findings import Finding, Report
from fogbank.check.rehearse import Order
from fogbank.check.static import inspect_files
from fogbank.contracts.container import INVOCATION_LIMIT_S, STARTUP_LIMIT_S, STOP_GRACE_S
from fogbank.contracts.dependencies import WHEELS, Target
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import INNER_NAME, decode_package
from fogbank.ground.archive import ArchiveError, unpack_archive
from fogbank.ground.processes import bare_environment

PythonFor = Callable[[Sequence[str], Path], Path]
"""The Python of an environment for these requirement lines, and the folder of wheels that came with them. Raises PackageError (`dependency-uninstallable`)."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What the container will meet. `environment` is the model's own, as it is declared; times are seconds."""

    target: Target
    environment: Mapping[str, str] = field(default_factory=dict)
    memory_bytes: int = 8 << 30
    startup_limit_s: float = STARTUP_LIMIT_S
    answer_limit_s: float = INVOCATION_LIMIT_S
    stop_limit_s: float = STOP_GRACE_S
    network: bool = False


def check_artifact(archive: Path, sample: str, conditions: Conditions, python_for: PythonFor) -> Report:
    """Unpack, look, install, boot, ask. Findings are in the order in which SageMaker would meet them."""
    with tempfile.TemporaryDirectory(prefix="fogbank-check-") as folder:
        base = Path(folder)
        try:
            unpack_archive(archive, base / "model")
        except ArchiveError as error:
            return Report(findings=(Finding(code=error.code, cause=error.cause),))
        findings = inspect_files(base / "model", conditions.environment, conditions.target)
        if findings:
            return Report(findings=tuple(findings))
        try:
            python = python_for(_requirements(base / "model"), base / "model" / "code" / WHEELS)
        except PackageError as error:
            return Report(findings=(Finding(code=error.code, cause=error.cause),))
        return _rehearsed(base, sample, conditions, python)


def _requirements(model: Path) -> list[str]:
    path = model / "code" / "requirements.txt"
    return path.read_text().split("\n") if path.is_file() else []


def _rehearsed(base: Path, sample: str, conditions: Conditions, python: Path) -> Report:
    manifest = base / "model" / INNER_NAME
    package = decode_package(manifest.read_bytes()) if manifest.is_file() else None
    order = Order(
        python=str(python),
        base_dir=str(base),
        environment=dict(conditions.environment),
        sample=sample,
        rows=sample_rows(sample, package.input.names if package else ()),
        output=tuple((column.name, column.dtype) for column in package.output.columns) if package else (),
        startup_limit_s=conditions.startup_limit_s,
        answer_limit_s=conditions.answer_limit_s,
        stop_limit_s=conditions.stop_limit_s,
        memory_bytes=conditions.memory_bytes,
        network=conditions.network,
    )
    limit = conditions.startup_limit_s + conditions.answer_limit_s + conditions.stop_limit_s + 120
    process = subprocess.run(
        [sys.executable, "-m", "fogbank.check.rehearse"],
        env=bare_environment(base / "home"),
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
    )
    if process.returncode != 0:
        return Report(findings=(Finding(code="check-failed", cause=process.stderr.strip()[-1000:]),))
    seen = json.loads(process.stdout)
    findings = tuple(Finding(**item) for item in seen.pop("findings"))
    return Report(**{**seen, "findings": findings, "unchecked": tuple(seen["unchecked"])})
