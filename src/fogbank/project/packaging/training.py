"""Training: the project's own module, in a process of its own, by the Python that has what is locked.

In: a project; out: what its training left in `.fogbank/trained/`, and the last line that it printed.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError, ProjectError
from fogbank.ground.folders import private_folder
from fogbank.project.workplace.environments import training_python
from fogbank.project.workplace.events import Steps

RUNNER = Path(__file__).with_name("run_module.py")


def train(config: ProjectConfig, steps: Steps) -> str:
    """Run the project's training module; its last line. Raises PackageError (`training-failed`), ProjectError (`training-none`)."""
    if config.model is not None:
        raise ProjectError(
            "training-none",
            f"the model in {config.model.relative_to(config.root)}/ was brought as it is: nothing is trained here",
            "run `fogbank up`; to train, take `model` out of [tool.fogbank] and write the module that `train` names",
        )
    with steps("train") as step:
        step.done(_run(config))
    return step.outcome


def train_if_due(config: ProjectConfig, steps: Steps) -> None:
    """Train where there is no model yet, or the training code is newer than it. Raises PackageError."""
    if is_due(config):
        train(config, steps)


def _run(config: ProjectConfig) -> str:
    from fogbank.pack import record_environment

    python = training_python(config)
    said = run_module(config, config.train, python)
    record_environment(config.trained, python)
    return said


def run_module(config: ProjectConfig, module: str, python: str | None = None) -> str:
    """Run a module of the project's as training is run; its last line. Raises PackageError (`training-failed`)."""
    private_folder(config.state)
    log = config.state / "train.log"
    with log.open("w") as stderr:
        process = subprocess.run(
            [
                python or training_python(config),
                "-P",
                str(RUNNER),
                module,
            ],  # by its path: that Python has no more of fogbank than what serves
            cwd=config.root,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
    lines = process.stdout.strip().split("\n")
    if process.returncode != 0:
        cause = lines[-1] or f"it ended with status {process.returncode}"
        raise PackageError(
            "training-failed",
            f"`python -m {module}` failed: {cause}",
            f"mend that line and run `fogbank train` again; all of it is in {log}",
        )
    return lines[-1]


def is_due(config: ProjectConfig) -> bool:
    """Whether there is no model yet, or the training code is newer than it."""
    from fogbank.pack import model_in

    if config.model is not None:
        return False
    model = model_in(config.trained)
    folder = config.root.joinpath(*config.train.split(".")[:-1])
    sources = [path.stat().st_mtime for path in folder.glob("*.py")] if folder != config.root else []
    return model is None or model.stat().st_mtime < max(sources, default=0)
