"""One instance: the package's own server on a port of its own, as a process in the package's own environment or as a container.

In: an unpacked model folder, a launcher and the container's environment; out: an answering server, or StartError with the
server's own last words.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import urllib3

from fogbank.contracts.container import ENV_PARENT_FD, PING_TIMEOUT_S, STARTUP_LIMIT_S, STOP_GRACE_S
from fogbank.ground.ports import free_port
from fogbank.ground.processes import BARE_ENVIRONMENT

POLL_S = 0.02
TAIL_LINES = 12


class StartError(Exception):
    """The server did not become ready; the text says why, with the end of its log."""


class InstanceDownError(Exception):
    """The server's process is not there any more, or broke the connection."""


class InstanceTimeoutError(Exception):
    """The server did not answer within the invocation limit."""


class Launcher(Protocol):
    """Starts a server for a plan."""

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> tuple[int, subprocess.Popen[bytes]]:
        """A pipe's write end, which is closed when the server is to end, and the process to wait for and to signal."""

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
    """A running server process."""

    def __init__(self, plan: LaunchPlan) -> None:
        self.plan = plan
        self.port = free_port()
        self._pool = urllib3.HTTPConnectionPool("127.0.0.1", self.port, maxsize=32, retries=False)
        plan.log.parent.mkdir(parents=True, exist_ok=True)
        with plan.log.open("ab") as log:
            self._pipe, self._process = plan.launcher.spawn(plan, self.port, log)
        self._stopping = threading.Lock()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Return when /ping answers 200. Raises StartError."""
        deadline = time.monotonic() + self.plan.startup_limit_s
        while time.monotonic() < deadline:
            if not self.alive():
                raise StartError(
                    f"the server exited with status {self._process.returncode} before it answered /ping: {self.tail()}"
                )
            if self.ping():
                return
            time.sleep(POLL_S)
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
            if self._pipe >= 0:
                os.close(self._pipe)
                self._pipe = -1
            self._pool.close()
        return self._process.returncode

    def tail(self) -> str:
        """The last lines of the server's log."""
        try:
            lines = self.plan.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(lines[-TAIL_LINES:]) or "(it printed nothing)"


class ProcessLauncher:
    """Runs the server with a Python of the package's own environment."""

    def __init__(self, python: Path) -> None:
        self._python = python

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> tuple[int, subprocess.Popen[bytes]]:
        """The server itself."""
        read_end, write_end = os.pipe()
        env = {
            **_host_environment(),
            **plan.environment,
            "SAGEMAKER_BASE_DIR": str(plan.base_dir),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            ENV_PARENT_FD: str(read_end),
        }
        try:
            process = subprocess.Popen(
                [str(self._python), "-P", "-m", "fogbank.serve", "serve"],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=plan.base_dir,
                pass_fds=(read_end,),
            )
        finally:
            os.close(read_end)
        return write_end, process

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
