"""A change of several files is made whole: wherever its process was killed, the next one finishes it, or never knows of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.project.config import load_config
from fogbank.project.unfinished import begin, finished


@pytest.fixture
def project(tmp_path: Path) -> ProjectConfig:
    root = tmp_path / "p"
    (root / "model").mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.fogbank]\nname = "p"\nmodel = "model"\ndependencies = ["a"]   # mine\n')
    (root / "model" / "old.txt").write_text("old")
    (root / "model" / "both.txt").write_text("old")
    (root / ".fogbank").mkdir()
    return load_config(root)


def begun(config: ProjectConfig) -> None:
    files = config.state / "work" / "files-to-be"
    (files / "model" / "inner").mkdir(parents=True)
    (files / "model" / "both.txt").write_text("new")
    (files / "model" / "inner" / "new.txt").write_text("new")
    begin(config, files, ["model/old.txt"], ["a", "b"])


def contents(config: ProjectConfig) -> dict[str, str]:
    return {str(path.relative_to(config.root)): path.read_text() for path in config.root.rglob("*.txt")}


@pytest.mark.parametrize("steps", range(4))
def test_it_is_finished_from_wherever_it_was_left(project: ProjectConfig, steps: int) -> None:
    begun(project)
    change = project.state / "change"
    if steps > 0:
        (project.root / "model" / "old.txt").unlink()
    if steps > 1:
        (change / "files" / "model" / "both.txt").replace(project.root / "model" / "both.txt")
    if steps > 2:
        (project.root / "model" / "inner").mkdir()

    assert finished(project).dependencies == ("a", "b")

    assert contents(project) == {"model/both.txt": "new", "model/inner/new.txt": "new"}
    assert load_config(project.root).dependencies == ("a", "b")
    assert "# mine" in (project.root / "pyproject.toml").read_text()
    assert finished(project) is project
    assert not change.exists()


def test_one_that_was_made_and_not_yet_cleared_away_is_not_made_again(project: ProjectConfig) -> None:
    begun(project)
    (project.state / "change" / "order.json").unlink()

    assert finished(project) is project
    assert contents(project)["model/both.txt"] == "old"
    assert not (project.state / "change").exists()


@pytest.mark.parametrize("order", ["", "[]", '{"gone": ["../x"], "dependencies": []}'])
def test_an_order_that_is_none_is_refused_or_reaches_nothing_outside(project: ProjectConfig, order: str) -> None:
    begun(project)
    (project.state / "change" / "order.json").write_text(order)
    (project.root.parent / "x").write_text("theirs")

    with pytest.raises((ProjectError, ValueError)):
        finished(project)
    assert (project.root.parent / "x").read_text() == "theirs"


def test_without_dependencies_pyproject_stays(project: ProjectConfig) -> None:
    files = project.state / "work" / "files"
    files.mkdir(parents=True)
    before = (project.root / "pyproject.toml").read_bytes()
    begin(project, files, [], [])
    assert json.loads((project.state / "change" / "order.json").read_text()) == {"gone": [], "dependencies": []}
    assert finished(project) is project
    assert (project.root / "pyproject.toml").read_bytes() == before
