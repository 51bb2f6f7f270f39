"""Training is due where the model is older than its code; a module that fails says where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError
from fogbank.project.packaging.training import is_due, train, train_if_due
from fogbank.project.workplace.events import Event, StepDone, Steps, ignore


@pytest.fixture
def config(tmp_path: Path) -> ProjectConfig:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "train.py").write_text("print('accuracy 0.9')\n")
    return ProjectConfig(root=tmp_path, name="churn")


def trained(config: ProjectConfig, at: int) -> None:
    config.trained.mkdir(parents=True)
    (config.trained / "model.joblib").touch()
    os.utime(config.trained / "model.joblib", (at, at))


def test_training_is_due_without_a_model_and_with_newer_code(config: ProjectConfig) -> None:
    code = config.root / "model" / "train.py"
    os.utime(code, (1000, 1000))
    assert is_due(config)
    trained(config, at=1001)
    assert not is_due(config)
    train_if_due(config, Steps(lambda event: pytest.fail(f"{event} is told of nothing")))
    os.utime(code, (2000, 2000))
    assert is_due(config)


def test_the_last_line_is_what_came_of_it(config: ProjectConfig) -> None:
    config.trained.mkdir(parents=True)
    events: list[Event] = []

    assert train(config, Steps(events.append)) == "accuracy 0.9"
    assert isinstance(events[-1], StepDone)
    assert events[-1].outcome == "accuracy 0.9"


def test_a_module_that_fails_says_where_and_keeps_its_log(config: ProjectConfig) -> None:
    (config.root / "model" / "train.py").write_text("def fit():\n    return rows\n\n\nfit()\n")

    with pytest.raises(PackageError) as caught:
        train(config, Steps(ignore))

    assert caught.value.code == "training-failed"
    assert "model/train.py line 2: return rows: NameError: name 'rows' is not defined" in caught.value.cause
    assert "Traceback" in (config.state / "train.log").read_text()
