"""A fitted scikit-learn model to an ONNX file: the steps of a pipeline one after the other, then its last.

In: an estimator; out: the file's bytes and what the proof must know of it. Raises UnsupportedError with the part that has no form.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from onnx import TensorProto

from fogbank.pack import converter
from fogbank.pack.ensembles import Ensemble, export_ensemble
from fogbank.pack.graph import Columns, Graph, UnsupportedError
from fogbank.pack.linear import LinearModel, linear_model
from fogbank.pack.steps import export_step
from fogbank.pack.trees import TreeModel, tree_model
from fogbank.scoring.plan import Leaves, MethodPlan, Plan

SCORES, LEAVES = "scores", "leaves"
SMOOTH = frozenset({"exp", "logistic", "one_against_rest", "power", "softmax"})
SEARCHES = ("GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV")
INSIDE = {**dict.fromkeys(SEARCHES, "best_estimator_"), "FrozenEstimator": "estimator", "RANSACRegressor": "estimator_"}
"""Models that answer what one inside of them answers, and where it is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversion:
    """The file's bytes. `before` are the fitted steps before the last, `ensemble` the trees where the last has some.

    `sources` are the model's columns behind each of the last step's; `maker` says who wrote the graph; `smooth` are the
    methods that end in an exponential.
    """

    onnx: bytes
    methods: tuple[str, ...]
    maker: str = "fogbank"
    before: tuple[Any, ...] = ()
    ensemble: Ensemble | None = None
    sources: tuple[int, ...] = field(default=())
    smooth: frozenset[str] = frozenset()

    def tolerances(self, tolerance: float) -> dict[str, float]:
        """How far a score may move by each method: not at all where trees add up, unless an exponential comes after."""
        return {
            name: 0.0 if self.ensemble is not None and name not in self.smooth else tolerance for name in self.methods
        }


def convert(model: Any) -> Conversion:
    """A fitted estimator or pipeline as ONNX. Raises UnsupportedError."""
    steps, last = flattened(model)
    if not type(last).__module__.startswith("sklearn."):
        raise UnsupportedError(f"{type(last).__module__}.{type(last).__name__} is not a scikit-learn estimator")
    graph = Graph(_features(model, last))
    table = graph.rows
    for step in steps:
        table = _step(step, graph, table)
    trees = tree_model(last)
    if trees is not None:
        return _trees(model, steps, trees, graph, table)
    lines = linear_model(last)
    if lines is not None:
        return _linear(model, last, lines, graph, table)
    if type(last).__name__ in converter.CONVERTED:
        outputs, methods = converter.convert_last(last, graph, table)
        plan = _plan(model, last, methods)
        return Conversion(onnx=graph.encode(outputs, plan), methods=tuple(plan.methods), maker=_skl2onnx())
    raise UnsupportedError(f"{type(last).__name__} has no exact form here")


def flattened(model: Any) -> tuple[list[Any], Any]:
    """A model's steps and its last, through pipelines in pipelines and what only stands for another."""
    name = type(model).__name__
    if type(model).__module__.startswith("sklearn."):
        if name == "Pipeline" and model.steps:
            last_steps, last = flattened(model.steps[-1][1])
            return [step for _, step in model.steps[:-1]] + last_steps, last
        inner = getattr(model, INSIDE.get(name, ""), None)
        if inner is not None:
            return flattened(inner)
        if name in {"RFE", "RFECV"}:
            steps, last = flattened(model.estimator_)
            return [model, *steps], last
    return [], model


def _features(model: Any, last: Any) -> int:
    features = getattr(model, "n_features_in_", None)
    if features is None:
        raise UnsupportedError(f"{type(last).__name__} does not say how many columns it takes")
    return int(features)


def _step(step: Any, graph: Graph, table: Columns) -> Columns:
    if type(step).__name__ in converter.TRANSFORMERS and type(step).__module__.startswith("sklearn."):
        return converter.convert_step(step, graph, table)
    return export_step(step, graph, table)


def _trees(model: Any, steps: list[Any], trees: TreeModel, graph: Graph, table: Columns) -> Conversion:
    sources = table.sources
    if not table.exact or sources is None:
        raise UnsupportedError("the steps before its trees add up numbers, whose last bits decide at thresholds")
    if trees.places:
        table = graph.refuse(table)  # the steps before look at every column
    if trees.ensemble.single:
        table = replace(table, name=graph.add("Cast", table.name, to=TensorProto.FLOAT))
    looked_at = graph.columns(table, trees.places) if trees.places else table
    if table.sparse and not trees.ensemble.single:
        raise UnsupportedError("it takes no sparse matrix")
    graph.refuse(looked_at, nan=trees.nan or table.sparse, infinity=trees.infinity)
    name = graph.add("Cast", table.name, to=TensorProto.DOUBLE) if trees.ensemble.single else table.name
    places, values = export_ensemble(trees.ensemble, graph, name)
    methods = {name: MethodPlan(output=LEAVES, finish=finish) for name, finish in trees.methods.items()}
    plan = _plan(model, flattened(model)[1], methods, {LEAVES: Leaves(values=values, groups=trees.groups)})
    return Conversion(
        onnx=graph.encode({LEAVES: places}, plan),
        methods=tuple(plan.methods),
        before=tuple(steps),
        ensemble=trees.ensemble,
        sources=sources,
        smooth=frozenset(name for name, finish in trees.methods.items() if any(step[0] in SMOOTH for step in finish)),
    )


def _linear(model: Any, last: Any, lines: LinearModel, graph: Graph, table: Columns) -> Conversion:
    table = graph.refuse(table, nan=True, infinity=True)
    product = graph.add("MatMul", table.name, graph.constant(lines.coefficients))
    outputs = {SCORES: graph.add("Add", product, graph.constant(lines.intercept))}
    methods = {name: MethodPlan(output=SCORES, finish=finish) for name, finish in lines.methods.items()}
    plan = _plan(model, last, methods)
    return Conversion(onnx=graph.encode(outputs, plan), methods=tuple(plan.methods))


def _plan(model: Any, last: Any, methods: dict[str, MethodPlan], leaves: dict[str, Leaves] | None = None) -> Plan:
    """The plan, with no method that the model itself does not have."""
    classes = getattr(last, "classes_", None)
    names = getattr(model, "feature_names_in_", ())
    return Plan(
        features=int(model.n_features_in_),
        names=tuple(map(str, names)),
        methods={name: method for name, method in methods.items() if hasattr(model, name)},
        classes=None if classes is None else np.asarray(classes),
        leaves=leaves or {},
    )


def _skl2onnx() -> str:
    from skl2onnx import __version__

    return f"skl2onnx {__version__}"
