"""A model of an older scikit-learn than fogbank's own, from its file to an answered request: it says what it said where it was made."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

MAKE = """
import pickle, sys
import numpy as np
from sklearn import __version__
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

g = np.random.default_rng(0)
rows = g.normal(size=(60, 3)).round(3)
model = make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=5, random_state=0))
model.fit(rows, np.where(rows.sum(axis=1) > 0, "up", "down"))
with open("old.pkl", "wb") as file:
    pickle.dump(model, file)
np.savetxt("rows.csv", rows, fmt="%.3f", delimiter=",", header="a,b,c", comments="")
print(__version__, *model.predict(rows))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder with the file and its rows, and what the model predicted of them where it was made."""
    folder = tmp_path_factory.mktemp("old")
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, "env"], cwd=folder, check=True)
    python = str(folder / "env" / "bin" / "python")
    wanted = ["scikit-learn==1.2.2", "numpy<2"]
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *wanted], cwd=folder, check=True)
    done = subprocess.run([python, "-c", MAKE], cwd=folder, check=True, capture_output=True, text=True)
    version, *labels = done.stdout.split()
    assert version == "1.2.2"
    return folder, labels


def test_an_old_model_is_served_in_its_own_environment_and_equal(
    made: tuple[Path, list[str]], fogbank: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    folder, labels = made
    done = fogbank(folder, "new", "old", "--from", "old.pkl", "--sample", "rows.csv", "--trust")
    assert done.returncode == 0, done.stderr
    assert "it was made with scikit-learn 1.2.2" in done.stderr
    project = folder / "old"
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.fogbank]\n", "[tool.fogbank]\nport = 0\n"))
    try:
        done = fogbank(project, "up")
        assert done.returncode == 0, done.stderr
        rows = (folder / "rows.csv").read_text()
        assert fogbank(project, "invoke", "live", rows).stdout.split() == labels
        one = json.dumps([list(map(float, rows.splitlines()[1].split(",")))])
        assert fogbank(project, "invoke", "live", one, "--accept", "application/json").stdout == json.dumps(labels[:1])
    finally:
        fogbank(project, "cloud", "stop")
