"""The container of a processing job, as a process: its folder stands for /opt/ml, and it ends with the job, however that ends.

In: an image and its environment; out: the exit status. What the local cloud can run are the images of the Model Monitor
analyzer, whose work fogbank's own analyzer does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.contracts.container import ENV_PARENT_FD
from fogbank.contracts.monitoring import ANALYZER_IMAGE
from fogbank.ground.processes import BARE_ENVIRONMENT, Lifeline

ROOT = "/opt/ml"
LOOK_S = 0.1
GRACE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class ProcessingContainer:
    """What is to run. `home` stands for /opt/ml; `log` takes what it prints; it may run for `limit_s`."""

    image: str
    environment: Mapping[str, str]
    home: Path
    log: Path
    limit_s: float


class Processor(Protocol):
    """Runs the containers of processing jobs."""

    def run(self, container: ProcessingContainer, stop: threading.Event) -> int:
        """The exit status. Raises JobError, and JobStoppedError soon after `stop` is set."""


class AnalyzerProcessor:
    """Runs the analyzer's images, in an environment of fogbank's own rooms."""

    def __init__(self, environments: Environments) -> None:
        self._environments = environments

    def run(self, container: ProcessingContainer, stop: threading.Event) -> int:
        """The exit status of the analyzer."""
        if not ANALYZER_IMAGE.search(container.image):
            raise JobError(
                f"ClientError: the local cloud has no container engine for {container.image}; it runs the Model Monitor analyzer's images"
            )
        try:
            python = self._environments.python_for([])
        except DependencyError as error:
            raise JobError(f"InternalServerError: the analyzer's environment cannot be made: {error}") from error
        return run_process([str(python), "-P", "-m", "fogbank.monitor"], container, stop)


def run_process(command: list[str], container: ProcessingContainer, stop: threading.Event) -> int:
    """Run a command as the container, in a process group of its own. Raises JobError, JobStoppedError."""
    home = container.home
    environment = {name: value.replace(f"{ROOT}/", f"{home}/") for name, value in container.environment.items()}
    container.log.parent.mkdir(parents=True, exist_ok=True)
    lifeline = Lifeline()
    try:
        with container.log.open("ab") as out:
            process = subprocess.Popen(
                command,
                env={
                    **BARE_ENVIRONMENT,
                    "HOME": str(home),
                    **environment,
                    "SAGEMAKER_BASE_DIR": str(home),
                    ENV_PARENT_FD: str(lifeline.inherited),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=home,
                pass_fds=(lifeline.inherited,),
                start_new_session=True,
            )
    except BaseException:
        lifeline.cut()
        raise
    finally:
        lifeline.handed_over()
    try:
        return _wait(process, container.limit_s, stop)
    finally:
        _end(process)
        lifeline.cut()


def _wait(process: subprocess.Popen[bytes], limit_s: float, stop: threading.Event) -> int:
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK_S)
        if stop.is_set():
            raise JobStoppedError
        if time.monotonic() > deadline:
            raise JobError(f"ClientError: the job ran longer than MaxRuntimeInSeconds ({limit_s:g} s)")


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to what still runs, then SIGKILL to the whole group: nothing of the container is left."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
