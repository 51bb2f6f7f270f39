"""fogbank's own provider, started beside the engine instead of by it, which then attaches to it: on another core it gets ready while the
engine and the program start, and nobody waits for it. A plain `pulumi up` starts it as Pulumi.yaml says.

In: the engine's environment; out: the same, with the provider's port in it. The provider lives as long as anybody has the other end of its
lifeline, a pipe: this process, and the engine with what it has started. Whoever of them is killed, it ends after the last one. One that has
not come up is ended by this process.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fogbank.ground.folders import private_folder

COMMAND = Path(sys.executable).parent / "pulumi-resource-fogbank"
ATTACHED = "attached"
"""The provider's argument that lets it live by its lifeline, which is its standard input."""
FOLDER, LOG = ".fogbank", "provider.log"
LONGEST_LOG = 1 << 20
"""Bytes; the next run begins a longer one anew. Each run adds to it: several stacks of a project may be at work."""
HEED_S = 0.5
"""Within so long a signal is heeded whenever it comes."""
PATIENCE_S = 30.0
"""Seconds until a provider that has not said its port is given up. It takes about one of processor time."""
LONGEST_LINE = 64
PROVIDER = b"::pulumi:providers:fogbank::"
"""What is in the state of a stack that has something of the provider."""
VARIABLE = "PULUMI_DEBUG_PROVIDERS"


class Attached:
    """The provider of a program in `root`, for one run of the engine after another; `command` starts it.

    It has `patience_s` seconds to come up, counted from when an engine waits for it.
    """

    def __init__(self, root: Path, command: Path = COMMAND, patience_s: float = PATIENCE_S) -> None:
        self._root, self._command, self._patience_s = root, command, patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._port: str | None = None

    @contextmanager
    def running(self, environment: Mapping[str, str], state: Path | None) -> Iterator[None]:
        """Have it start for an engine in this environment, if the `state` of the stack has something of it."""
        self._port = None
        self._process = process = self._start(environment) if has_provider(state) else None
        try:
            yield
        finally:
            self._process = None
            if process is not None:
                self._leave(process)

    def _leave(self, process: subprocess.Popen[bytes]) -> None:
        """Let go of its lifeline; one that has not come up may never look there."""
        if not self._port:
            process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        threading.Thread(target=process.wait, daemon=True).start()  # what it still does it ends by itself

    def joined(
        self, environment: Mapping[str, str], interrupted: Callable[[], bool] = lambda: False
    ) -> tuple[dict[str, str], tuple[int, ...]]:
        """The environment of an engine that attaches to it, and what that engine has to inherit. As it was where it has not come up: the
        engine then starts one itself, and says why it cannot. Nobody waits for it longer once it is `interrupted`."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return dict(environment), ()
        if self._port is None:
            self._port = _port(process.stdout.fileno(), self._patience_s, interrupted)
        if not self._port:
            return dict(environment), ()
        others = environment.get(VARIABLE, "")
        return {**environment, VARIABLE: f"{others},fogbank:{self._port}".lstrip(",")}, (process.stdin.fileno(),)

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        """None where it cannot be executed, or its log not be written."""
        log = self._root.absolute() / FOLDER / LOG
        try:
            private_folder(log.parent)
            with log.open("wb" if _size(log) > LONGEST_LOG else "ab") as stream:
                return subprocess.Popen(
                    [self._command, ATTACHED, log],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stream,
                    env=dict(environment),
                    process_group=0,  # the terminal's Ctrl-C is for us: the engine ends what is in flight in order
                )
        except OSError:
            return None


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _port(stream: int, patience_s: float, interrupted: Callable[[], bool]) -> str:
    """The number on a pipe's first line; empty where another thing stands there, or none in time."""
    said = b""
    end = time.monotonic() + patience_s
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while (
            b"\n" not in said
            and len(said) < LONGEST_LINE
            and not interrupted()
            and (left := end - time.monotonic()) > 0
        ):
            if selector.select(min(HEED_S, left)):
                piece = os.read(stream, LONGEST_LINE)
                if not piece:
                    break
                said += piece
    line, newline, _ = said.partition(b"\n")
    return line.decode() if newline and line.isdigit() else ""


def has_provider(state: Path | None) -> bool:
    """Whether a stack's state has something of fogbank's own provider."""
    try:
        return state is not None and PROVIDER in state.read_bytes()
    except OSError:
        return False
