"""Linear models: scores, labels at ties, probabilities by whatever link the loss has, several outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    Perceptron,
    PoissonRegressor,
    RidgeClassifier,
    SGDClassifier,
    SGDOneClassSVM,
    TweedieRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from fogbank.pack.convert import convert
from fogbank.pack.graph import UnsupportedError
from fogbank.pack.linear import linear_model
from fogbank.scoring import load_compiled

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(200, 5))
SCORE = ROWS @ [1.0, -2.0, 0.5, 0.0, 0.3]
LABELS = [(SCORE > 0), np.array(["a", "b", "c"])[np.digitize(SCORE, [-1, 1])]]


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression(C=100)),
        LinearSVC(),
        RidgeClassifier(),
        LinearDiscriminantAnalysis(),
        SGDClassifier(loss="log_loss", random_state=0),
        SGDClassifier(loss="hinge", random_state=0),
    ],
)
@pytest.mark.parametrize("labels", LABELS)
def test_classifiers_have_the_methods_and_answers_of_their_own(model: Any, labels: Any) -> None:
    compiled = load_compiled(convert(model.fit(ROWS, labels)).onnx)

    for name in ("predict", "predict_proba", "decision_function"):
        assert hasattr(compiled, name) == hasattr(model, name)
        if hasattr(model, name):
            right, answer = getattr(model, name)(ROWS), getattr(compiled, name)(ROWS)
            assert (answer.dtype, answer.shape) == (right.dtype, right.shape)
            if name == "predict":
                np.testing.assert_array_equal(answer, right)
            else:
                np.testing.assert_allclose(answer, right, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        ElasticNet(),
        PoissonRegressor(),
        GammaRegressor(),
        TweedieRegressor(power=0),
        TweedieRegressor(power=1.5),
    ],
)
def test_regressors_and_their_links(model: Any) -> None:
    model.fit(ROWS, np.exp(SCORE / 4))
    np.testing.assert_allclose(
        load_compiled(convert(model).onnx).predict(ROWS), model.predict(ROWS), rtol=1e-13, atol=1e-13
    )


def test_several_outputs_keep_their_shape() -> None:
    for model, target in ((MultiTaskLasso(), np.column_stack([SCORE, -SCORE])), (LinearRegression(), SCORE[:, None])):
        model.fit(ROWS, target)
        answer = load_compiled(convert(model).onnx).predict(ROWS[:1])
        assert answer.shape == model.predict(ROWS[:1]).shape == (1, target.shape[1])


def test_a_score_of_zero_is_the_class_that_the_model_says() -> None:
    model = LogisticRegression(fit_intercept=False).fit(ROWS, SCORE > 0)
    compiled = load_compiled(convert(model).onnx)

    assert compiled.predict(np.zeros((1, 5))).tolist() == model.predict(np.zeros((1, 5))).tolist() == [False]
    assert compiled.predict_proba(np.zeros((1, 5))).tolist() == [[0.5, 0.5]]


def test_a_link_that_is_not_known_leaves_its_method_out() -> None:
    huber = convert(SGDClassifier(loss="modified_huber", random_state=0).fit(ROWS, SCORE > 0))
    assert set(huber.methods) == {"predict", "decision_function"}


@pytest.mark.parametrize(
    "model",
    [KMeans(4, n_init=1, random_state=0), MiniBatchKMeans(3, n_init=1, random_state=0), SGDOneClassSVM(random_state=0)],
)
def test_the_nearest_centre_and_one_class(model: Any) -> None:
    model.fit(ROWS)
    conversion = convert(model)
    compiled = load_compiled(conversion.onnx)
    for rows in (ROWS, ROWS[:1], ROWS * 1e300):
        for name in conversion.methods:
            answer, right = getattr(compiled, name)(rows), getattr(model, name)(rows)
            assert (answer.dtype, answer.shape) == (right.dtype, right.shape)
            np.testing.assert_allclose(answer, right, rtol=1e-13, atol=1e-13)


def test_a_perceptrons_ties_are_its_own() -> None:
    with pytest.raises(UnsupportedError, match="Perceptron has no exact form here"):
        convert(Perceptron().fit(ROWS, SCORE > 0))


def test_what_is_not_linear_is_none_of_this() -> None:
    assert linear_model(OneVsRestClassifier(LogisticRegression()).fit(ROWS, SCORE > 0)) is None
    with pytest.raises(UnsupportedError, match="several labels a row"):
        linear_model(RidgeClassifier().fit(ROWS, np.column_stack([SCORE > 0, SCORE < 0]).astype(int)))
