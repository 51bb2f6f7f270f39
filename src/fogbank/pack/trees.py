"""scikit-learn's tree models as ensembles: which number each leaf adds, in which order, and what becomes of the sum.

Written after the library's own `predict` and `predict_proba`, operation by operation; pack proves them equal to the last bit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.pack.ensembles import LEAF, Ensemble, Tree, constant_tree
from fogbank.pack.graph import UnsupportedError, real

Steps = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class TreeModel:
    """An ensemble and what its methods make of the sums. `nan` and `infinity` say what the model refuses.

    `groups` is the number of trees that an iteration has.
    """

    ensemble: Ensemble
    methods: Mapping[str, Steps]
    groups: int = 1
    nan: bool = True
    infinity: bool = True
    places: tuple[int, ...] = field(default=())
    """The columns that the refusals are about; empty for all."""


def tree_model(model: Any) -> TreeModel | None:
    """A fitted model as an ensemble; None where it is no tree model. Raises UnsupportedError for one that has no exact form."""
    read = READERS.get(type(model).__name__)
    return read(model) if read is not None and type(model).__module__.startswith("sklearn.") else None


def _takes(model: Any, value: float) -> bool:
    """Whether a fitted model takes a row of this value: asked of the model itself."""
    try:
        model.predict(np.full((1, model.n_features_in_), value))
    except ValueError:
        return False
    return True


def _tree(fitted: Any, values: NDArray[np.float64], features: NDArray[np.int64] | None = None) -> Tree:
    """One of the library's `tree_`, with what its nodes say; `features` are the columns that it was given."""
    tree = fitted.tree_
    feature = np.where(tree.children_left == LEAF, 0, tree.feature).astype(np.int64)
    missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count, np.uint8))
    return Tree(
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        feature=feature if features is None else np.asarray(features)[feature],
        threshold=tree.threshold.astype(np.float64),
        missing_left=missing.astype(bool),
        values=values,
    )


def _probabilities(fitted: Any) -> NDArray[np.float64]:
    """What a classification tree's nodes say, as its `predict_proba` does. Raises UnsupportedError."""
    if fitted.n_outputs_ != 1:
        raise UnsupportedError("several outputs of a classifier are answered as a list")
    values = fitted.tree_.value[:, 0, : fitted.n_classes_]
    if not np.allclose(values.sum(axis=1), 1.0):  # counts, before scikit-learn 1.3
        raise UnsupportedError("this scikit-learn's trees hold counts")
    return real(values)


def _numbers(fitted: Any) -> NDArray[np.float64]:
    """What a regression tree's nodes say, a column for each output."""
    return real(fitted.tree_.value[:, :, 0])


def _single(trees: list[Tree]) -> Ensemble:
    return Ensemble(trees=trees, single=True)


def _classifier(model: Any) -> TreeModel:
    members = getattr(model, "estimators_", None) or [model]
    shares: Steps = (("divide", float(len(members))),) if hasattr(model, "estimators_") else ()
    ensemble = _single([_tree(member, _probabilities(member)) for member in members])
    methods = {"predict_proba": shares, "predict": (*shares, ("largest",))}
    return TreeModel(
        ensemble=ensemble,
        methods=methods,
        nan=not _takes(model, np.nan),
    )


def _regressor(model: Any) -> TreeModel:
    members = getattr(model, "estimators_", None) or [model]
    shares: Steps = (("divide", float(len(members))),) if hasattr(model, "estimators_") else ()
    column: Steps = (("column", 0),) if model.n_outputs_ == 1 else ()
    ensemble = _single([_tree(member, _numbers(member)) for member in members])
    return TreeModel(ensemble=ensemble, methods={"predict": (*shares, *column)}, nan=not _takes(model, np.nan))


