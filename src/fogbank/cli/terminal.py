"""The one renderer. Results go to stdout, progress to stderr: a spinner on a terminal, a line a step elsewhere."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click

from fogbank.contracts.errors import FogbankError

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
WIDTH = 74


class Terminal:
    """Prints steps, results and errors."""

    def __init__(self, *, quiet: bool = False, err: TextIO | None = None) -> None:
        self._quiet = quiet
        self._err = err or sys.stderr
        self._live = self._err.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self._colour = self._live and not os.environ.get("NO_COLOR")

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step with its name, what is going on, its outcome and its time."""
        step = Step(self, name)
        spinner = Spinner(step, self._err) if self._live else None
        if spinner:
            spinner.start()
        try:
            yield step
        except BaseException:
            if spinner:
                spinner.stop()
            self._line("✗", "red", step, "failed")
            raise
        if spinner:
            spinner.stop()
        self._line("✓", "green", step, step.outcome)

    def note(self, text: str) -> None:
        """A line of progress outside a step."""
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

    def error(self, error: FogbankError) -> None:
        """An error: its code, the cause, the next step."""
        head = click.style("error", fg="red", bold=True) if self._colour else "error"
        click.echo(f"{head} {error.code}: {error.cause}", file=self._err)
        if error.hint:
            click.echo(f"next: {error.hint}", file=self._err)

    def _line(self, sign: str, colour: str, step: Step, outcome: str) -> None:
        if self._quiet:
            return
        mark = click.style(sign, fg=colour) if self._colour else sign
        told = f"{step.name}  {outcome}".rstrip()
        click.echo(f"{mark} {told:<{WIDTH}} {step.seconds():6.2f} s", file=self._err)


class Step:
    """What is known of a step while it runs."""

    def __init__(self, terminal: Terminal, name: str) -> None:
        self._terminal, self.name = terminal, name
        self.doing = self.outcome = ""
        self._started = time.perf_counter()

    def tell(self, doing: str) -> None:
        """What it is doing now."""
        self.doing = doing
        if not self._terminal._live:
            self._terminal.note(f"  {doing}")

    def done(self, outcome: str) -> None:
        """What came of it."""
        self.outcome = outcome

    def seconds(self) -> float:
        """How long it has been running."""
        return time.perf_counter() - self._started


class Spinner:
    """Redraws one line until stopped."""

    def __init__(self, step: Step, out: TextIO) -> None:
        self._step, self._out = step, out
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
            text = f"{frame} {self._step.name}  {self._step.doing}"[:WIDTH]
            self._out.write(f"\r\x1b[K{text} {self._step.seconds():.0f} s")
            self._out.flush()
            if self._stop.wait(0.1):
                return
