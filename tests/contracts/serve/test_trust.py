"""What a model's file may do when it is loaded: a pickle nothing before its digest is right, a skops file only what was listed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from skops.io import dumps

from fogbank.pack.build import trusted_types
from fogbank.pack.trained import read_trained
from fogbank.serve.handler import load_handler
from fogbank.serve.problems import LoadError
from tests.packages import settings_at, signed

FITTED = LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1])


class Hostile:
    """Unpickled, it writes a file."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self._marker, "executed")


def test_a_pickle_runs_nothing_unless_its_digest_is_the_manifests(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    hostile = pickle.dumps(Hostile(marker))

    right = signed(tmp_path / "a", model=("model.joblib", pickle.dumps(FITTED)))
    (right.model_dir / "model.joblib").write_bytes(hostile)
    own_manifest = replace(signed(tmp_path / "b", model=("model.joblib", hostile)), package_sha256=right.package_sha256)
    (tmp_path / "c" / "model").mkdir(parents=True)
    (tmp_path / "c" / "model" / "model.joblib").write_bytes(hostile)
    for settings, said in (
        (right, "model.joblib is not the file that was packed"),
        (own_manifest, "fogbank.json is not the file that was packed"),
        (settings_at(tmp_path / "c"), "no handler at"),
    ):
        with pytest.raises(LoadError, match=said):
            load_handler(settings)
    assert not marker.exists()


def test_a_skops_file_gets_the_types_that_pack_listed_and_no_other(tmp_path: Path) -> None:
    code = tmp_path / "own_estimator.py"
    code.write_text("from sklearn.linear_model import LogisticRegression\nclass Own(LogisticRegression):\n    pass\n")
    dump = "import sys; from own_estimator import Own; from skops.io import dump; dump(Own().fit([[0,0],[1,1]], [0,1]), 'model.skops')"
    subprocess.run([sys.executable, "-c", dump], cwd=tmp_path, check=True)
    schema = {"columns": [{"name": "a"}, {"name": "b"}]}
    (tmp_path / "schema.json").write_text(json.dumps({"input": schema, "output": schema}))
    (tmp_path / "metrics.json").write_text(json.dumps({"metrics": {}}))
    listed = trusted_types(read_trained(tmp_path))
    model = ("model.skops", (tmp_path / "model.skops").read_bytes())

    assert listed == ("own_estimator.Own",)
    with pytest.raises(LoadError, match=r"own_estimator\.Own"):
        load_handler(signed(tmp_path / "refused", model=model, kind="skops"))
    beside = tmp_path / "trusted" / "model" / "code" / "own_estimator.py"
    beside.parent.mkdir(parents=True)
    beside.write_text(code.read_text())
    trusted = signed(tmp_path / "trusted", "import own_estimator\n", model=model, kind="skops", trusted_types=listed)
    assert load_handler(trusted) is not None


def test_skops_of_scikit_learns_own_types_needs_no_list(tmp_path: Path) -> None:
    assert load_handler(signed(tmp_path, model=("model.skops", dumps(FITTED)), kind="skops")) is not None
