"""What a model's file would import is locked, or the module is named before anything is built."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from fogbank.contracts.errors import PackageError
from fogbank.pack import build, read_trained
from fogbank.pack.pickled import MOST_BYTES, check_pickle
from tests.fakes.probe import Probe
from tests.projects import BASELINE, small_project

LOCKED = ("scikit-learn", "numpy", "joblib")


def write(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "model.joblib"
    joblib.dump(content, path)
    return path


def test_what_is_locked_is_covered(tmp_path: Path) -> None:
    check_pickle(write(tmp_path, Ridge().fit([[0.0], [1.0]], [0, 1])), LOCKED, ())


def test_a_module_that_the_lock_lacks_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"model": 1, "frame": pd.DataFrame({"a": [1]})})

    with pytest.raises(PackageError) as caught:
        check_pickle(path, LOCKED, ())

    assert caught.value.code == "model-needs"
    assert "model.joblib names pandas." in caught.value.cause
    assert "'pandas'" in caught.value.hint
    check_pickle(path, (*LOCKED, "Pandas", "pyarrow"), ())


def test_the_projects_own_and_what_nobody_knows_is_let_be(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(b"\x80\x02cpandas\nScale\nq\x00cnobodys_module\nX\nq\x01\x86.")
    check_pickle(path, LOCKED, {"pandas"})
    path.write_bytes(b"no pickle")
    check_pickle(path, (), ())
    with path.open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    check_pickle(path, (), ())


def test_pack_says_it_before_it_probes(tmp_path: Path) -> None:
    config = small_project(tmp_path / "p", settings="compile = false\n")
    model = config.trained / "model.joblib"
    loaded = joblib.load(model)
    loaded.frame = pd.DataFrame({"a": [1]})
    model.write_bytes(pickle.dumps(loaded))

    with pytest.raises(PackageError) as caught:
        build(config, read_trained(config.trained), BASELINE, Probe())

    assert caught.value.code == "model-needs"
