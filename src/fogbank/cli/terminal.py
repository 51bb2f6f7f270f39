"""The one renderer. Results go to stdout, events and errors to stderr: a spinner on a terminal, a line a step elsewhere."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

import click

from fogbank.cli.tables import table_lines
from fogbank.contracts.errors import FogbankError
from fogbank.engine.operations import Operation
from fogbank.project.workplace.events import Event, Notice, StepDone, StepFailed, StepProgress, StepStarted

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
WIDTH = 74
OPERATIONS: Mapping[str, str] = {
    "create": "creating",
    "update": "updating",
    "create-replacement": "replacing",
    "delete": "deleting",
    "delete-replaced": "deleting old",
    "read": "reading",
    "refresh": "refreshing",
}
"""The engine's operations that are worth a line. `replace` is not: it only says that one is made and one deleted."""
TEXTS = ("text/", "application/json", "application/jsonlines", "application/xml")


class Terminal:
    """Prints events, results and errors."""

    def __init__(self, *, quiet: bool = False, err: TextIO | None = None) -> None:
        self._quiet = quiet
        self._err = err or sys.stderr
        self._live = self._err.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self._colour = self._live and not os.environ.get("NO_COLOR")
        self._spinner: Spinner | None = None

    def hush(self) -> None:
        """No progress from here on."""
        self._quiet, self._live = True, False

    def show(self, event: Event) -> None:
        """An event of the project."""
        match event:
            case StepStarted(step=step):
                self._begin(step)
            case StepProgress(doing=doing):
                self._progress(doing)
            case Operation(op=op, name=name, done=False) if op in OPERATIONS:
                self._progress(f"{OPERATIONS[op]} {name}")
            case StepDone(step=step, outcome=outcome, seconds=seconds):
                self._end("✓", "green", f"{step}  {outcome}", seconds)
            case StepFailed(step=step, seconds=seconds):
                self._end("✗", "red", f"{step}  failed", seconds)
            case Notice(text=text):
                self.note(f"note: {text}")
            case _:
                pass

    def note(self, text: str) -> None:
        """A line outside of the steps."""
        if not self._quiet:
            click.echo(text, file=self._err)

    @staticmethod
    def result(text: str) -> None:
        """A result."""
        click.echo(text)

    @staticmethod
    def document(document: Any) -> None:
        """A result as JSON."""
        click.echo(json.dumps(document, indent=2, default=str))

    @property
    def shows_tables(self) -> bool:
        """Whether a person reads what is printed, and not a program."""
        return sys.stdout.isatty()

    def answer(self, body: bytes, content_type: str, *, header: bool = False) -> None:
        """A result in bytes: as they are into a pipe; for a person a table where it is one, else a text that ends its last line."""
        if not self.shows_tables:
            click.echo(body, nl=False)
            return
        lines = table_lines(body, content_type, header=header)
        is_text = content_type.startswith(TEXTS) or content_type.partition(";")[0].endswith("+json")
        click.echo("\n".join(lines) if lines else body, nl=bool(lines) or (is_text and not body.endswith(b"\n")))

    def error(self, error: FogbankError) -> None:
        """An error: its code, the cause, the next step."""
        head = click.style("error", fg="red", bold=True) if self._colour else "error"
        click.echo(f"{head} {error.code}: {error.cause}", file=self._err)
        if error.hint:
            click.echo(f"next: {error.hint}", file=self._err)

    def _begin(self, step: str) -> None:
        if self._live:
            self._spinner = Spinner(step, self._err)
            self._spinner.start()

    def _progress(self, doing: str) -> None:
        if self._spinner:
            self._spinner.doing = doing
        else:
            self.note(f"  {doing}")

    def _end(self, sign: str, colour: str, text: str, seconds: float) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None
        mark = click.style(sign, fg=colour) if self._colour else sign
        self.note(f"{mark} {text.rstrip():<{WIDTH}} {seconds:6.2f} s")


class Spinner:
    """Redraws one line until stopped."""

    def __init__(self, step: str, out: TextIO) -> None:
        self.doing = ""
        self._step, self._out = step, out
        self._started = time.perf_counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and clear the line."""
        self._stop.set()
        self._thread.join()
        self._out.write("\r\x1b[K")
        self._out.flush()

    def _run(self) -> None:
        for frame in itertools.cycle(FRAMES):
            text = f"{frame} {self._step}  {self.doing}"[:WIDTH]
            self._out.write(f"\r\x1b[K{text} {time.perf_counter() - self._started:.0f} s")
            self._out.flush()
            if self._stop.wait(0.1):
                return
