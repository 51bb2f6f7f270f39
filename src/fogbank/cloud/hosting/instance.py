"""One instance: the package's own server on a port of its own, as a process in the package's own environment or as a container.

In: an unpacked model folder, a launcher and the container's environment; out: an answering server, or StartError with the
server's own last words.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol, Self

import urllib3

from fogbank.cloud.hosting.lines import INVOCATIONS, InstanceDownError, InstanceTimeoutError, Lines, Replied, Sink
from fogbank.cloud.hosting.private_socket import NAME, PrivateSocket
from fogbank.contracts.container import (
    ENV_PARENT_FD,
    ENV_UNIX_SOCKET,
    ENV_USER,
    PING_TIMEOUT_S,
    STARTUP_LIMIT_S,
    STOP_GRACE_S,
)
from fogbank.ground.ports import free_port
from fogbank.ground.processes import (
    MASK,
    Lifeline,
    bare_environment,
    beginning,
    end_group,
    memory,
    reap_group,
    stopped,
)
from fogbank.ground.walls import Behind, Wall, decided

POLL_S = 0.02
END_S = 5.0
"""How long the process in front of a server that has ended may take to end with its status."""
TAIL_LINES, CONNECTIONS = 12, 32
PIECE = 1 << 20
"""Bytes of an answer that comes in parts."""
MODELS = "models"
"""The folder below /opt/ml of a multi-model container's models."""


class StartError(Exception):
    """The server did not become ready; the text says why, with the end of its log."""


class FleetGoneError(Exception):
    """The fleet was closed: another one, or none, has the endpoint's traffic now."""


@dataclass(frozen=True, kw_only=True)
class Spawned:
    """A server that was started: the process to wait for and to signal, and what ends it when this process ends. `behind` is the server where that
    process stands before it."""

    process: subprocess.Popen[bytes]
    lifeline: Lifeline
    behind: Behind | None = None


