"""The container of a processing job, as a process: its folder stands for /opt/ml, and it ends with the job, however that ends.

In: an image, its entry point and its environment; out: the exit status. What the local cloud can run is fogbank's own analyzer (in
any image by its entry point, and in place of the images of the Model Monitor analyzer), and any command that an entry point names.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.cloud.jobs.commands import ROOT, command, libraries, mounts, search_path
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.cloud.jobs.warm import WarmAnalyzer, WarmError
from fogbank.contracts.analysis import ENTRYPOINT
from fogbank.contracts.container import ENV_PARENT_FD
from fogbank.contracts.monitoring import ANALYZER_IMAGE, POSTPROCESSOR, PREPROCESSOR
from fogbank.ground.processes import MASK, Lifeline, bare_environment, beginning, end_group, reap_group
from fogbank.ground.walls import UndecidedError, Wall

LOOK_S = 0.1
GRACE_S = 5.0
ANALYZE = ("python3", *ENTRYPOINT[1:])
"""The analyzer as a command of its image: so it runs where scripts of a monitor's user want to find their files below /opt/ml."""


@dataclass(frozen=True, kw_only=True)
class ProcessingContainer:
    """What is to run. `home` stands for /opt/ml; `log` takes what it prints; it may run for `limit_s`.

    `entrypoint` is None where it is the image's own. It sees nothing of the cloud's `state` but its home; `memory` is how many bytes
    each of its processes may have, 0 for as many as there are; without `network` it has loopback alone. `hosts` are the addresses of the
    job's hosts by their names, where it is to know them.
    """

    image: str
    entrypoint: Sequence[str] | None = None
    arguments: Sequence[str] = ()
    environment: Mapping[str, str]
    home: Path
    log: Path
    limit_s: float
    state: Path | None = None
    network: bool = True
    memory: int = 0
    hosts: Mapping[str, str] = field(default_factory=dict)


class Process(Protocol):
    """What subprocess.Popen has, of a process that may be another's child."""

    @property
    def pid(self) -> int:
        """Its id, and that of its group."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit status. Raises subprocess.TimeoutExpired, WarmError."""

    def poll(self) -> int | None:
        """The exit status, or None. Raises WarmError."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""


class JobTimeoutError(JobError):
    """The container ran for longer than it may."""


class Processor(Protocol):
    """Runs the containers of processing jobs."""

    def run(self, container: ProcessingContainer, stop: threading.Event) -> int:
        """The exit status. Raises JobError, and JobStoppedError soon after `stop` is set."""


class ProcessProcessor:
    """Runs the analyzer in an environment of fogbank's own rooms, and other commands in one of their image's libraries."""

    def __init__(self, environments: Environments, warm: WarmAnalyzer | None = None) -> None:
        self._environments, self._warm = environments, warm

    def run(self, container: ProcessingContainer, stop: threading.Event) -> int:
        """The exit status of the process."""
        analyzer = is_analyzer(container.image, container.entrypoint)
        if not analyzer and not container.entrypoint:
            raise JobError(
                f"ClientError: the local cloud has no container engine for {container.image}, whose entry point only it knows: give a "
                "ContainerEntrypoint. It runs that as a process, and the Model Monitor analyzer's images"
            )
        try:
            python = self._environments.python_for([] if analyzer else libraries(container.image))
        except DependencyError as error:
            raise JobError(f"InternalServerError: the container's environment cannot be made: {error}") from error
        if analyzer and container.environment.keys().isdisjoint({PREPROCESSOR, POSTPROCESSOR}):
            if self._warm is not None and container.network:
                with contextlib.suppress(
                    WarmError
                ):  # it has died, or was killed: a process of its own does it all again
                    return run_warm(self._warm, python, container, stop)
            analysis = [str(python), *ANALYZE[1:]]
            return run_process(analysis, container, stop, seen=(self._environments.folder,), programs=(python,))
        words = ANALYZE if analyzer else [*(container.entrypoint or ()), *container.arguments]
        mounted = mounts()
        try:
            process = command(words, container.home, python, container.hosts, mounted=mounted)
            return run_process(
                process,
                container,
                stop,
                seen=(self._environments.folder,),
                programs=(python,),
                path=search_path(python),
                base=ROOT if mounted else None,
            )
        except OSError as error:
            raise JobError(f"AlgorithmError: the container's command cannot be run: {error}") from error


def is_analyzer(image: str, entrypoint: Sequence[str] | None) -> bool:
    """Whether it is fogbank's own analyzer, or one whose work it does."""
    if entrypoint is None:
        return bool(ANALYZER_IMAGE.search(image))
    return tuple(entrypoint) == ENTRYPOINT


