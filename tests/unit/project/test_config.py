from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.errors import ConfigError, ProjectError
from fogbank.project.config import load_config


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
    found = load_config(tmp_path).handler
    write(tmp_path, 'name = "churn"\nhandler = "serve/mine.py"\n')

    assert found == tmp_path / "handlers" / "inference.py"
    assert load_config(tmp_path).handler == tmp_path / "serve" / "mine.py"


def test_every_problem_in_one_report_with_a_guess(tmp_path: Path) -> None:
    write(
        tmp_path,
        'name = "Churn!"\nhandlr = "x.py"\nport = "many"\ndependencies = "numpy"\nmethod = "guess"\ntolerance = 2\ncompile = "no"\n',
    )

    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)

    assert len(caught.value.problems) == 7
    assert "unknown key 'handlr'; did you mean 'handler'?" in caught.value.cause
    assert "port must be a number from 0 to 65535, not 'many'" in caught.value.cause
    assert caught.value.exit_code == 2


def test_no_project_and_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as missing:
        load_config(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.fogbank]\nname = \n")
    with pytest.raises(ProjectError) as broken:
        load_config(tmp_path)

    assert (missing.value.code, broken.value.code) == ("project-not-found", "pyproject-unreadable")
    assert "fogbank new" in missing.value.hint