def spawn(
    command: Sequence[str], lifeline: Lifeline, log: IO[bytes], inherited: Sequence[int] = (), **options: Any
) -> Spawned:
    """Start a command that holds the other end of the lifeline, and what is `inherited`, and writes to the log. Raises OSError."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(lifeline.inherited, *inherited),
        umask=MASK,
        **options,
    )
    return Spawned(process=process, lifeline=lifeline)


@dataclass(frozen=True)
class StreamedReply:
    """An answer whose body comes in parts, which raise InstanceDownError and InstanceTimeoutError."""

    status: int
    parts: Iterator[bytes]


class Launcher(Protocol):
    """Starts a server for a plan."""

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> Spawned:
        """Start it. Raises OSError."""

    def private(self, plan: LaunchPlan) -> bool:
        """Whether it has a network of its own, so that nobody reaches its port. Raises OSError."""

    def clean(self) -> None:
        """Remove what a process that was killed may have left."""


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """What an instance is started from. `base_dir` stands for /opt/ml; `log` is where stdout and stderr go; `memory` is how many bytes
    it may have, 0 for as many as there are; without `network` it has loopback of its own, where this kernel lets it."""

    launcher: Launcher
    base_dir: Path
    environment: Mapping[str, str]
    log: Path
    startup_limit_s: float = STARTUP_LIMIT_S
    memory: int = 0
    network: bool = True


class Instance:
    """A running server process; `ended` is called when it has been stopped. Raises OSError where it cannot be started."""

    def __init__(self, plan: LaunchPlan, ended: Callable[[], None] = lambda: None) -> None:
        self.plan, self._ended = plan, ended
        self.port = free_port()
        self._private = PrivateSocket(plan.base_dir) if plan.launcher.private(plan) else None
        self._pool = (
            self._private.pool(CONNECTIONS)
            if self._private
            else urllib3.HTTPConnectionPool("127.0.0.1", self.port, maxsize=CONNECTIONS, retries=False)
        )
        self._lines = Lines(self.port, self._private.path if self._private else "")
        try:
            plan.log.parent.mkdir(parents=True, exist_ok=True)
            with plan.log.open("ab") as log:
                spawned = plan.launcher.spawn(plan, self.port, log)
        except BaseException:
            if self._private:
                self._private.close()
            raise
        self._process, self._lifeline, self._behind = spawned.process, spawned.lifeline, spawned.behind
        self._stopping, self._told = threading.Lock(), False

    @property
    def id(self) -> str:
        """What this instance is known by, in events and as the name of its log."""
        return self.plan.log.stem

    @property
    def instances(self) -> Sequence[Self]:
        """Itself: it is all of its machine."""
        return (self,)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """Where its stdout and stderr go."""
        return self.plan.log

    @property
    def home(self) -> Path:
        """The folder that stands for /opt/ml."""
        return self.plan.base_dir

    def alive(self) -> bool:
        """Whether the process runs, and what it stands before."""
        return self._process.poll() is None and (self._behind is None or self._behind.runs())

    def wait_ready(self, stop: threading.Event | None = None) -> None:
        """Return when /ping answers 200. Raises StartError, also where `stop` is set in the meantime."""
        stop = stop or threading.Event()
        deadline = time.monotonic() + self.plan.startup_limit_s
        while time.monotonic() < deadline:
            if stop.is_set():
                raise StartError("it was stopped while it started")
            if not self.alive():
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(END_S)
                ended = self._process.returncode
                how = "ended" if ended is None else f"exited with status {ended}"
                raise StartError(f"the server {how} before it answered /ping: {self.tail()}")
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

    def responds(self) -> bool:
        """Whether /ping gets any answer within the limit: one that says that it is not ready is not frozen."""
        try:
            self._pool.request("GET", "/ping", timeout=PING_TIMEOUT_S)
        except urllib3.exceptions.HTTPError:
            return False
        return True

    def overfull(self) -> bool:
        """Whether its processes together hold more memory than it may have: each may have as much (`Wall`)."""
        return bool(self.plan.memory) and memory(self.pid) > self.plan.memory

    def stopped(self) -> bool:
        """Whether a process of it was stopped."""
        return stopped(self.pid)

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        end_group(self.pid)
        self.plan.launcher.clean()

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> urllib3.BaseHTTPResponse:
        """POST /invocations. Raises InstanceDownError, InstanceTimeoutError."""
        with _told(timeout_s):
            return self._pool.request(
                "POST",
                INVOCATIONS,
                body=body,
                headers=dict(headers),
                timeout=urllib3.Timeout(connect=2, read=timeout_s),
                preload_content=True,
            )

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> StreamedReply:
        """POST /invocations in chunks, as they come; so comes the answer. Raises InstanceDownError, InstanceTimeoutError."""
        timeout = urllib3.Timeout(connect=2, read=timeout_s)
        with _told(timeout_s):
            reply = self._pool.urlopen(
                "POST", INVOCATIONS, body=parts, headers=dict(headers), timeout=timeout, preload_content=False,
                chunked=True, retries=False,
            )  # fmt: skip

        def pieces() -> Iterator[bytes]:
            with _told(timeout_s):
                yield from reply.stream(PIECE)
            reply.release_conn()

        return StreamedReply(reply.status, pieces())

    def ask(
        self,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
        done: Replied,
        sink: Sink | None = None,
        path: str = INVOCATIONS,
    ) -> None:
        """POST, on the event loop: `done` gets the reply there, or why there is none; a `sink` gets one that comes in pieces."""
        self._lines.ask(body, headers, timeout_s, done, sink, path)

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """GET a path. Raises InstanceDownError."""
        try:
            return self._pool.request("GET", path, timeout=PING_TIMEOUT_S)
        except urllib3.exceptions.HTTPError as error:
            raise InstanceDownError(f"{error}") from error

    def leave(self) -> None:
        """SIGTERM, once, and no waiting: `stop` is to follow."""
        if self.alive() and not self._told:
            self._told = True
            self._process.send_signal(signal.SIGTERM)
            self._process.send_signal(signal.SIGCONT)  # one that was stopped would not hear of it

    def call(self, method: str, path: str, body: bytes, timeout_s: float) -> urllib3.BaseHTTPResponse:
        """A request in JSON. Raises InstanceDownError, InstanceTimeoutError."""
        with _told(timeout_s):
            return self._pool.request(
                method, path, body=body, headers={"content-type": "application/json"}, timeout=timeout_s
            )

    def stop(self, grace_s: float = STOP_GRACE_S) -> int:
        """SIGTERM, then SIGKILL when the grace time is over, and to all that is left of its group; returns the exit status."""
        with self._stopping:
            if self.alive():
                self.leave()
                try:
                    self._process.wait(grace_s)
                except subprocess.TimeoutExpired:
                    self.kill()
                    self._process.wait()
            end_group(self.pid)
            reap_group(self.pid)
            self._lifeline.cut()
            self._ended()
            self._pool.close()
            self._lines.close()
            if self._private:
                self._private.close()
        return self._process.returncode

    def tail(self) -> str:
        """The last lines of the server's log."""
        try:
            lines = self.plan.log.read_text(errors="replace").rstrip("\n").split("\n")
        except OSError:
            return "(no log)"
        return "\n".join(lines[-TAIL_LINES:]) or "(it printed nothing)"


