"""Compilation: proven equal or not done, and the reason written down."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.pack import build, read_trained
from fogbank.pack.compile import compile_trained
from fogbank.pack.proof import _batch_exact, prove
from fogbank.serve.models import OnnxModel
from tests.fakes.probe import Probe
from tests.once import made_once
from tests.projects import BASELINE

X, Y = make_classification(600, 8, n_informative=5, n_classes=3, random_state=1)
NUMBERS, VALUES = make_regression(600, 8, random_state=1)


@pytest.mark.parametrize(
    ("model", "precision", "at_most"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), "double", 1e-12),
        (RandomForestClassifier(20, random_state=0), "double", 1e-6),
        (make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=0)), "double", 1e-6),
        (GradientBoostingClassifier(n_estimators=5, random_state=0), "float", 1e-6),
    ],
)
def test_classifiers_are_proven_in_the_best_precision_that_converts(
    tmp_path: Path, model: Any, precision: str, at_most: float
) -> None:
    found = prove(model.fit(X, Y), X, 1e-6)

    assert (found.compilation.compiled, found.compilation.precision, found.compilation.rows) == (True, precision, 600)
    assert found.compilation.max_difference <= at_most
    if isinstance(model, RandomForestClassifier):
        assert found.compilation.batch_exact
    assert found.onnx is not None
    (tmp_path / "model.onnx").write_bytes(found.onnx)
    served = OnnxModel(tmp_path / "model.onnx")
    np.testing.assert_array_equal(served.predict(X), model.predict(X))
    np.testing.assert_allclose(served.predict_proba(X), model.predict_proba(X), atol=1e-6)


def test_labels_that_are_words_and_regressors(tmp_path: Path) -> None:
    words = np.array(["low", "middle", "high"])[Y]
    for number, (model, x, y) in enumerate([(LogisticRegression(), X, words), (LinearRegression(), NUMBERS, VALUES)]):
        found = prove(model.fit(x, y), x, 1e-6)
        assert found.onnx is not None, found.compilation
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(found.onnx)
        served = OnnxModel(path).predict(x)
        assert served.shape == (600,)
        assert list(served[:3]) == pytest.approx(list(model.predict(x)[:3]))


@pytest.mark.parametrize(
    ("model", "x", "y", "tolerance", "said"),
    [
        (RandomForestClassifier(20, random_state=0), X, Y, 1e-9, "a score differs by"),
        (RandomForestRegressor(20, random_state=0), NUMBERS, VALUES * 1e9, 1e-6, "a score differs by"),
        (make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()), abs(X), Y, 1e-6, "FunctionTransformer"),
        (DummyClassifier(strategy="uniform"), X, Y, 1e-6, "double: "),
        (ColumnTransformer([("all", StandardScaler(), [0])]), X, Y, 1e-6, "double: "),
    ],
)
def test_what_cannot_be_proven_is_served_natively_with_the_reason(
    model: Any, x: Any, y: Any, tolerance: float, said: str
) -> None:
    found = prove(model.fit(x, y), x, tolerance)

    assert (found.onnx, found.compilation.compiled) == (None, False)
    assert said in found.compilation.reason
    assert len(found.compilation.reason) < 500


def write_project(root: Path) -> None:
    """A project whose model was trained on X and Y, with a baseline and a sample, and compiled."""
    config = ProjectConfig(root=root, name="churn", handler=None)
    config.trained.mkdir(parents=True)
    model = LogisticRegression().fit(X, Y)
    joblib.dump(model, config.trained / "model.joblib")
    names = [f"f{i}" for i in range(8)]
    with (config.trained / "baseline.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["label", *names])
        writer.writerows([[label, *row] for label, row in zip(model.predict(X).tolist(), X.tolist(), strict=True)])
    (config.trained / "sample.csv").write_text(",".join(map(str, X[0].tolist())) + "\n")
    columns = {"columns": [{"name": name} for name in names]}
    output = {"columns": [{"name": "label", "dtype": "integer"}]}
    (config.trained / "schema.json").write_text(json.dumps({"input": columns, "output": output}))
    (config.trained / "metrics.json").write_text(json.dumps({"metrics": {}}))
    compile_trained(config, read_trained(config.trained), own_model_fn=False)


@pytest.fixture(scope="session")
def compiled_project(run_folder: Path) -> Path:
    """The project of `write_project`, made once: converting and proving are the dear part of every test here."""
    return made_once(run_folder / "compiled-project", write_project)


@pytest.fixture
def trained_project(compiled_project: Path, tmp_path: Path) -> Callable[..., ProjectConfig]:
    """A copy of the compiled project, with a handler or without, and with other settings."""

    def copied(handler: str | None = None, **settings: Any) -> ProjectConfig:
        root = tmp_path / "project"
        shutil.copytree(compiled_project, root)
        path = root / "handlers" / "inference.py"
        if handler is not None:
            path.parent.mkdir()
            path.write_text(handler)
        return ProjectConfig(root=root, name="churn", handler=path if handler is not None else None, **settings)

    return copied


Trained = Callable[..., ProjectConfig]


def pack(config: ProjectConfig, probe: Probe | None = None) -> Any:
    build(config, read_trained(config.trained), BASELINE, probe or Probe())
    return load_manifest(config.package).package


def test_a_compiled_package_needs_neither_scikit_learn_nor_a_pickle(trained_project: Trained) -> None:
    package = pack(trained_project())

    assert (package.kind, package.model_file, package.handler) == ("onnx", "model.onnx", None)
    assert (package.compilation.compiled, package.compilation.rows, package.compilation.reason) == (True, 600, "")
    assert set(package.files) == {"model.onnx", "code/requirements.txt"}
    names = {pin.partition("==")[0] for pin in package.requirements}
    assert "onnxruntime" in names
    assert not names & {"scikit-learn", "scipy", "joblib"}


def test_what_the_handler_imports_stays_among_the_dependencies(trained_project: Trained) -> None:
    config = trained_project("import joblib\ndef predict_fn(data, model): return model.predict(data)\n")

    names = {pin.partition("==")[0] for pin in pack(config).requirements}
    assert {"onnxruntime", "joblib"} <= names
    assert "scikit-learn" not in names


@pytest.mark.parametrize(
    ("handler", "settings", "said"),
    [
        ("def model_fn(d): ...\ndef predict_fn(a, b): ...\n", {}, "the handler's model_fn loads the model itself"),
        (None, {"compile": False}, "compile is false in [tool.fogbank]"),
        (None, {"method": "decision_function"}, "decision_function has no counterpart in ONNX"),
    ],
)
def test_why_a_model_is_not_compiled(
    trained_project: Trained, handler: str | None, settings: dict[str, Any], said: str
) -> None:
    package = pack(trained_project(handler, **settings))

    assert (package.kind, package.compilation.reason) == ("joblib", said)
    assert any(pin.startswith("scikit-learn==") for pin in package.requirements)


def test_a_handler_that_needs_more_of_the_model_gets_the_native_one(trained_project: Trained) -> None:
    lacking = "AttributeError: 'OnnxModel' object has no attribute 'coef_'"
    probe = Probe(cause=lambda kind: lacking if kind == "onnx" else None)

    package = pack(trained_project("def predict_fn(data, model): return data @ model.coef_.T\n"), probe)

    assert probe.kinds == ["onnx", "joblib"]
    assert (package.kind, "no attribute 'coef_'" in package.compilation.reason) == ("joblib", True)


def test_the_outcome_is_kept_until_the_model_or_the_baseline_changes(trained_project: Trained) -> None:
    config = trained_project()
    trained = read_trained(config.trained)
    first = compile_trained(config, trained, own_model_fn=False)
    [kept] = (config.state / "compiled").glob("*.json")
    kept.write_bytes(kept.read_bytes().replace(b"skl2onnx", b"from the cache"))

    assert "from the cache" in compile_trained(config, trained, own_model_fn=False).compilation.converter
    joblib.dump(LogisticRegression(C=0.1).fit(X, Y), trained.model)
    changed = compile_trained(config, trained, own_model_fn=False)
    assert changed.compilation.source_sha256 != first.compilation.source_sha256
    assert len(list((config.state / "compiled").glob("*.json"))) == 2


def test_a_model_that_is_not_scikit_learns_is_served_as_it_is(trained_project: Trained) -> None:
    config = trained_project()
    joblib.dump(np.sum, config.trained / "model.joblib")

    assert "is not a scikit-learn estimator" in pack(config).compilation.reason


def test_a_model_whose_rows_are_not_the_same_in_company_is_not_computed_in_company() -> None:
    def together(rows: Any) -> list[Any]:
        return [rows - rows.mean(axis=0) if len(rows) > 32 else rows]

    assert not _batch_exact(together, X)
    assert _batch_exact(lambda rows: [rows * 2], X)


def test_a_half_written_outcome_is_made_again(trained_project: Trained) -> None:
    config = trained_project()
    trained = read_trained(config.trained)
    first = compile_trained(config, trained, own_model_fn=False)
    [kept] = (config.state / "compiled").glob("*.json")
    kept.unlink()  # what a kill between the model and the word about it leaves

    assert compile_trained(config, trained, own_model_fn=False) == first
    assert sorted(path.suffix for path in (config.state / "compiled").iterdir()) == [".json", ".onnx"]
