"""What stands in Python's place for Pulumi's language host: it answers as pip and Python do, sooner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fogbank.engine.command import PYTHON, InterruptibleCommand, python_of
from fogbank.engine.environment import account_environment, stack_environment
from fogbank.engine.locate import Engine
from fogbank.engine.program import EXECUTOR, LISTING, NAME, installed

OWN = Path(sys.executable).parent / NAME
SAFE = {**os.environ, "PYTHONSAFEPATH": "1"}
"""In which Python does not put a script's folder first on its path."""


def answer(*arguments: str | Path, python: Path = OWN, environment: Mapping[str, str] = os.environ) -> str:
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def package(folder: Path, kind: str, file: str, text: str) -> None:
    place = folder / f"{text.partition('/')[0]}.{kind}"
    place.mkdir(parents=True)
    (place / file).write_text(text.partition("/")[2])


@pytest.mark.parametrize("environment", [os.environ, SAFE])
def test_it_lists_packages_as_pip_does(environment: Mapping[str, str]) -> None:
    ours, pips = (
        json.loads(answer(*LISTING, python=python, environment=environment)) for python in (OWN, Path(sys.executable))
    )
    told = [{(item["name"], item["version"], item["location"]) for item in listed} for listed in (ours, pips)]

    assert told[0] == told[1]
    assert {"pulumi", "pulumi_aws"} <= {item["name"] for item in ours}


def test_what_is_imported_first_is_listed_and_what_is_no_package_is_not(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    package(
        first, "dist-info", "METADATA", "pulumi_a-2/Metadata-Version: 2.1\nName: pulumi-a\nVersion: 2\n\nName: no\n"
    )
    package(second, "dist-info", "METADATA", "pulumi_a-1/Name: pulumi_a\nVersion: 1\n")
    package(second, "egg-info", "PKG-INFO", "b/Name: b\nVersion: 3.dev0\n")
    package(second, "dist-info", "RECORD", "half_removed-1/nothing")
    package(second, "dist-info", "METADATA", "empty-1/")
    (second / "a.py").touch()

    assert list(installed([str(first), str(tmp_path / "gone"), str(second)])) == [
        {"name": "pulumi-a", "version": "2", "location": str(first)},
        {"name": "b", "version": "3.dev0", "location": str(second)},
    ]


def test_a_folder_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """A name that no file system takes stands for one of another user, which root can read."""
    package(tmp_path, "dist-info", "METADATA", "a-1/Name: a\nVersion: 1\n")
    (tmp_path / "archive.zip").touch()
    path = [str(tmp_path / ("n" * 300)), str(tmp_path / "archive.zip"), str(tmp_path)]

    assert [item["name"] for item in installed(path)] == ["a"]


def test_a_path_that_python_keeps_safe_stays(tmp_path: Path) -> None:
    executor = tmp_path / EXECUTOR
    executor.write_text("import sys\nprint(sys.path)\n")

    ours, pythons = (answer(executor, python=python, environment=SAFE) for python in (OWN, Path(sys.executable)))
    assert ours == pythons
    assert str(tmp_path) not in ours


def test_a_program_runs_as_under_python(tmp_path: Path) -> None:
    executor = tmp_path / EXECUTOR
    executor.write_text("import sys, beside\nprint(__name__, sys.argv[1:], sys.path[0] == beside.HERE)\nsys.exit(32)\n")
    (tmp_path / "beside.py").write_text(f"HERE = {str(tmp_path)!r}\n")
    told = []
    for python in (OWN, Path(sys.executable)):
        done = subprocess.run([python, executor, "--monitor", "m"], capture_output=True, text=True, check=False)
        told.append((done.returncode, done.stdout, done.stderr))

    assert told[0] == told[1] == (32, "__main__ ['--monitor', 'm'] True\n", "")


@pytest.mark.parametrize("arguments", [["--version"], ["-c", "import sys; print(sys.prefix, sys.argv)", "x"]])
def test_anything_else_is_what_python_answers(arguments: list[str]) -> None:
    assert answer(*arguments) == answer(*arguments, python=Path(sys.executable))


@pytest.mark.parametrize(
    ("built", "chosen", "taken"),
    [
        (True, None, str(OWN)),
        (True, f"/elsewhere/{NAME}", str(OWN)),  # of a program that fogbank runs, in another environment
        (True, "python3.12", "python3.12"),
        (False, None, ""),
        (False, "python3.12", "python3.12"),
    ],
)
def test_it_is_for_the_engine_that_fogbank_builds_and_for_who_has_chosen_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: bool, chosen: str | None, taken: str
) -> None:
    monkeypatch.delenv(PYTHON, raising=False)
    if chosen:
        monkeypatch.setenv(PYTHON, chosen)
    (tmp_path / "bin").mkdir()
    cli = tmp_path / "bin" / "pulumi"
    cli.write_text(f'#!/bin/sh\necho "${PYTHON}"\n')
    cli.chmod(0o755)
    engine = Engine(root=tmp_path, version="3.250.0", why="", is_built=built)

    assert InterruptibleCommand(engine).run(["up"], str(tmp_path), {}).stdout == taken
    assert PYTHON not in account_environment(tmp_path, engine, dict(os.environ))
    assert PYTHON not in stack_environment(tmp_path, engine, "http://127.0.0.1:4566", 5000, "secret")


def test_where_it_is_not_installed_the_host_takes_what_it_finds(tmp_path: Path) -> None:
    built = Engine(root=tmp_path, version="3.250.0", why="", is_built=True)
    assert python_of(built, tmp_path / NAME) == {}
