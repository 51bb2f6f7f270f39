"""Pulumi's CLI as a process that an interrupt reaches once, from us: it then ends in order, and gives its stack's lock back.

The Automation API's own leaves the CLI behind at Ctrl-C and closes its pipes: it dies of that, and the stack stays locked.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO, Any, Self

from pulumi import automation
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from fogbank.engine.attached import HEED_S, Attached
from fogbank.engine.environment import whole
from fogbank.engine.locate import Engine
from fogbank.engine.program import NAME as OWN_PYTHON
from fogbank.ground.pickles import undo_dill

undo_dill()
OnLine = Callable[[str], None]
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, and a terminal that is closed."""


PYTHON = "PULUMI_PYTHON_CMD"
"""Pulumi's variable of the Python that runs programs where no virtual environment is named to the language host."""


class InterruptibleCommand(automation.PulumiCommand):
    """An engine's CLI, in this process's environment but for the variables `without`. The engine's version is known: nobody asks for it.

    `attached` is the provider that it attaches to, where that runs.
    """

    def __init__(
        self, engine: Engine, *, without: AbstractSet[str] = frozenset(), attached: Attached | None = None
    ) -> None:
        self.command = str(engine.command)
        self.version = VersionInfo.parse(engine.version)
        self._python = python_of(engine, Path(sys.executable).parent / OWN_PYTHON)
        self._without = without
        self._attached = attached

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnLine | None = None,
        on_error: OnLine | None = None,
    ) -> automation.CommandResult:
        """Run it to its end. Raises CommandError; KeyboardInterrupt when it has ended after one."""
        with _Interrupts() as interrupts:
            process = self._start(args, cwd, additional_env, interrupts)
            interrupts.go_to(process)
            with process, _Lines(process.stdout, on_output) as stdout, _Lines(process.stderr, on_error) as stderr:
                code = _ended(process, stdout, stderr)
        result = automation.CommandResult(stdout="\n".join(stdout.lines), stderr="\n".join(stderr.lines), code=code)
        if code != 0:
            raise create_command_error(result)
        return result

    def _start(
        self, args: list[str], cwd: str, additional_env: Mapping[str, str], interrupts: _Interrupts
    ) -> subprocess.Popen[str]:
        environment = self._environment(additional_env)
        inherited: tuple[int, ...] = ()
        if self._attached:
            environment, inherited = self._attached.joined(environment, interrupts.has_one)
        return subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            pass_fds=inherited,
            encoding="utf-8",
            process_group=0,  # the terminal's Ctrl-C reaches us alone
        )

    def _environment(self, additional: Mapping[str, str]) -> dict[str, str]:
        """What lies beside the CLI comes first on its PATH."""
        environment = whole({**additional, "PULUMI_AUTOMATION_API": "true"}, self._without)
        if Path(environment.get(PYTHON, "")).name in ("", OWN_PYTHON):  # no choice of the user's
            environment |= self._python
        beside = str(Path(self.command).parent)
        return {**environment, "PATH": os.pathsep.join([beside, environment.get("PATH", os.defpath)])}


def python_of(engine: Engine, own: Path) -> dict[str, str]:
    """What the language host takes for Python: `own`, which answers sooner, where that is there and the host is the one that fogbank
    builds. Another may join the variable with the folder of a virtual environment, and find nothing there."""
    return {PYTHON: str(own)} if engine.is_built and own.exists() else {}


def _ended(process: subprocess.Popen[str], *streams: _Lines) -> int:
    """Its exit code, once its streams and it have ended.

    Python heeds a signal that comes just before it blocks when it wakes: each wait has a limit, or an interrupt could wait for the end.
    """
    for stream in streams:
        while not stream.ended_within(HEED_S):
            pass
    while True:
        try:
            return process.wait(HEED_S)
        except subprocess.TimeoutExpired:
            continue


class _Interrupts:
    """Hands each signal that ends this process on to another as SIGINT, once: the CLI stops at once at a second. At the end it is raised here.

    Only the main thread has signals; in another one, and where somebody ignores them, nothing is handed on.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._pending = False
        self._came = 0
        self._earlier: dict[int, Any] = {}

    def go_to(self, process: subprocess.Popen[str]) -> None:
        """To that process, also what came before it was there."""
        self._process = process
        if self._pending:
            process.send_signal(signal.SIGINT)

    def has_one(self) -> bool:
        """Whether one has come."""
        return self._came != 0

    def _hand_on(self, number: int, _: object) -> None:
        self._came = number
        if self._process is None:
            self._pending = True
        else:
            self._process.send_signal(signal.SIGINT)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
            self._earlier = {number: signal.signal(number, self._hand_on) for number in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        if self._came:
            signal.raise_signal(self._came)


class _Lines:
    """Reads a stream to its end in a thread of its own."""

    def __init__(self, stream: IO[str] | None, listener: OnLine | None) -> None:
        self.lines: list[str] = []
        self._stream, self._listener = stream, listener
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        for line in self._stream or ():
            self.lines.append(line.rstrip())
            if self._listener:
                self._listener(self.lines[-1])

    def ended_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
