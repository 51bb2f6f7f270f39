"""A project is found by reading tables, and its settings are checked all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.errors import ConfigError, ProjectError
from fogbank.project.workplace.config import load_config


def write(folder: Path, table: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.fogbank]\n{table}")


def test_defaults_and_absolute_paths(tmp_path: Path) -> None:
    write(tmp_path, 'name = "churn"\n')
    (tmp_path / "deep" / "er").mkdir(parents=True)

    config = load_config(tmp_path / "deep" / "er")

    assert (config.name, config.train, config.port, config.stack) == ("churn", "model.train", 4566, "local")
    assert config.handler is None
    assert config.dependencies == ("scikit-learn", "joblib")
    assert config.package == tmp_path / ".fogbank" / "package"


def test_the_handler_is_the_one_that_is_there_or_the_one_that_is_named(tmp_path: Path) -> None:
    write(tmp_path, 'name = "churn"\n')
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "inference.py").touch()
    default = load_config(tmp_path).handler
    write(tmp_path, 'name = "churn"\nhandler = "serve/mine.py"\n')

    assert default == tmp_path / "handlers" / "inference.py"
    assert load_config(tmp_path).handler == tmp_path / "serve" / "mine.py"


def test_a_comment_or_a_dependency_that_names_the_table_makes_no_project(tmp_path: Path) -> None:
    """The project is the one above."""
    write(tmp_path, 'name = "churn"\n')
    inner = tmp_path / "library"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(
        '# see tool.fogbank\n[project]\nname = "tool.fogbank"\n[tool.fogbank-extra]\n'
    )

    assert load_config(inner).root == tmp_path


@pytest.mark.parametrize("text", ["[tool.fogbank]\nname = \n", "[tool\n", "\xff"])
def test_a_file_that_cannot_be_read_is_named_and_not_stepped_over(tmp_path: Path, text: str) -> None:
    """It may be the project that is meant: the one above it is another."""
    write(tmp_path, 'name = "churn"\n')
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_bytes(text.encode("latin-1"))

    with pytest.raises(ProjectError) as caught:
        load_config(inner)

    assert caught.value.code == "pyproject-unreadable"
    assert str(inner / "pyproject.toml") in caught.value.cause


def test_no_project_is_told_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load_config(tmp_path)

    assert caught.value.code == "project-not-found"
    assert "fogbank new" in caught.value.hint


def test_a_table_that_is_none_and_a_key_that_is_no_setting(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool]\nfogbank = "churn"\n')
    with pytest.raises(ConfigError, match="not a table"):
        load_config(tmp_path)
    write(tmp_path, 'name = "churn"\nroot = "/elsewhere"\n')
    with pytest.raises(ConfigError, match="unknown key 'root'"):
        load_config(tmp_path)
