"""How the command ends: every exit code that is documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fogbank.cli.app import VERBS

ENDS = """
import sys
import click
from fogbank.cli import app
from fogbank.contracts.errors import GateError

@click.command()
@click.argument("how")
@click.pass_context
def end(ctx, how):
    if how == "violations": ctx.exit(8)
    if how == "gate": raise GateError("gate-missed", "not good enough", "train")
    if how == "bug": raise KeyError("nobody")
    if how == "interrupt": raise KeyboardInterrupt
    if how == "abort": raise click.Abort
    if how == "usage": raise click.BadParameter("no such thing")
    if how == "pipe": raise BrokenPipeError
    if how == "full": raise OSError(28, "No space left on device")

app.cli.add_command(end)
app.Verbs.get_command = lambda self, ctx, name: end
app.main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ("well", 0, ""),
        ("violations", 8, ""),
        ("gate", 3, "error gate-missed: not good enough\nnext: train\n"),
        ("bug", 1, "this is a bug in fogbank: KeyError('nobody')"),
        ("interrupt", 130, "interrupted"),
        ("abort", 130, "interrupted"),
        ("usage", 2, "no such thing"),
        ("pipe", 0, ""),
        ("full", 2, "error disk-full: there is no room left"),
    ],
)
def test_each_end_has_its_exit_code(how: str, code: int, words: str) -> None:
    done = subprocess.run([sys.executable, "-c", ENDS, "end", how], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert ("Traceback" in done.stderr) == (how == "bug")


def test_help_knows_every_verb() -> None:
    done = subprocess.run([sys.executable, "-m", "fogbank", "--help"], capture_output=True, text=True, check=True)

    lines = done.stdout.partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in lines if line[2:3].strip()] == list(VERBS)
    assert not any(line.endswith("...") for line in lines), "sentences are whole"


def test_a_verb_that_is_none_and_a_folder_that_is_no_project(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "fogbank", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    code, words = run("upp")
    assert (code, "No such command 'upp'; did you mean 'up'?" in words) == (2, True)
    code, words = run("up")
    assert (code, "error project-not-found" in words) == (2, True)
