"""fogbank's own provider, started beside the engine instead of by it, which then attaches to it: on another core it gets ready while the
engine and the program start, and nobody waits for it. A plain `pulumi up` starts it as Pulumi.yaml says.

In: the engine's environment; out: the same, with the provider's port in it. The provider lives as long as anybody has the other end of its
lifeline, a pipe: this process, and the engine with what it has started. Whoever of them is killed, it ends after the last one.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fogbank.ground.folders import private_folder

COMMAND = Path(sys.executable).parent / "pulumi-resource-fogbank"
ATTACHED = "attached"
"""The provider's argument that lets it live by its lifeline, which is its standard input."""
FOLDER, LOG = ".fogbank", "provider.log"
PROVIDER = b"::pulumi:providers:fogbank::"
"""What is in the state of a stack that has something of the provider."""
VARIABLE = "PULUMI_DEBUG_PROVIDERS"


class Attached:
    """The provider of a program in `root`, for one run of the engine after another; `command` starts it."""

    def __init__(self, root: Path, command: Path = COMMAND) -> None:
        self._root, self._command = root, command
        self._process: subprocess.Popen[bytes] | None = None
        self._port: str | None = None

    @contextmanager
    def running(self, environment: Mapping[str, str], state: Path | None) -> Iterator[None]:
        """Have it start for an engine in this environment, if the `state` of the stack has something of it."""
        if not self._command.exists() or not has_provider(state):
            yield
            return
        self._port = None
        self._process = process = self._start(environment)
        try:
            yield
        finally:
            self._process = None
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            threading.Thread(target=process.wait, daemon=True).start()  # what it still does it ends by itself

    def joined(self, environment: Mapping[str, str]) -> tuple[dict[str, str], tuple[int, ...]]:
        """The environment of an engine that attaches to it, and what that engine has to inherit. As it was where it has not come up: the
        engine then starts one itself, and says why it cannot."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return dict(environment), ()
        if self._port is None:
            self._port = process.stdout.readline().strip().decode()
        if not self._port.isdecimal():
            return dict(environment), ()
        others = environment.get(VARIABLE, "")
        return {**environment, VARIABLE: f"{others},fogbank:{self._port}".lstrip(",")}, (process.stdin.fileno(),)

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with (private_folder(self._root / FOLDER) / LOG).open("wb") as log:
            return subprocess.Popen(
                [self._command, ATTACHED],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(environment),
                process_group=0,  # the terminal's Ctrl-C is for us: the engine ends what is in flight in order
            )


def has_provider(state: Path | None) -> bool:
    """Whether a stack's state has something of fogbank's own provider."""
    try:
        return state is not None and PROVIDER in state.read_bytes()
    except OSError:
        return False
