"""One execution environment of a function: a process that answers one event at a time, within its time and its memory.

In: events as JSON; out: what the handler returned or raised, in Lambda's words, and the lines that it printed meanwhile. It ends with the
cloud, however that ends, and so does whatever the handler has started.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.ground.processes import MASK, Lifeline, end_group, reap_group
from fogbank.ground.walls import Wall, held

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
LOOK_S = 0.05
INIT_LIMIT_S = 10.0
"""Lambda gives so long to a handler's module; it is not part of the function's time."""
MOST_PRINTED = 64 << 20
"""Bytes in one invocation: a function that prints for ever does not fill the disk."""
LENGTH = 8


@dataclass(frozen=True, kw_only=True)
class SandboxPlan:
    """What a process is started from. `home` is its own; `environment` is all that it is given. It sees `task` and `seen`, and nothing
    of the cloud's `state`."""

    python: Path
    task: Path
    home: Path
    environment: Mapping[str, str]
    memory_mb: int
    seen: Sequence[Path] = ()
    state: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What came of an event: `payload` is the handler's answer or the error, as JSON text. A sandbox that is `over` answers no more."""

    payload: str
    failed: bool
    over: bool
    printed: str
    used_mb: int
    took_s: float


class Sandbox:
    """A process of a function. One thread at a time. Raises OSError where it cannot be started."""

    def __init__(self, plan: SandboxPlan, ended: Callable[[], None]) -> None:
        self.plan, self._ended = plan, ended
        plan.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._out = (plan.home / "printed.log").open("ab+")
        self._lifeline = Lifeline()
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        handed = (theirs_in, theirs_out, self._lifeline.inherited)
        arguments = [str(number) for number in (*handed, plan.memory_mb)]
        wall = Wall(own=(plan.home,), seen=(plan.task, BOOTSTRAP, *plan.seen), state=plan.state)
        try:
            self._process = subprocess.Popen(
                wall.around(
                    [str(plan.python), "-P", str(BOOTSTRAP), *arguments], self._lifeline.inherited, [plan.python]
                ),
                env=dict(plan.environment),
                stdin=subprocess.DEVNULL,
                stdout=self._out,
                stderr=self._out,
                cwd=plan.task,
                pass_fds=handed,
                start_new_session=True,
                umask=MASK,
            )
        except BaseException:
            self._lifeline.cut()
            self._close()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
            self._lifeline.handed_over()
        self.began = time.time()
        self.init: Answered | None = None
        self.id = plan.home.name

    def start(self) -> Answered:
        """Wait until the handler is loaded; `failed` where it cannot be."""
        self.init = self._wait("", INIT_LIMIT_S)
        return self.init

    def invoke(self, event: Mapping[str, Any], limit_s: float) -> Answered:
        """Let it answer one event."""
        body = json.dumps(event).encode()
        with contextlib.suppress(OSError):  # it has ended since; whatever it said is read all the same
            self._send(len(body).to_bytes(LENGTH) + body)
        return self._wait(str(event["id"]), limit_s)

    def stop(self) -> None:
        """End it, and all that it has started."""
        end_group(self._process.pid)
        self._process.wait()
        reap_group(self._process.pid)
        self._lifeline.cut()
        self._close()
        self._ended()

    def _wait(self, request_id: str, limit_s: float) -> Answered:
        began, used, data = time.monotonic(), 0, b""
        poll = select.poll()
        poll.register(self._from, select.POLLIN | select.POLLHUP)
        while True:
            left = began + limit_s - time.monotonic()
            said = poll.poll(max(0.0, min(left, LOOK_S)) * 1000)
            part = os.read(self._from, 1 << 20) if said else b""
            data += part
            used = max(used, held(self._process.pid) >> 20) if not _is_whole(data) else used
            took = time.monotonic() - began
            if _is_whole(data):
                return self._said(json.loads(data[LENGTH:]), used or held(self._process.pid) >> 20, took)
            if said and not part:
                return self._over(request_id, *self._exit(), used, took)
            if used > self.plan.memory_mb:
                self._kill()
                return self._over(
                    request_id, "Runtime.ExitError", "Runtime exited with error: signal: killed", used, took
                )
            if os.fstat(self._out.fileno()).st_size > MOST_PRINTED:
                self._kill()
                return self._over(
                    request_id, "Runtime.ExitError", f"it printed more than {MOST_PRINTED} bytes", used, took
                )
            if took >= limit_s:
                self._kill()
                kind = "Sandbox.Timedout" if request_id else "Runtime.InitTimeout"
                return self._over(request_id, kind, f"Task timed out after {limit_s:.2f} seconds", used, took)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._to, view) :]

    def _exit(self) -> tuple[str, str]:
        """Why a process that says nothing more has ended."""
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:  # it has closed what it was to answer on
            self._kill()
            status = self._process.returncode
        if status < 0:
            return "Runtime.ExitError", f"Runtime exited with error: signal: {signal.Signals(-status).name}"
        if status > 0:
            return "Runtime.ExitError", f"Runtime exited with error: exit status {status}"
        return "Runtime.ExitError", "Runtime exited without providing a reason"

    def _said(self, document: Mapping[str, Any], used: int, took: float) -> Answered:
        error = document.get("error")
        payload = json.dumps(error) if error else document.get("payload", "null")
        over = error is not None and self.init is None
        return Answered(
            payload=payload, failed=bool(error), over=over, printed=self._printed(), used_mb=used, took_s=took
        )

    def _over(self, request_id: str, kind: str, why: str, used: int, took: float) -> Answered:
        message = f"RequestId: {request_id} Error: {why}"
        payload = json.dumps({"errorType": kind, "errorMessage": message})
        printed = self._printed() + f"{message}\n{kind}\n"
        return Answered(payload=payload, failed=True, over=True, printed=printed, used_mb=used, took_s=took)

    def _printed(self) -> str:
        """What was printed since the last event; it is taken out of the file."""
        self._out.seek(0)
        text = self._out.read(MOST_PRINTED).decode(errors="replace")
        self._out.truncate(0)
        return text

    def _kill(self) -> None:
        end_group(self._process.pid)
        self._process.wait()

    def _close(self) -> None:
        for descriptor in (self._to, self._from):
            os.close(descriptor)
        self._out.close()


def _is_whole(data: bytes) -> bool:
    return len(data) >= LENGTH and len(data) - LENGTH >= int.from_bytes(data[:LENGTH])
