"""What stands in Python's place for Pulumi's language host: it answers as pip and Python do, sooner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fogbank.engine.environment import account_environment
from fogbank.engine.locate import Engine
from fogbank.engine.program import EXECUTOR, LISTING, NAME, installed

OWN = Path(sys.executable).parent / NAME
ENGINE = Engine(root=Path("/engine"), version="3.250.0", why="a test's")


def answer(*arguments: str, python: Path = OWN) -> str:
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def package(folder: Path, kind: str, file: str, text: str) -> None:
    place = folder / f"{text.partition('/')[0]}.{kind}"
    place.mkdir(parents=True)
    (place / file).write_text(text.partition("/")[2])


def test_it_lists_packages_as_pip_does() -> None:
    ours, pips = (json.loads(answer(*LISTING, python=python)) for python in (OWN, Path(sys.executable)))
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


def test_a_python_that_the_user_has_chosen_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    assert account_environment(tmp_path, ENGINE, {})["PULUMI_PYTHON_CMD"] == str(OWN)

    monkeypatch.setenv(
        "PULUMI_PYTHON_CMD", str(tmp_path / "elsewhere" / NAME)
    )  # what `fogbank env` of another environment has left
    assert account_environment(tmp_path, ENGINE, {})["PULUMI_PYTHON_CMD"] == str(OWN)

    monkeypatch.setenv("PULUMI_PYTHON_CMD", "python3.12")
    assert "PULUMI_PYTHON_CMD" not in account_environment(tmp_path, ENGINE, dict(os.environ))
