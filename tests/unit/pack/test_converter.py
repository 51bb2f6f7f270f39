"""What skl2onnx converts: smooth models in doubles, with the labels and shapes of their own; what jumps is not among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fogbank.pack import converter
from fogbank.pack.convert import convert
from fogbank.pack.graph import UnsupportedError
from fogbank.scoring import load_compiled

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(120, 4))
LABELS = [
    ROWS[:, 0] > 0,
    np.array(["a", "b", "c"])[GENERATOR.integers(0, 3, 120)],
    GENERATOR.integers(0, 2, 120) * 7 - 3,
]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize(
    "model",
    [
        GaussianNB(),
        QuadraticDiscriminantAnalysis(reg_param=0.1),
        make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=20, random_state=0)),
    ],
)
def test_classifiers(model: Any, labels: Any) -> None:
    conversion = convert(model.fit(ROWS, labels))
    compiled = load_compiled(conversion.onnx)

    assert conversion.maker.startswith("skl2onnx ")
    for rows in (ROWS, ROWS[:1]):
        answer, right = compiled.predict(rows), model.predict(rows)
        assert (answer.dtype, answer.tolist()) == (right.dtype, right.tolist())
        np.testing.assert_allclose(compiled.predict_proba(rows), model.predict_proba(rows), rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    ("model", "target"),
    [
        (MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0), ROWS[:, 0]),
        (PLSRegression(), ROWS[:, :2]),
        (GaussianMixture(2, random_state=0), None),
    ],
)
def test_regressors_and_clusters(model: Any, target: Any) -> None:
    model.fit(ROWS, target)
    compiled = load_compiled(convert(model).onnx)
    for rows in (ROWS, ROWS[:1]):
        answer, right = compiled.predict(rows), model.predict(rows)
        assert (answer.dtype, answer.shape) == (right.dtype, right.shape)
        np.testing.assert_allclose(answer, right, rtol=0, atol=1e-12)


def test_what_jumps_is_not_converted() -> None:
    jumping = {type(model).__name__ for model in (KNeighborsClassifier(), RandomForestClassifier())}
    assert not jumping & (converter.CONVERTED | converter.TRANSFORMERS)
    with pytest.raises(UnsupportedError, match="KNeighborsClassifier has no exact form here"):
        convert(KNeighborsClassifier().fit(ROWS, LABELS[0]))


def test_labels_without_a_code_are_a_reason() -> None:
    model = GaussianNB().fit(ROWS, LABELS[0])
    model.classes_ = np.array([0.5, 0.75])
    with pytest.raises(UnsupportedError, match="no code in ONNX"):
        convert(model)