def _gradient_boosting(model: Any) -> TreeModel:
    """Each stage adds its rate times a leaf's value to what the initial estimator says, which must be the same of every row."""
    stages, groups = model.estimators_.shape
    if model.init_ != "zero" and type(model.init_).__name__ not in {"DummyClassifier", "DummyRegressor"}:
        raise UnsupportedError("the initial estimator is a model of its own")
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_)))
    trees = [constant_tree(real(start[:, group])) for group in range(groups)]
    for stage in range(stages):
        for member in model.estimators_[stage]:
            trees.append(_tree(member, model.learning_rate * real(member.tree_.value[:, 0, :1])))
    return TreeModel(
        ensemble=_single(trees), groups=groups, methods=_boosted(model, groups, _tie(model, "decision_function"))
    )


def _boosted(model: Any, groups: int, tie: str) -> dict[str, Steps]:
    """The methods of a boosted model, from the sums of its trees."""
    column: Steps = (("column", 0),)
    if not hasattr(model, "classes_"):
        inverse = {"IdentityLink": (), "LogLink": (("exp",),)}.get(type(model._loss.link).__name__)
        if inverse is None:
            raise UnsupportedError(f"the link {type(model._loss.link).__name__} is not known")
        return {"predict": (*column, *inverse)}
    if groups > 1:
        return {"predict": (("largest",),), "predict_proba": (("softmax",),), "decision_function": ()}
    methods: dict[str, Steps] = {"predict": ((tie,),), "decision_function": column}
    if hasattr(model, "predict_proba"):
        doubled: Steps = (("multiply", 2.0),) if type(model._loss).__name__ == "ExponentialLoss" else ()
        methods["predict_proba"] = (*doubled, ("logistic",))
    return methods


def _hist_gradient_boosting(model: Any) -> TreeModel:
    """Doubles as they come, nothing refused; each iteration adds its leaves' values to the baseline."""
    if model._preprocessor is not None:
        raise UnsupportedError("categories are encoded before its trees")
    groups = model.n_trees_per_iteration_
    trees = [constant_tree(value) for value in real(np.atleast_2d(model._baseline_prediction)).ravel().reshape(-1, 1)]
    for iteration in model._predictors:
        trees += [_binned(predictor.nodes) for predictor in iteration]
    ensemble = Ensemble(trees=trees, single=False)
    return TreeModel(
        ensemble=ensemble,
        groups=groups,
        nan=not _takes(model, np.nan),
        infinity=not _takes(model, np.inf),
        methods=_boosted(model, groups, _tie(model, "_raw_predict")),
    )


def _tie(model: Any, scores: str) -> str:
    """Which class a score of zero is, asked of the model itself: it has changed between versions of the library."""
    if not hasattr(model, "classes_"):
        return "positive"
    asked = copy.copy(model)
    zeros = np.zeros(1) if scores == "decision_function" else np.zeros((1, 1))
    setattr(asked, scores, lambda _: zeros)
    answer = asked.predict(np.zeros((1, model.n_features_in_)))[0]
    return "nonnegative" if answer == model.classes_[-1] else "positive"


def _binned(nodes: Any) -> Tree:
    if nodes["is_categorical"].any():
        raise UnsupportedError("its trees split by categories")
    is_leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        left=np.where(is_leaf, LEAF, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, LEAF, nodes["right"].astype(np.int64)),
        feature=np.where(is_leaf, 0, nodes["feature_idx"].astype(np.int64)),
        threshold=np.where(is_leaf, 0.0, nodes["num_threshold"]),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        values=nodes["value"].astype(np.float64).reshape(-1, 1),
    )


def _isolation_forest(model: Any) -> TreeModel:
    """The depth at which each tree sets a row apart, added up, and over what is expected."""
    from sklearn.ensemble._iforest import _average_path_length

    trees = []
    for number, (member, features) in enumerate(zip(model.estimators_, model.estimators_features_, strict=True)):
        depths = model._decision_path_lengths[number] + model._average_path_length_per_tree[number] - 1.0
        trees.append(_tree(member, real(depths).reshape(-1, 1), features))
    expected = float((len(model.estimators_) * _average_path_length([model._max_samples]))[0])
    if expected == 0:
        raise UnsupportedError("it was fitted on one row")
    score: Steps = (("column", 0), ("divide", expected), ("power",))
    apart: Steps = (*score, ("subtract", float(model.offset_)))
    return TreeModel(
        ensemble=_single(trees),
        nan=not _takes(model, np.nan),
        infinity=not _takes(model, np.inf),
        methods={"score_samples": score, "decision_function": apart, "predict": (*apart, ("outlier",))},
    )


