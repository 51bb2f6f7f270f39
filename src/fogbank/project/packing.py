"""Packing: what training left, with its monitoring baseline, into the package; a staged package is loaded once before it counts.

In: a trained project; out: its manifest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest


def pack(config: ProjectConfig) -> Manifest:
    """Baseline, then package. Raises DataError, GateError, PackageError."""
    from fogbank.monitor import suggest
    from fogbank.pack import Baseline, build, read_trained

    trained = read_trained(config.trained)
    statistics, constraints = suggest(config.trained / "baseline.csv", (*trained.output.names, *trained.input.names))
    return build(config, trained, Baseline(statistics=statistics, constraints=constraints), probe)


def serving(manifest: Manifest) -> str:
    """How the model is served, in a few words."""
    compilation = manifest.package.compilation
    if compilation.compiled:
        return f"the model as ONNX ({compilation.rows} rows agree within {compilation.max_difference:.0e})"
    return f"the model as {manifest.package.kind} ({compilation.reason})"


def probe(base_dir: Path, sample: Path) -> None:
    """Load a staged package in a process of its own, as the server would, and have it answer the sample.

    Raises PackageError (`package-unloadable`).
    """
    env = {**os.environ, "SAGEMAKER_BASE_DIR": str(base_dir), "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"FOGBANK_LOG_FORMAT": "text", **_handler_environment(base_dir)}
    process = subprocess.run(
        [sys.executable, "-P", "-m", "fogbank.serve", "check"],
        env=env,
        cwd=base_dir,
        input=sample.read_text() if sample.is_file() else "",
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        lines = [line for line in process.stderr.strip().splitlines() if line] or ["(no output)"]
        cause = next(
            (line.partition("fogbank.serve ")[2] for line in reversed(lines) if " ERROR fogbank.serve " in line),
            "\n".join(lines[-5:]),
        )
        raise PackageError(
            "package-unloadable", cause, "mend the handler or the model; the package that was there is unchanged"
        )


def _handler_environment(base_dir: Path) -> dict[str, str]:
    from fogbank.contracts.manifest import INNER_NAME, decode_package

    handler = decode_package((base_dir / "model" / INNER_NAME).read_bytes()).handler
    return {"SAGEMAKER_PROGRAM": handler} if handler else {}
