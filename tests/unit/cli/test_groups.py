"""Commands that are guessed, and `-q` behind each of them."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from fogbank.cli.groups import Group


class Told:
    """Stands for the terminal."""

    def __init__(self) -> None:
        self.hushed = 0

    def hush(self) -> None:
        self.hushed += 1


@click.group(cls=Group)
def tool() -> None:
    """A tool."""


@tool.command()
def status() -> None:
    """What runs, in one sentence that is longer than a line of a terminal of eighty columns, and is told whole."""


@tool.command()
@click.option("-q", "queue")
def send(queue: str) -> None:
    """Has a -q of its own."""


@pytest.mark.parametrize(("typed", "said"), [("statu", "did you mean 'status'?"), ("xyz", "there are send, status")])
def test_what_is_near_is_named_else_all_that_there_is(typed: str, said: str) -> None:
    done = CliRunner().invoke(tool, [typed])

    assert done.exit_code == 2
    assert f"No such command '{typed}'; {said}" in done.output


def test_quiet_is_an_option_of_every_command_but_of_one_that_has_its_own() -> None:
    told = Told()

    assert CliRunner().invoke(tool, ["status", "-q"], obj=told).exit_code == 0
    assert told.hushed == 1
    assert CliRunner().invoke(tool, ["send", "-q", "x"], obj=told).exit_code == 0
    assert told.hushed == 1


def test_sentences_are_told_whole() -> None:
    words = " ".join(CliRunner().invoke(tool, ["--help"]).output.split())

    assert "of eighty columns, and is told whole." in words