def _bagging(model: Any) -> TreeModel:
    """Trees on columns of their own; a tree that never saw a class says zero of it."""
    trees, places, takes_nan = [], set(), True
    for member, features in zip(model.estimators_, model.estimators_features_, strict=True):
        if type(member).__name__ not in TREES:
            raise UnsupportedError(f"it is made of {type(member).__name__}")
        if hasattr(model, "classes_"):
            shares = _probabilities(member)
            values = np.zeros((len(shares), len(model.classes_)))
            values[:, np.asarray(member.classes_, dtype=np.int64)] = shares
        else:
            values = _numbers(member)
        trees.append(_tree(member, values, features))
        places.update(np.asarray(features).tolist())
        takes_nan = takes_nan and _takes(member, np.nan)
    shared: Steps = (("divide", float(model.n_estimators)),)
    methods: dict[str, Steps] = {"predict": (*shared, ("column", 0))}
    if hasattr(model, "classes_"):
        methods = {"predict": (*shared, ("largest",)), "predict_proba": shared}
    elif model.estimators_[0].n_outputs_ != 1:
        methods = {"predict": shared}
    return TreeModel(
        ensemble=_single(trees),
        methods=methods,
        nan=not takes_nan,
        places=tuple(sorted(places)),
    )


def _ada_boost(model: Any) -> TreeModel:
    """Each tree votes with its weight for its class, and with a share of it against the others."""
    classes, trees = model.classes_, []
    if getattr(model, "algorithm", "SAMME") == "SAMME.R" or len(classes) < 2:
        raise UnsupportedError("it adds up logarithms of probabilities")
    for member, weight in zip(model.estimators_, model.estimator_weights_, strict=False):
        if type(member).__name__ not in TREES:
            raise UnsupportedError(f"it is made of {type(member).__name__}")
        votes = member.classes_.take(np.argmax(_probabilities(member), axis=1))
        against = -1 / (len(classes) - 1) * weight
        trees.append(_tree(member, np.where(votes.reshape(-1, 1) == classes, weight, against)))
    shared: Steps = (("divide", float(model.estimator_weights_.sum())),)
    methods: dict[str, Steps]
    if len(classes) == 2:
        shared = (*shared, ("second_less_first",))
        methods = {
            "predict": (*shared, (_tie(model, "decision_function"),)),
            "decision_function": (*shared, ("column", 0)),
        }
        methods["predict_proba"] = (*shared, ("opposite",), ("divide", 2.0), ("softmax",))
    else:
        methods = {"predict": (*shared, ("largest",)), "decision_function": shared}
        methods["predict_proba"] = (*shared, ("divide", float(len(classes) - 1)), ("softmax",))
    return TreeModel(ensemble=_single(trees), methods=methods, nan=not _takes(model, np.nan))


TREES = frozenset({"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"})
READERS: dict[str, Callable[[Any], TreeModel]] = {
    **dict.fromkeys(("DecisionTreeClassifier", "ExtraTreeClassifier"), _classifier),
    **dict.fromkeys(("RandomForestClassifier", "ExtraTreesClassifier"), _classifier),
    **dict.fromkeys(("DecisionTreeRegressor", "ExtraTreeRegressor"), _regressor),
    **dict.fromkeys(("RandomForestRegressor", "ExtraTreesRegressor"), _regressor),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), _gradient_boosting),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), _hist_gradient_boosting),
    **dict.fromkeys(("BaggingClassifier", "BaggingRegressor"), _bagging),
    "AdaBoostClassifier": _ada_boost,
    "IsolationForest": _isolation_forest,
}
