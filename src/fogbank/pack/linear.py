"""scikit-learn's linear models: rows times coefficients plus intercept in double precision, and how each method ends from there.

How a score becomes a probability or a value depends on loss and version; it is found by asking the model at scores of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.pack.graph import UnsupportedError, real
from fogbank.scoring.finish import finisher

Steps = tuple[tuple[Any, ...], ...]
CLASSIFIERS = frozenset({
    "LinearDiscriminantAnalysis", "LinearSVC", "LogisticRegression", "LogisticRegressionCV", "PassiveAggressiveClassifier",
    "RidgeClassifier", "RidgeClassifierCV", "SGDClassifier",
})  # fmt: skip
"""Not the perceptron: its coefficients are sums of its rows, so that its scores tie, and the last bit decides."""
REGRESSORS = frozenset({
    "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "GammaRegressor", "HuberRegressor", "Lars", "LarsCV",
    "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "LinearSVR", "MultiTaskElasticNet",
    "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV",
    "PassiveAggressiveRegressor", "PoissonRegressor", "QuantileRegressor", "Ridge", "RidgeCV", "SGDRegressor",
    "TheilSenRegressor", "TweedieRegressor",
})  # fmt: skip
LOG_LINKS = frozenset({"GammaRegressor", "PoissonRegressor", "TweedieRegressor"})
PROBES = np.array(
    [0.0, -0.0, 1e-300, -1e-300, 1e-9, -1e-9, 0.3, -0.3, 1.0, -2.5, 17.0, -36.0, 40.0, -40.0, 700.0, -710.0, 1e6, -1e6]
)
"""Scores at which a model is asked: ties, next to ties, and where exponentials end."""
CLOSE = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearModel:
    """`coefficients` of shape (features, scores) and `intercept`; the methods' last steps."""

    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]
    methods: Mapping[str, Steps]


def linear_model(model: Any) -> LinearModel | None:
    """A fitted linear model; None where it is none. Raises UnsupportedError for one whose methods have no form here."""
    name = type(model).__name__
    if not type(model).__module__.startswith("sklearn."):
        return None
    if name in {"KMeans", "MiniBatchKMeans"}:
        return _nearest_centre(model)
    if name == "SGDOneClassSVM":
        return _one_class(model)
    if name not in CLASSIFIERS | REGRESSORS:
        return None
    coefficients = real(
        model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
    )  # sparse after sparsify()
    several = np.atleast_2d(coefficients)
    intercept = np.broadcast_to(np.atleast_1d(real(model.intercept_)).ravel(), (len(several),)).copy()
    classifies = name in CLASSIFIERS
    methods = _classifier_methods(model, len(several)) if classifies else _regressor_methods(model, coefficients.ndim)
    return LinearModel(coefficients=several.T, intercept=intercept, methods=methods)


def _nearest_centre(model: Any) -> LinearModel:
    """Squared distances less what is the same for every centre, as the library compares them."""
    centres = real(model.cluster_centers_)
    label = np.dtype(np.int32).str
    return LinearModel(
        coefficients=-2.0 * centres.T,
        intercept=np.einsum("ij,ij->i", centres, centres),
        methods={"predict": (("smallest",), ("as", label))},
    )


def _one_class(model: Any) -> LinearModel:
    offset = real(np.atleast_1d(model.offset_))
    score: Steps = (("column", 0),)
    return LinearModel(
        coefficients=real(np.atleast_2d(model.coef_)).T,
        intercept=-offset,
        methods={
            "decision_function": score,
            "score_samples": (*score, ("add", float(offset[0]))),
            "predict": (*score, ("outlier",), ("as", np.dtype(np.int32).str)),
        },
    )


def _regressor_methods(model: Any, dimensions: int) -> dict[str, Steps]:
    ending: Steps = ()
    if type(model).__name__ in LOG_LINKS:
        link = (
            type(model._base_loss.link).__name__
            if hasattr(model, "_base_loss")
            else type(model._get_loss().link).__name__
        )
        if link not in {"LogLink", "IdentityLink"}:
            raise UnsupportedError(f"the link {link} is not known")
        ending = (("exp",),) if link == "LogLink" else ()
    return {"predict": ((("column", 0), *ending) if dimensions == 1 else ending)}


def _classifier_methods(model: Any, scores: int) -> dict[str, Steps]:
    classes = model.classes_
    if isinstance(classes, list) or classes.ndim != 1 or (scores == 1) != (len(classes) == 2):
        raise UnsupportedError("it answers several labels a row")
    methods: dict[str, Steps] = {"decision_function": (("column", 0),) if scores == 1 else ()}
    candidates: dict[str, tuple[Steps, ...]] = {
        "predict": ((("positive",),), (("nonnegative",),)) if scores == 1 else ((("largest",),),),
        "predict_proba": ((("logistic",),),) if scores == 1 else ((("softmax",),), (("one_against_rest",),)),
    }
    raw = probe_scores(scores)
    asked = copy.copy(model)
    asked.decision_function = lambda _: raw[:, 0].copy() if scores == 1 else raw.copy()
    rows = np.zeros((len(raw), model.n_features_in_))
    for name, choices in candidates.items():
        if not hasattr(model, name):
            continue
        answer = getattr(asked, name)(rows)
        fitting = [steps for steps in choices if _agrees(steps, raw, classes, answer)]
        if fitting:
            methods[name] = fitting[0]
        elif name == "predict":
            raise UnsupportedError("its labels do not follow from its scores")
    return methods


def _agrees(steps: Steps, raw: NDArray[np.float64], classes: NDArray[Any], answer: NDArray[Any]) -> bool:
    own = raw
    for step in steps:
        own = finisher(step, classes)(own)
    if answer.dtype.kind == "f" and own.dtype.kind == "f" and own.shape == answer.shape:
        return bool(np.allclose(own, answer, rtol=CLOSE, atol=CLOSE))
    return bool(np.array_equal(own, answer))


def probe_scores(columns: int) -> NDArray[np.float64]:
    """Rows of scores with every tie among them, each score alone and in company."""
    if columns == 1:
        return PROBES.reshape(-1, 1)
    generator = np.random.default_rng(0)
    rows = [np.full(columns, score) for score in PROBES]
    rows += [generator.choice(PROBES, columns) for _ in range(40)]
    for first in range(min(columns, 8)):
        for second in range(first + 1, min(columns, 8)):
            tie = np.full(columns, -1.0)
            tie[[first, second]] = 0.5
            rows.append(tie)
    return np.array(rows)
