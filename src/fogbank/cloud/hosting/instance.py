"""One instance: the package's own server on a port of its own, as a process in the package's own environment or as a container.

In: an unpacked model folder, a launcher and the container's environment; out: an answering server, or StartError with the
server's own last words.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import urllib3

from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError, Lines, Replied
from fogbank.contracts.container import ENV_PARENT_FD, PING_TIMEOUT_S, STARTUP_LIMIT_S, STOP_GRACE_S
from fogbank.ground.ports import free_port
from fogbank.ground.processes import BARE_ENVIRONMENT, Lifeline

POLL_S = 0.02
TAIL_LINES = 12


class StartError(Exception):
    """The server did not become ready; the text says why, with the end of its log."""


class FleetGoneError(Exception):
    """The fleet was closed: another one, or none, has the endpoint's traffic now."""


@dataclass(frozen=True, kw_only=True)
class Spawned:
    """A server that was started: the process to wait for and to signal, and what ends it when this process ends."""

    process: subprocess.Popen[bytes]
    lifeline: Lifeline


def spawn(command: Sequence[str], lifeline: Lifeline, log: IO[bytes], **options: Any) -> Spawned:
    """Start a command that holds the other end of the lifeline and writes to the log. Raises OSError."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lifeline.inherited,), **options
        )
    except OSError:
        lifeline.cut()
        raise
    finally:
        lifeline.handed_over()
    return Spawned(process=process, lifeline=lifeline)


class Launcher(Protocol):
    """Starts a server for a plan."""

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> Spawned:
        """Start it. Raises OSError."""

    def clean(self) -> None:
        """Remove what a process that was killed may have left."""


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """What an instance is started from. `base_dir` stands for /opt/ml; `log` is where stdout and stderr go."""

    launcher: Launcher
    base_dir: Path
    environment: Mapping[str, str]
    log: Path
    startup_limit_s: float = STARTUP_LIMIT_S


class Instance:
    """A running server process. Raises OSError where it cannot be started."""

    def __init__(self, plan: LaunchPlan) -> None:
        self.plan = plan
        self.port = free_port()
        self._pool = urllib3.HTTPConnectionPool("127.0.0.1", self.port, maxsize=32, retries=False)
        self._lines = Lines(self.port)
        plan.log.parent.mkdir(parents=True, exist_ok=True)
        with plan.log.open("ab") as log:
            spawned = plan.launcher.spawn(plan, self.port, log)
        self._process, self._lifeline = spawned.process, spawned.lifeline
        self._stopping = threading.Lock()

    @property
    def id(self) -> str:
        """What this instance is known by, in events and as the name of its log."""
        return self.plan.log.stem

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_ready(self, stop: threading.Event | None = None) -> None:
        """Return when /ping answers 200. Raises StartError, also where `stop` is set in the meantime."""
        stop = stop or threading.Event()
        deadline = time.monotonic() + self.plan.startup_limit_s
        while time.monotonic() < deadline:
            if stop.is_set():
                raise StartError("it was stopped while it started")
            if not self.alive():
                raise StartError(
                    f"the server exited with status {self._process.returncode} before it answered /ping: {self.tail()}"
                )
            if self.ping():
                return
            stop.wait(POLL_S)
        raise StartError(
            f"the server did not pass the ping health check in {self.plan.startup_limit_s:g} s: {self.tail()}"
        )

    def ping(self) -> bool:
        """Whether /ping answers 200 within the limit."""
        try:
            return bool(self._pool.request("GET", "/ping", timeout=PING_TIMEOUT_S).status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> urllib3.BaseHTTPResponse:
        """POST /invocations. Raises InstanceDownError, InstanceTimeoutError."""
        try:
            return self._pool.request(
                "POST",
                "/invocations",
                body=body,
                headers=dict(headers),
                timeout=urllib3.Timeout(connect=2, read=timeout_s),
                preload_content=True,
            )
        except urllib3.exceptions.ReadTimeoutError as error:
            raise InstanceTimeoutError(f"no answer within {timeout_s:g} s") from error
        except urllib3.exceptions.HTTPError as error:
            raise InstanceDownError(f"{error}") from error

    def ask(self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied) -> None:
        """POST /invocations, on the event loop: `done` gets the reply there, or why there is none."""
        self._lines.ask(body, headers, timeout_s, done)

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """GET a path. Raises InstanceDownError."""
        try:
            return self._pool.request("GET", path, timeout=PING_TIMEOUT_S)
        except urllib3.exceptions.HTTPError as error:
            raise InstanceDownError(f"{error}") from error

    def stop(self, grace_s: float = STOP_GRACE_S) -> int:
        """SIGTERM, then SIGKILL when the grace time is over; returns the exit status."""
        with self._stopping:
            if self.alive():
                self._process.send_signal(signal.SIGTERM)
                try:
                    self._process.wait(grace_s)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                    self.plan.launcher.clean()
            self._lifeline.cut()
            self._pool.close()
            self._lines.close()
        return self._process.returncode

    def tail(self) -> str:
        """The last lines of the server's log."""
        try:
            lines = self.plan.log.read_text(errors="replace").rstrip("\n").split("\n")
        except OSError:
            return "(no log)"
        return "\n".join(lines[-TAIL_LINES:]) or "(it printed nothing)"


class ProcessLauncher:
    """Runs the server with a Python of the package's own environment."""

    def __init__(self, python: Path) -> None:
        self._python = python

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> Spawned:
        """The server itself."""
        lifeline = Lifeline()
        env = {
            **_host_environment(),
            **plan.environment,
            "SAGEMAKER_BASE_DIR": str(plan.base_dir),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            ENV_PARENT_FD: str(lifeline.inherited),
        }
        command = [str(self._python), "-P", "-m", "fogbank.serve", "serve"]
        return spawn(command, lifeline, log, env=env, cwd=plan.base_dir)

    def clean(self) -> None:
        """Nothing: the workers see that their parent is gone."""


ON_A_LAPTOP = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", "FOGBANK_LOG_FORMAT": "text"}
"""One worker, and logs that a person reads: this is not an instance with a fleet's traffic. A model's own environment comes
after this, and may say otherwise."""


def _host_environment() -> dict[str, str]:
    """What a container would have of its own: a PATH, a locale and a home; nothing else of the host's, no credentials."""
    return {
        **BARE_ENVIRONMENT,
        **ON_A_LAPTOP,
    }
