"""What a model says is asked once, and again when what the answer came from is another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import pytest

from fogbank.contracts.schema import Column, Schema
from fogbank.pack.fitted import Fitted, ask
from fogbank.pack.trained import Trained

MODULE = """
class Model:
    classes_ = {classes}
    def predict(self, rows):
        return rows
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a module, and a model whose class lies in it."""
    (tmp_path / "fitted_own.py").write_text(MODULE.format(classes=["a", "b"]))
    sys.path.insert(0, str(tmp_path))
    try:
        from fitted_own import Model  # type: ignore[import-not-found]

        joblib.dump(Model(), tmp_path / "model.joblib")
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules["fitted_own"]
    return tmp_path


@pytest.fixture
def asked(project: Path) -> Callable[[], Fitted]:
    """Ask the model."""
    columns = Schema(columns=(Column(name="x", dtype="float"),))
    trained = Trained(model=project / "model.joblib", input=columns, output=columns, metrics={}, gates={})
    return lambda: ask(trained, (), [project], project / "kept")


def kept(project: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (project / "kept").glob("*.json")}


def test_another_module_of_the_project_asks_nobody_again(project: Path, asked: Callable[[], Fitted]) -> None:
    (project / "handler.py").write_text("1\n")
    assert asked() == Fitted(classes=("a", "b"), modules=("fitted_own",))
    before = kept(project)
    (project / "handler.py").write_text("2\n")
    assert asked().classes == ("a", "b")
    assert len(before) == 1
    assert kept(project) == before


def test_a_changed_module_of_the_models_own_is_asked_again(project: Path, asked: Callable[[], Fitted]) -> None:
    asked()
    (project / "fitted_own.py").write_text(MODULE.format(classes=["a", "b", "c"]))
    assert asked().classes == ("a", "b", "c")


def test_a_model_that_did_not_load_is_asked_again(project: Path, asked: Callable[[], Fitted]) -> None:
    own = (project / "fitted_own.py").read_text()
    (project / "fitted_own.py").write_text("import fitted_helper\n" + own)
    assert asked().classes == ()
    assert not kept(project)
    (project / "fitted_helper.py").write_text("")
    assert asked() == Fitted(classes=("a", "b"), modules=("fitted_helper", "fitted_own"))


@pytest.mark.parametrize(
    ("function", "rows"), [("own", "frame"), ("partial", "frame"), ("numpy", "array"), ("none", "array")]
)
def test_a_function_of_ones_own_gets_the_frame_that_training_gave_it(function: str, rows: str, tmp_path: Path) -> None:
    """It may ask for a column by name: sklearn.preprocessing.FunctionTransformer hands rows on as they come."""
    from functools import partial

    import numpy as np
    import pandas as pd
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    (tmp_path / "summing.py").write_text(
        "def total(rows, sign=1):\n    return rows.assign(total=sign * rows.sum(axis=1))\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        from summing import total  # type: ignore[import-not-found]

        functions = {"own": total, "partial": partial(total, sign=-1), "numpy": np.log1p, "none": None}
        frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 3.0]})
        model = make_pipeline(FunctionTransformer(functions[function]), Ridge()).fit(frame, [0.0, 1.0, 2.0])
        joblib.dump(model, tmp_path / "model.joblib")
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("summing", None)
    columns = Schema(columns=(Column(name="a"), Column(name="b")))
    trained = Trained(model=tmp_path / "model.joblib", input=columns, output=columns, metrics={}, gates={})

    assert ask(trained, (), [tmp_path], tmp_path / "kept").rows == rows
