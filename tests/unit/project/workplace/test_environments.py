"""What is locked and all here is loaded by this Python; what is not, by an environment of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError
from fogbank.project.workplace.environments import model_python, training_python


def test_this_python_where_it_has_every_pin() -> None:
    assert model_python([f"numpy=={np.__version__}"], ["numpy"], brought=True) == sys.executable
    assert model_python([], [], brought=True) == sys.executable
    assert model_python(["only-on-the-container==1"], ["x"], brought=False, trained=["numpy"]) == sys.executable


def test_training_runs_here_where_the_lock_is_here_or_none_is(tmp_path: Path) -> None:
    config = ProjectConfig(root=tmp_path, name="churn", dependencies=("numpy",))

    assert training_python(config) == sys.executable
    (tmp_path / "requirements.txt").write_text("numpy\n")
    assert training_python(config) == sys.executable


def test_another_version_is_installed_elsewhere_or_said_to_be_none() -> None:
    for pin, brought in (("numpy==0.0.1", False), ("not-installed-here==1", True)):
        with pytest.raises(PackageError) as caught:
            model_python([pin], ["numpy @ file:///nowhere/numpy-0.0.1-py3-none-any.whl"], brought=brought)
        assert caught.value.code == "dependency-uninstallable"
