"""A change of several files is made whole: wherever its process was killed, the next one finishes it, or never knows of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.unfinished import begin, finished
from tests.fakes.dying import Mortals

OLD = {"old.txt": "old", "both.txt": "old", "inner/both.txt": "old", "inner/deep/old.txt": "old", "mine.txt": "mine"}
NEW = {"both.txt": "new", "inner/both.txt": "new", "inner/new.txt": "new"}
GONE = ["model/both.txt", "model/inner", "model/old.txt"]
"""Of a folder all that was there goes, also what the new one has."""
AFTER = {f"model/{name}": text for name, text in {**NEW, "mine.txt": "mine"}.items()}
TABLE = '[tool.fogbank]\nname = "p"\nmodel = "model"\ndependencies = ["a"]   # mine\n'


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> ProjectConfig:
    return made(tmp_path / "p")


def made(root: Path) -> ProjectConfig:
    write(root / "model", OLD)
    (root / "pyproject.toml").write_text(TABLE)
    (root / ".fogbank").mkdir()
    return load_config(root)


def begun(config: ProjectConfig) -> None:
    files = config.state / "work" / "files-to-be"
    write(files / "model", NEW)
    (files / "pyproject.toml").write_text(TABLE.replace('["a"]', '["a", "b"]'))
    begin(config, files, GONE)


def contents(config: ProjectConfig) -> dict[str, str]:
    return {str(path.relative_to(config.root)): path.read_text() for path in config.root.rglob("*.txt")}


def test_it_is_finished_from_wherever_it_was_killed_also_where_what_goes_has_the_names_of_what_comes(
    tmp_path: Path,
) -> None:
    with Mortals("fogbank.project.workplace.unfinished") as mortals:
        for at in itertools.count(1):
            config = made(tmp_path / f"{at}")
            begun(config)
            if mortals.survives(finished, config, below=config.root, at=at):
                break
            assert finished(config).dependencies == ("a", "b")
            assert contents(config) == AFTER
            assert load_config(config.root).dependencies == ("a", "b")
            assert finished(config) is config
            assert not (config.state / "change").exists()
    assert contents(config) == AFTER
    assert at > len(GONE) + len(NEW)


def test_one_that_is_killed_while_it_is_begun_is_none_or_all_of_it(tmp_path: Path) -> None:
    with Mortals("fogbank.project.workplace.unfinished") as mortals:
        for at in itertools.count(1):
            config = made(tmp_path / f"{at}")
            files = config.state / "work" / "files-to-be"
            write(files / "model", NEW)
            done = mortals.survives(begin, config, files, GONE, below=config.root, at=at)
            finished(config)
            if done:
                break
            assert {name for name in contents(config) if name.startswith("model/")} == {f"model/{name}" for name in OLD}
    assert contents(config) == AFTER


@pytest.mark.parametrize(
    ("blocking", "cause"),
    [
        ("model/data", "leads through the link"),
        ("model/data/x.txt/y", "model/data/x.txt is a folder in the project"),
        ("model/data", "model/data is a file in the project"),
    ],
)
def test_what_cannot_lie_where_it_is_to_be_is_said_before_anything_is_begun(
    project: ProjectConfig, tmp_path: Path, blocking: str, cause: str
) -> None:
    place = project.root / blocking
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(tmp_path) if "link" in cause else place.write_text("theirs")
    files = project.state / "work" / "files"
    write(files / "model" / "data", {"x.txt": "new"})

    with pytest.raises(ProjectError, match=cause) as caught:
        begin(project, files, ["model/old.txt"])

    assert caught.value.code == "change-blocked"
    assert finished(project) is project
    assert (project.root / "model" / "old.txt").read_text() == "old"
    begin(project, files, ["model/data"])
    finished(project)
    assert (project.root / "model" / "data" / "x.txt").read_text() == "new"


def test_one_that_was_made_and_not_yet_cleared_away_is_not_made_again(project: ProjectConfig) -> None:
    begun(project)
    (project.state / "change" / "order.json").unlink()

    assert finished(project) is project
    assert contents(project)["model/both.txt"] == "old"
    assert not (project.state / "change").exists()


@pytest.mark.parametrize("order", ["", "[]", '{"gone": ["../x"]}'])
def test_an_order_that_is_none_is_refused_or_reaches_nothing_outside(project: ProjectConfig, order: str) -> None:
    begun(project)
    (project.state / "change" / "order.json").write_text(order)
    (project.root.parent / "x").write_text("theirs")

    with pytest.raises(ProjectError):
        finished(project)
    assert (project.root.parent / "x").read_text() == "theirs"


def test_what_somebody_edited_before_it_was_finished_is_kept_beside(project: ProjectConfig) -> None:
    begun(project)
    (project.root / "pyproject.toml").write_text(TABLE + "# my own\n")

    assert finished(project).dependencies == ("a", "b")
    assert (project.root / "pyproject.toml.edited").read_text().endswith("# my own\n")
    assert sorted(path.name for path in project.root.glob("*.edited")) == ["pyproject.toml.edited"]
