"""How often an operation starts the CLI. The executable here is a real one: a script that writes down what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.engine.environment import backend_url
from fogbank.engine.locate import Engine
from fogbank.engine.stack import StackDriver

Make = Callable[..., StackDriver]
SCRIPT = r"""#!/bin/sh
echo "$2 $3" >> "$ASKED"
case "$TAKEN $2 $3" in yes\ stack\ init) echo "error: stack 'local' already exists" >&2; exit 255;; esac
"""


@pytest.fixture
def make(tmp_path: Path) -> Make:
    cli = tmp_path / "engine" / "bin" / "pulumi"
    cli.parent.mkdir(parents=True)
    cli.write_text(SCRIPT)
    cli.chmod(0o755)
    (tmp_path / "Pulumi.yaml").write_text("name: churn\nruntime: python\n")
    environment = {"PULUMI_BACKEND_URL": backend_url(tmp_path / "state"), "ASKED": str(tmp_path / "asked")}
    engine = Engine(root=tmp_path / "engine", version="3.250.0", why="")
    return lambda **own: StackDriver(tmp_path, engine, {**environment, **own}, "local")


@pytest.fixture
def driver(make: Make) -> StackDriver:
    return make()


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


@pytest.mark.parametrize("verb", ["up", "refresh"])
def test_an_operation_on_a_stack_that_is_there_starts_the_cli_once(
    tmp_path: Path, driver: StackDriver, verb: str
) -> None:
    state = tmp_path / "state" / ".pulumi" / "stacks" / "churn" / "local.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    getattr(driver, verb)(lambda _: None)

    assert [line.split()[0] for line in asked(tmp_path)] == [verb]


def test_a_stack_of_another_project_is_not_taken_for_this_ones(tmp_path: Path, driver: StackDriver) -> None:
    state = tmp_path / "state" / ".pulumi" / "stacks" / "other" / "local.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    driver.up(lambda _: None)

    assert asked(tmp_path) == ["stack init", "up --yes"]


def test_a_stack_that_somebody_else_makes_meanwhile_is_selected(tmp_path: Path, make: Make) -> None:
    make(TAKEN="yes").up(lambda _: None)

    assert asked(tmp_path) == ["stack init", "stack select", "up --yes"]


def test_of_a_backend_that_is_no_folder_nothing_is_known(tmp_path: Path, make: Make) -> None:
    make(PULUMI_BACKEND_URL="s3://bucket").up(lambda _: None)

    assert asked(tmp_path) == ["stack select", "up --yes"]