def run_process(
    command: list[str],
    container: ProcessingContainer,
    stop: threading.Event,
    *,
    seen: Sequence[Path] = (),
    programs: Sequence[Path] = (),
    path: str | None = None,
    base: str | None = None,
) -> int:
    """Run a command as the container, in a process group of its own. `base` is where it finds its folder, if not where that lies.
    `programs` are the cloud's own choice, never words of the job's.

    Raises JobError, JobStoppedError, OSError.
    """
    place = base or str(container.home)
    environment = _environment(container, place, path)
    wall = Wall(
        own=(container.home,), seen=seen, state=container.state, memory=container.memory, network=container.network
    )
    try:
        with _beginning(container) as (lifeline, out):
            process = subprocess.Popen(
                wall.around(command, lifeline.inherited, programs),
                env={**environment, ENV_PARENT_FD: str(lifeline.inherited)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=container.home,
                pass_fds=(lifeline.inherited,),
                start_new_session=True,
                umask=MASK,
            )
    except UndecidedError as error:
        raise JobError(
            f"InternalServerError: nothing can be put around the job's process: {error}; try again"
        ) from error
    return _attended(process, lifeline, container.limit_s, stop)


def run_warm(warm: WarmAnalyzer, python: Path, container: ProcessingContainer, stop: threading.Event) -> int:
    """Run the analyzer as the container, in a process group of its own. Raises JobError, JobStoppedError, WarmError.

    It runs nobody's code but fogbank's, so that there is no wall around it; what it may have of memory it has.
    """
    environment = _environment(container, str(container.home), None)
    with _beginning(container) as (lifeline, out):
        process = warm.run(python, environment, container.home, out, lifeline)
        if container.memory:
            process.bound(container.memory)
    return _attended(process, lifeline, container.limit_s, stop)


@contextlib.contextmanager
def _beginning(container: ProcessingContainer) -> Iterator[tuple[Lifeline, IO[bytes]]]:
    """The lifeline of a process that begins, which is cut where it does not, and its log."""
    container.log.parent.mkdir(parents=True, exist_ok=True)
    with beginning() as lifeline, container.log.open("ab") as out:
        yield lifeline, out


def _environment(container: ProcessingContainer, place: str, path: str | None) -> dict[str, str]:
    """All of the container's, which finds its folder at `place`."""
    environment = {name: value.replace(f"{ROOT}/", f"{place}/") for name, value in container.environment.items()}
    if path is not None:
        environment.setdefault("PATH", path)
    return {**bare_environment(container.home), **environment, "SAGEMAKER_BASE_DIR": place}


def _attended(process: Process, lifeline: Lifeline, limit_s: float, stop: threading.Event) -> int:
    """Its exit status; nothing of it is left."""
    try:
        return _wait(process, limit_s, stop)
    finally:
        _end(process)
        lifeline.cut()


def _wait(process: Process, limit_s: float, stop: threading.Event) -> int:
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK_S)
        if stop.is_set():
            raise JobStoppedError
        if time.monotonic() > deadline:
            raise JobTimeoutError(f"ClientError: the job ran longer than MaxRuntimeInSeconds ({limit_s:g} s)")


def _end(process: Process) -> None:
    """SIGTERM to what still runs, then SIGKILL to the whole group: nothing of the container is left."""
    with contextlib.suppress(WarmError, subprocess.TimeoutExpired):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)  # one that was stopped would not hear of it
            process.wait(GRACE_S)
    end_group(process.pid)
    with contextlib.suppress(WarmError):
        process.wait()
    reap_group(process.pid)
