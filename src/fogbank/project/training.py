"""Training: the project's own module, in a process of its own.

In: a project; out: what its training left in `.fogbank/trained/`, and the last line that it printed.
"""

from __future__ import annotations

import subprocess
import sys

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError


def train(config: ProjectConfig) -> str:
    """Run the project's training module; returns its last line. Raises PackageError (`training-failed`)."""
    from fogbank.pack import record_environment

    config.state.mkdir(exist_ok=True)
    log = config.state / "train.log"
    with log.open("w") as stderr:
        process = subprocess.run(
            [sys.executable, "-m", "fogbank.project.run_module", config.train],
            cwd=config.root,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
    lines = process.stdout.strip().splitlines() or [""]
    if process.returncode != 0:
        cause = lines[-1] or f"it ended with status {process.returncode}"
        raise PackageError(
            "training-failed",
            f"`python -m {config.train}` failed: {cause}",
            f"mend that line and run `fogbank train` again; all of it is in {log}",
        )
    record_environment(config.trained)
    return lines[-1]


def needs_training(config: ProjectConfig) -> bool:
    """Whether there is no model yet, or the training code is newer than it."""
    from fogbank.pack import model_in

    model = model_in(config.trained)
    folder = config.root.joinpath(*config.train.split(".")[:-1])
    sources = [path.stat().st_mtime for path in folder.glob("*.py")] if folder != config.root else []
    return model is None or model.stat().st_mtime < max(sources, default=0)
