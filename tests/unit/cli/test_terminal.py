"""The renderer: the whole of what it prints, on a pipe and on a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from fogbank.cli.terminal import Terminal
from fogbank.contracts.errors import DataError
from fogbank.engine.operations import Operation
from fogbank.project.workplace.events import Event, Notice, StepDone, StepFailed, StepProgress, StepStarted

BUCKET = "aws:s3/bucket:Bucket"
EVENTS: tuple[Event, ...] = (
    StepStarted(step="pack"),
    StepProgress(step="pack", doing="locking"),
    StepDone(step="pack", outcome="sha256 1234", seconds=0.5),
    Notice(text="few rows"),
    StepStarted(step="up local"),
    Operation(op="same", kind=BUCKET, name="logs", done=False),
    Operation(op="create", kind=BUCKET, name="data", done=False),
    Operation(op="create", kind=BUCKET, name="data", done=True),
    Operation(op="replace", kind=BUCKET, name="old", done=False),
    Operation(op="create-replacement", kind=BUCKET, name="old", done=False),
    Operation(op="delete-replaced", kind=BUCKET, name="old", done=False),
    StepFailed(step="up local", seconds=61.25),
)
PRINTED = f"""\
  locking
{"✓ pack  sha256 1234":<76}   0.50 s
note: few rows
  creating data
  replacing old
  deleting old old
{"✗ up local  failed":<76}  61.25 s
"""


class Screen(io.StringIO):
    """A terminal's end of a stream."""

    def isatty(self) -> bool:
        return True


def test_on_a_pipe_an_event_is_a_line() -> None:
    err = io.StringIO()
    terminal = Terminal(err=err)
    for event in EVENTS:
        terminal.show(event)

    assert err.getvalue() == PRINTED


def test_quiet_prints_errors_alone() -> None:
    err = io.StringIO()
    terminal = Terminal(quiet=True, err=err)
    for event in EVENTS:
        terminal.show(event)
    terminal.note("a note")
    terminal.error(DataError("no-rows", "there are none", "send some"))

    assert err.getvalue() == "error no-rows: there are none\nnext: send some\n"


def test_on_a_terminal_a_step_is_one_line_that_is_drawn_anew() -> None:
    err = Screen()
    terminal = Terminal(err=err)
    terminal.show(StepStarted(step="pack"))
    terminal.show(StepProgress(step="pack", doing="locking"))
    terminal.show(StepDone(step="pack", outcome="sha256 1234", seconds=0.5))

    *drawings, line = err.getvalue().split("\r\x1b[K")
    assert len(drawings) >= 2
    assert drawings[0] == ""
    assert line.endswith("0.50 s\n"), "nothing of the drawing is left before the line"
    assert "pack  sha256 1234" in line


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(prepare: Callable[[], None]) -> str:
        prepare()
        err = Screen()
        Terminal(err=err).show(StepDone(step="pack", outcome="", seconds=1))
        return err.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert ended(lambda: None).startswith("\x1b[32m✓\x1b[0m pack")
    assert ended(lambda: monkeypatch.setenv("NO_COLOR", "1")).startswith("✓ pack")
    monkeypatch.delenv("NO_COLOR")
    assert ended(lambda: monkeypatch.setenv("TERM", "dumb")).startswith("✓ pack")
