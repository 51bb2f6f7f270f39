"""Steps that skl2onnx converts in double precision: smooth functions of their input, where a last bit moves no answer far.

What jumps (trees, neighbours, bins) or counts (naive Bayes of counts, whose classes tie) is not here, nor what the converter
computes in single precision inside: there a last bit may be another answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fogbank.pack.graph import OPSET, Columns, Graph, UnsupportedError
from fogbank.scoring.plan import MethodPlan

CLASSIFIERS = frozenset({"GaussianNB", "MLPClassifier", "QuadraticDiscriminantAnalysis"})
REGRESSORS = frozenset({"GaussianProcessRegressor", "MLPRegressor", "PLSRegression"})
CLUSTERS = frozenset({"BayesianGaussianMixture", "GaussianMixture"})
TRANSFORMERS = frozenset({"GaussianRandomProjection", "NeighborhoodComponentsAnalysis"})
CONVERTED = CLASSIFIERS | REGRESSORS | CLUSTERS


def convert_last(model: Any, graph: Graph, table: Columns) -> tuple[dict[str, str], dict[str, MethodPlan]]:
    """A pipeline's last step: the graph's outputs by name, and the methods that end there. Raises UnsupportedError."""
    name = type(model).__name__
    classifies = name in CLASSIFIERS
    if table.sparse:
        raise UnsupportedError(f"{name} computes another way with a sparse matrix")
    table = graph.refuse(table, nan=True, infinity=True)
    inserted = graph.insert(_converted(model, table.width, {"zipmap": False} if classifies else {}), table)
    if classifies:
        codes = _codes(model.classes_)
        methods = {"predict": MethodPlan(output="label", finish=(("lookup", *codes),))}
        methods["predict_proba"] = MethodPlan(output="shares")
        return {"label": inserted[0], "shares": inserted[1]}, methods
    if name in CLUSTERS:
        predicted = model.predict(np.zeros((1, table.width)))
        methods = {"predict": MethodPlan(output="label", finish=(("flat",), ("as", predicted.dtype.str)))}
        return {"label": inserted[0]}, methods
    flat = np.ndim(model.predict(np.zeros((1, table.width)))) == 1
    return {"value": inserted[0]}, {"predict": MethodPlan(output="value", finish=(("flat",),) if flat else ())}


def convert_step(step: Any, graph: Graph, table: Columns) -> Columns:
    """A step before the last. Raises UnsupportedError."""
    table = graph.refuse(table, nan=True, infinity=True)
    width = step.transform(np.zeros((1, table.width))).shape[1]
    return Columns(
        name=graph.insert(_converted(step, table.width, {}), table)[0], width=width, sources=None, exact=False
    )


def _converted(model: Any, width: int, options: dict[str, Any]) -> Any:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType

    try:
        return to_onnx(
            model,
            initial_types=[("input", DoubleTensorType([None, width]))],
            options={id(model): options} if options else None,
            target_opset=OPSET,
        )
    except Exception as error:
        raise UnsupportedError(f"skl2onnx cannot convert it: {(str(error).strip().splitlines() or [''])[0]}") from error


def _codes(classes: Any) -> list[Any]:
    """What the converter writes for each label. Raises UnsupportedError where two labels have one code."""
    if classes.dtype.kind in "US" or (classes.dtype.kind == "O" and all(isinstance(label, str) for label in classes)):
        return [str(label) for label in classes]
    if classes.dtype.kind in "biuf" and (classes == classes.astype(np.int64)).all():
        return [int(label) for label in classes]
    raise UnsupportedError(f"labels of dtype {classes.dtype} have no code in ONNX")