SERVER = ("fogbank.serve", "serve")


@contextmanager
def _told(timeout_s: float) -> Iterator[None]:
    """What urllib3 raises, as InstanceTimeoutError and InstanceDownError."""
    try:
        yield
    except urllib3.exceptions.ReadTimeoutError as error:
        raise InstanceTimeoutError(f"no answer within {timeout_s:g} s") from error
    except urllib3.exceptions.HTTPError as error:
        raise InstanceDownError(f"{error}") from error


class ProcessLauncher:
    """Runs the server with a Python of the package's own environment, behind a wall: of the user's it sees its own folder and `seen`,
    and nothing of the cloud's `state`."""

    def __init__(self, python: Path, seen: Sequence[Path] = (), state: Path | None = None) -> None:
        self._python, self._seen, self._state = python, seen, state

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> Spawned:
        """The server itself."""
        more = {
            "SAGEMAKER_BIND_TO_PORT": str(port),
            **({ENV_USER: str(os.geteuid())} if sys.platform == "linux" else {}),
            **({ENV_UNIX_SOCKET: NAME} if self.private(plan) else {}),
        }
        return self.run(SERVER, plan, more, log)

    def run(
        self,
        module: Sequence[str],
        plan: LaunchPlan,
        more: Mapping[str, str],
        log: IO[bytes],
        inherited: Sequence[int] = (),
    ) -> Spawned:
        """A module of fogbank's with its arguments, in the container's environment and `more`. Raises OSError."""
        with beginning() as lifeline:
            env = {
                **bare_environment(plan.base_dir / "home"),
                **ON_A_LAPTOP,
                **plan.environment,
                "SAGEMAKER_BASE_DIR": str(plan.base_dir),
                ENV_PARENT_FD: str(lifeline.inherited),
                **more,
            }
            # the cloud brings more of them while the container runs: through no link of the container's
            models = plan.base_dir / MODELS
            wall = Wall(
                own=(plan.base_dir,),
                seen=(*self._seen, *((models,) if models.is_dir() else ())),
                state=self._state,
                memory=plan.memory,
                network=not self.private(plan),
            )
            command = wall.around([str(self._python), "-P", "-m", *module], lifeline.inherited, [self._python])
            spawned = spawn(command, lifeline, log, inherited, env=env, cwd=plan.base_dir, start_new_session=True)
            return replace(spawned, behind=Behind(spawned.process.pid))

    def private(self, plan: LaunchPlan) -> bool:
        """Where it is to have no network, and namespaces can be had. Raises OSError where nobody can say whether they can."""
        return not plan.network and not decided()

    def clean(self) -> None:
        """Nothing: the workers see that their parent is gone."""


ON_A_LAPTOP = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", "FOGBANK_LOG_FORMAT": "text"}
"""One worker, and logs that a person reads: this is not an instance with a fleet's traffic. A model's own environment comes
after this, and may say otherwise."""
