"""Situations from public reports of other tools, each with the right answer: the model's own prediction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from fogbank.contracts.manifest import Column, Schema
from fogbank.pack.proof import Wish, prove
from tests.contracts.answers.drawn import Drawn
from tests.contracts.answers.served import in_process, packed
from tests.packages import signed

GENERATOR = np.random.default_rng(0)
ROWS = np.round(GENERATOR.uniform(0, 10, (600, 4)), 1)
LABELS = (ROWS[:, 0] + ROWS[:, 1] * 0.5 - ROWS[:, 2] + GENERATOR.normal(0, 1, 600) > 2).astype(int)
CSV, JSON = "text/csv", "application/json"


def drawn(model: Any, *, rows: Any = ROWS, method: str = "predict", nullable: bool = False) -> Drawn:
    return Drawn(name="case", model=model, rows=rows, nullable=(nullable,) * rows.shape[1], asked=rows, method=method)


def csv(rows: Any) -> bytes:
    return "".join(
        ",".join("" if np.isnan(cell) else repr(cell) for cell in row) + "\n" for row in rows.tolist()
    ).encode()


def answer(folder: Path, model: Any, rows: Any, **others: Any) -> tuple[bool, Any]:
    """Whether the model is served compiled, and what comes for these rows."""
    outcome, settings = packed(drawn(model, **others), folder)
    status, document = in_process(settings)(csv(rows), CSV)
    assert status == 200, document
    return outcome.onnx is not None, document


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=0),
        ExtraTreesClassifier(20, random_state=0),
        RandomForestClassifier(50, random_state=0),
    ],
)
def test_trees_that_tie_give_the_first_class(tmp_path: Path, model: Any) -> None:
    """posit-dev/orbital#111: ten trees against ten."""
    new = np.round(np.random.default_rng(1).uniform(0, 10, (5000, 4)), 2)
    model.fit(ROWS, LABELS)

    compiled, labels = answer(tmp_path, model, new)

    assert (compiled, labels) == (True, model.predict(new).tolist())
    shares = model.predict_proba(new)
    assert (shares[:, 0] == shares[:, 1]).any() or len(model.estimators_) == 50


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=8, random_state=0),
        RandomForestClassifier(30, random_state=0),
        BaggingClassifier(random_state=0),
    ],
)
def test_missing_cells_go_where_the_trees_send_them(tmp_path: Path, model: Any) -> None:
    """onnx/sklearn-onnx#1253: the column is nullable, and no row of the baseline has a gap."""
    new = np.round(np.random.default_rng(1).uniform(0, 10, (1000, 4)), 1)
    new[np.random.default_rng(2).random(new.shape) < 0.1] = np.nan
    model.fit(ROWS, LABELS)

    assert answer(tmp_path, model, new, nullable=True) == (True, model.predict(new).tolist())


@pytest.mark.parametrize("compile_it", [True, False])
def test_a_row_that_the_model_refuses_is_a_400_that_names_it(tmp_path: Path, compile_it: bool) -> None:
    model = LogisticRegression().fit(ROWS, LABELS) if compile_it else KNeighborsClassifier().fit(ROWS, LABELS)
    outcome, settings = packed(drawn(model, nullable=True), tmp_path)
    ask = in_process(settings)

    assert (outcome.onnx is not None) is compile_it
    status, said = ask(b"1,2,3,4\n1.6,,6.8,3.5\n5,6,7,8\n", CSV)
    assert (status, "row 2, column 'c1': the model does not take it" in said) == (400, True)
    assert ask(b"[[1.6, 2, 6.8, 3.5]]", JSON)[0] == 200


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_a_number_beyond_single_precision_is_refused_as_the_forest_refuses_it(tmp_path: Path, method: str) -> None:
    for number, model in enumerate(
        (RandomForestClassifier(5), make_pipeline(StandardScaler(), RandomForestClassifier(5)))
    ):
        outcome, settings = packed(drawn(model.fit(ROWS, LABELS), method=method), tmp_path / str(number))
        status, said = in_process(settings)(b"[[1, 2, 3, 4], [1, 1e300, 3, 4], [1, 2, 3, 3e38]]", JSON)
        assert (outcome.onnx is not None, status) == (True, 400)
        assert "row 2, column 'c1'" in said


def test_a_category_that_training_never_saw_is_refused_by_row_and_column(tmp_path: Path) -> None:
    rows = np.column_stack([ROWS[:, 0], GENERATOR.integers(0, 3, 600)])
    encoder = make_pipeline(OrdinalEncoder(), DecisionTreeClassifier()).fit(rows.round(), LABELS)
    for number, model in enumerate(
        (encoder, make_pipeline(*encoder[:1], KNeighborsClassifier()).fit(rows.round(), LABELS))
    ):
        _, settings = packed(drawn(model, rows=rows.round()), tmp_path / str(number))
        status, said = in_process(settings)(b"1,1\n2,2\n3,7\n", CSV)
        assert (status, "row 3, column 'c1'" in said) == (400, True)


def test_a_row_of_zeros_before_a_normalizer(tmp_path: Path) -> None:
    """sdpython/mlprodict#455, sklearn-onnx#793: zero over zero; and NaN is no number of a proof."""
    rows = ROWS[:200, :3].copy()
    rows[:5] = 0
    cases = [(Ridge(), rows[:, 1], "predict"), (LogisticRegression(), rows[:, 0] > rows[:, 1], "predict_proba")]
    for number, (last, target, method) in enumerate(cases):
        model = make_pipeline(Normalizer(), last).fit(rows, target)
        outcome, settings = packed(drawn(model, rows=rows, method=method), tmp_path / str(number))
        status, got = in_process(settings)(b"0,0,0\n", CSV)
        assert status == 200
        np.testing.assert_allclose(got, getattr(model, method)(np.zeros((1, 3))), atol=1e-12)
        json.loads(json.dumps(outcome.compilation.max_difference, allow_nan=False))


@pytest.mark.parametrize("labels", [LABELS.astype(bool), LABELS.astype(float), LABELS.astype(str), LABELS])
def test_labels_keep_their_type_compiled_or_not(tmp_path: Path, labels: Any) -> None:
    """onnx/sklearn-onnx#946, #534."""
    linear = LogisticRegression().fit(ROWS, labels)
    neighbours = KNeighborsClassifier().fit(ROWS, labels)
    for number, model in enumerate((linear, neighbours)):
        compiled, got = answer(tmp_path / str(number), model, ROWS[:3])
        assert compiled is (model is linear)
        assert json.dumps(got) == json.dumps(model.predict(ROWS[:3]).tolist())


def test_a_method_that_the_model_lacks_is_not_there(tmp_path: Path) -> None:
    """A handler that asks hasattr() takes the branch that it takes with the model itself."""
    handler = (
        "def predict_fn(data, model):\n"
        "    return model.predict_proba(data) if hasattr(model, 'predict_proba') else model.predict(data)\n"
    )
    model = Ridge().fit(ROWS, ROWS[:, 0])
    outcome = prove(model, ROWS, Wish(tolerance=1e-6, uses=("predict", "predict_proba")))
    assert outcome.onnx is not None
    schema = Schema(columns=tuple(Column(name=name) for name in "abcd"))
    settings = signed(tmp_path, handler, model=("model.onnx", outcome.onnx), kind="onnx", schema=schema)

    status, got = in_process(settings)(csv(ROWS[:2]), CSV)

    assert status == 200
    np.testing.assert_allclose(got, model.predict(ROWS[:2]))
