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
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.pack import build, read_trained
from fogbank.pack.compile import compile_trained
from fogbank.pack.proof import Wish, _batch_exact, prove
from fogbank.scoring import load_compiled
from tests.fakes.probe import Probe
from tests.once import made_once
from tests.projects import BASELINE

X, Y = make_classification(600, 8, n_informative=5, n_classes=3, random_state=1)
NUMBERS, VALUES = make_regression(600, 8, random_state=1)


WISH = Wish(tolerance=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(20, random_state=0),
        make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=0)),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5),
        GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2, 3]}, cv=2),
    ],
)
def test_a_classifier_is_compiled_and_trees_to_the_last_bit(tmp_path: Path, model: Any) -> None:
    outcome = prove(model.fit(X, Y), X, WISH)

    compilation = outcome.compilation
    assert (compilation.compiled, compilation.precision, compilation.rows, compilation.batch_exact) == (
        True,
        "double",
        600,
        True,
    )
    assert compilation.exact is not isinstance(model, Pipeline) or isinstance(model[-1], RandomForestClassifier)
    assert compilation.max_difference < 1e-12
    assert outcome.onnx is not None
    served = load_compiled(outcome.onnx)
    np.testing.assert_array_equal(served.predict(X), model.predict(X))
    np.testing.assert_allclose(served.predict_proba(X), model.predict_proba(X), rtol=0, atol=1e-12)


def test_labels_of_every_type_and_regressors_of_one_output_and_more() -> None:
    words = np.array(["low", "middle", "high"])[Y]
    targets = [
        words,
        words.astype(object),
        Y == 1,
        Y * 1.0,
        Y.astype(np.int32) - 7,
        VALUES,
        np.column_stack([VALUES, -VALUES]),
        VALUES[:, None],
    ]
    for number, target in enumerate(targets):
        model = (LogisticRegression() if number < 5 else LinearRegression()).fit(NUMBERS, target)
        outcome = prove(model, NUMBERS, WISH)
        assert outcome.onnx is not None, outcome.compilation
        answer, right = load_compiled(outcome.onnx).predict(NUMBERS[:1]), model.predict(NUMBERS[:1])
        assert (answer.dtype, answer.shape) == (right.dtype, right.shape)
        assert answer.ravel().tolist() == (right.ravel().tolist() if number < 5 else pytest.approx(right.ravel()))


@pytest.mark.parametrize(
    ("model", "x", "y", "reason"),
    [
        (
            make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
            abs(X),
            Y,
            "FunctionTransformer calls a function of the project's",
        ),
        (make_pipeline(PCA(), RandomForestClassifier(5)), X, Y, "whose last bits decide at thresholds"),
        (KNeighborsClassifier(), X, Y, "KNeighborsClassifier has no exact form here"),
        (DummyClassifier(strategy="uniform"), X, Y, "DummyClassifier has no exact form here"),
        (
            RandomForestClassifier(5),
            X,
            np.column_stack([Y, Y]),
            "several outputs of a classifier are answered as a list",
        ),
        (ColumnTransformer([("all", StandardScaler(), [0])]), X, Y, "ColumnTransformer has no exact form here"),
    ],
)
def test_what_cannot_be_proven_is_served_natively_with_the_reason(model: Any, x: Any, y: Any, reason: str) -> None:
    outcome = prove(model.fit(x, y), x, WISH)

    assert (outcome.onnx, outcome.compilation.compiled) == (None, False)
    assert reason in outcome.compilation.reason
    assert len(outcome.compilation.reason) < 500


def test_a_native_model_whose_rows_are_the_same_in_company_is_known_as_such() -> None:
    wish = Wish(tolerance=1e-6, method="predict")

    assert prove(KNeighborsClassifier().fit(X, Y), X[:60], wish).compilation.batch_exact
    assert not prove(DummyClassifier(strategy="uniform").fit(X, Y), X[:60], wish).compilation.batch_exact


def test_a_method_that_the_model_lacks_is_not_there_and_one_that_has_no_form_is_a_reason() -> None:
    outcome = prove(LinearRegression().fit(NUMBERS, VALUES), NUMBERS, WISH)
    assert outcome.onnx is not None
    ridge = load_compiled(outcome.onnx)
    huber = SGDClassifier(loss="modified_huber", random_state=0).fit(X, Y)

    assert not hasattr(ridge, "predict_proba")
    assert not hasattr(ridge, "classes_")
    assert prove(huber, X, WISH).compilation.compiled
    assert (
        prove(huber, X, Wish(tolerance=1e-6, method="predict_proba")).compilation.reason
        == "predict_proba has no exact form here"
    )
    assert (
        prove(SVC().fit(X, Y), X, Wish(tolerance=1e-6, method="predict_proba")).compilation.reason
        == "SVC has no exact form here"
    )


def test_what_the_proof_ran_on_is_told() -> None:
    proof = prove(
        RandomForestClassifier(10, random_state=0).fit(X, Y), X, Wish(tolerance=1e-6, nullable=[True] + [False] * 7)
    ).compilation.proof

    assert {
        "baseline",
        "mixed",
        "zeros",
        "extremes",
        "infinities",
        "rounding",
        "missing",
        "missing anywhere",
        "thresholds",
    } <= set(proof)
    assert proof["thresholds"] > 1000
    assert proof["ties"] > 0  # ten trees that are grown out often vote five to five
    assert proof["refused"] > 0  # what is beyond single precision, and infinities


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
        (
            "def predict_fn(data, model): return data @ model.coef_.T\n",
            {},
            "the handler speaks of coef_, which only the native model has",
        ),
        (
            "from sklearn.pipeline import Pipeline\ndef predict_fn(d, m): return m.predict(d if isinstance(m, Pipeline) else d)\n",
            {},
            "the handler asks for types, which only the native model has",
        ),
    ],
)
def test_why_a_model_is_not_compiled(
    trained_project: Trained, handler: str | None, settings: dict[str, Any], said: str
) -> None:
    package = pack(trained_project(handler, **settings))

    assert (package.kind, package.compilation.reason) == ("joblib", said)
    assert any(pin.startswith("scikit-learn==") for pin in package.requirements)


def test_a_handler_that_needs_more_of_the_model_gets_the_native_one(trained_project: Trained) -> None:
    lacking = "AttributeError: 'CompiledModel' object has no attribute 'coef_'"
    probe = Probe(cause=lambda kind: lacking if kind == "onnx" else None)

    package = pack(trained_project("def predict_fn(d, model): return d @ getattr(model, 'co' + 'ef_').T\n"), probe)

    assert probe.kinds == ["onnx", "joblib"]
    assert (package.kind, "no attribute 'coef_'" in package.compilation.reason) == ("joblib", True)


def test_the_outcome_is_kept_until_the_model_or_the_baseline_changes(trained_project: Trained) -> None:
    config = trained_project()
    trained = read_trained(config.trained)
    first = compile_trained(config, trained, own_model_fn=False)
    [kept] = (config.state / "compiled").glob("*.json")
    kept.write_bytes(kept.read_bytes().replace(b'"fogbank"', b'"from the cache"'))

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
