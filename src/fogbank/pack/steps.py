"""The steps before a pipeline's last, as nodes: each does what the library's `transform` does, in the same order of operations.

What is only multiplied, shifted or chosen is exact to the last bit; what adds up along a row is as close as doubles are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import TensorProto

from fogbank.pack.graph import Columns, Graph, UnsupportedError, real

Export = Callable[[Any, Graph, Columns], Columns]


def export_step(step: Any, graph: Graph, table: Columns) -> Columns:
    """What comes out of a fitted step's `transform`. Raises UnsupportedError."""
    if step is None or step in ("passthrough", "drop"):
        return table
    export = EXPORTS.get(type(step).__name__)
    if export is None or not type(step).__module__.startswith("sklearn."):
        raise UnsupportedError(f"{type(step).__name__} has no exact form here")
    width = getattr(step, "n_features_in_", table.width)
    if width != table.width:
        raise UnsupportedError(f"{type(step).__name__} takes {width} columns, not {table.width}")
    if table.sparse:
        raise UnsupportedError(f"{type(step).__name__} computes another way with a sparse matrix")
    return export(step, graph, table)


def _mixed(name: str, width: int) -> Columns:
    return Columns(name=name, width=width, sources=None, exact=False)


def _same(table: Columns, name: str) -> Columns:
    return replace(table, name=name)


def _scaled(graph: Graph, table: Columns, *steps: tuple[str, Any]) -> Columns:
    """Operations with constants, a column each, after which an infinity is still one: who looks next refuses it."""
    name = table.name
    for operator, values in steps:
        constants = real(values)
        if not np.isfinite(constants).all() or (operator in {"Mul", "Div"} and not constants.all()):
            raise UnsupportedError("a scaler's numbers are not all finite, or some are zero")
        name = graph.add(operator, name, graph.constant(constants))
    return replace(table, name=name, unchecked=True)


def _clipped(graph: Graph, table: Columns, low: float, high: float) -> Columns:
    """numpy.clip, which lets NaN be."""
    table = graph.refuse(table)
    lowest, highest = graph.constant(low), graph.constant(high)
    raised = graph.add("Where", graph.add("Less", table.name, lowest), lowest, table.name)
    return _same(table, graph.add("Where", graph.add("Greater", raised, highest), highest, raised))


def _standard_scaler(step: Any, graph: Graph, table: Columns) -> Columns:
    centred = [("Sub", step.mean_)] if step.with_mean else []
    return _scaled(graph, table, *centred, *([("Div", step.scale_)] if step.with_std else []))


def _min_max_scaler(step: Any, graph: Graph, table: Columns) -> Columns:
    scaled = _scaled(graph, table, ("Mul", step.scale_), ("Add", step.min_))
    return _clipped(graph, scaled, *map(float, step.feature_range)) if step.clip else scaled


def _max_abs_scaler(step: Any, graph: Graph, table: Columns) -> Columns:
    scaled = _scaled(graph, table, ("Div", step.scale_))
    return _clipped(graph, scaled, -1.0, 1.0) if getattr(step, "clip", False) else scaled


def _robust_scaler(step: Any, graph: Graph, table: Columns) -> Columns:
    centred = [("Sub", step.center_)] if step.with_centering else []
    return _scaled(graph, table, *centred, *([("Div", step.scale_)] if step.with_scaling else []))


def _simple_imputer(step: Any, graph: Graph, table: Columns) -> Columns:
    statistics = real(step.statistics_)
    missing = step.missing_values
    is_nan = isinstance(missing, float) and np.isnan(missing)
    if not is_nan and not isinstance(missing, int | float):
        raise UnsupportedError(f"SimpleImputer fills {missing!r}, which is no number")
    if getattr(step, "_fit_dtype", np.dtype(float)).kind == "O":
        raise UnsupportedError("SimpleImputer was fitted on objects")
    table = graph.refuse(table, nan=not is_nan, infinity=True)
    keep_empty = getattr(step, "keep_empty_features", False) or step.strategy == "constant"
    kept = [place for place in range(table.width) if keep_empty or not np.isnan(statistics[place])]
    if np.isnan(statistics[kept]).any():
        raise UnsupportedError("SimpleImputer keeps columns that it never saw a value of")
    chosen = graph.columns(table, kept)
    empty = graph.add("IsNaN", chosen.name) if is_nan else graph.add("Equal", chosen.name, graph.constant(missing))
    filled = _same(chosen, graph.add("Where", empty, graph.constant(statistics[kept]), chosen.name))
    if not step.add_indicator:
        return filled
    places = list(step.indicator_.features_)
    shown = graph.columns(table, places)
    holes = graph.add("IsNaN", shown.name) if is_nan else graph.add("Equal", shown.name, graph.constant(missing))
    return _joined(graph, [filled, _same(shown, graph.add("Cast", holes, to=TensorProto.DOUBLE))])


def _joined(graph: Graph, tables: Sequence[Columns]) -> Columns:
    if len(tables) == 1:
        return tables[0]
    known = all(table.sources is not None for table in tables)
    return Columns(
        name=graph.add("Concat", *(table.name for table in tables), axis=1),
        width=sum(table.width for table in tables),
        sources=tuple(place for table in tables for place in table.sources or ()) if known else None,
        exact=all(table.exact for table in tables),
        unchecked=any(table.unchecked for table in tables),
        sparse=any(table.sparse for table in tables),
    )


def _selector(step: Any, graph: Graph, table: Columns) -> Columns:
    """Columns are chosen; whether NaN and infinities may pass is the selector's own to say."""
    takes_all = _takes(step, table.width, np.inf)
    table = graph.refuse(table, nan=not _takes(step, table.width, np.nan), infinity=not takes_all)
    return graph.columns(table, [int(place) for place in step.get_support(indices=True)])


def _takes(step: Any, width: int, value: float) -> bool:
    """Whether a fitted transformer takes a row of this value."""
    try:
        step.transform(np.full((1, width), value))
    except ValueError:
        return False
    return True


def _function(step: Any, graph: Graph, table: Columns) -> Columns:
    if step.func is not None:
        raise UnsupportedError("FunctionTransformer calls a function of the project's")
    return graph.refuse(table, nan=bool(step.validate), infinity=bool(step.validate))


def _binarizer(step: Any, graph: Graph, table: Columns) -> Columns:
    table = graph.refuse(table, nan=True, infinity=True)
    above = graph.add("Greater", table.name, graph.constant(step.threshold))
    return _same(table, graph.add("Cast", above, to=TensorProto.DOUBLE))


def _column_transformer(step: Any, graph: Graph, table: Columns) -> Columns:
    parts = []
    for name, transformer, _ in step.transformers_:
        places = [int(place) for place in step._transformer_to_input_indices[name]]
        if not places or (isinstance(transformer, str) and transformer == "drop"):
            continue
        parts.append(export_step(transformer, graph, graph.columns(table, places)))
    if not parts:
        raise UnsupportedError("ColumnTransformer drops every column")
    return replace(_joined(graph, parts), sparse=bool(getattr(step, "sparse_output_", False)))


def _feature_union(step: Any, graph: Graph, table: Columns) -> Columns:
    parts = [
        (name, transformer)
        for name, transformer in step.transformer_list
        if not (isinstance(transformer, str) and transformer == "drop")
    ]
    tables = []
    for name, transformer in parts:
        part = export_step(transformer, graph, table)
        weight = (step.transformer_weights or {}).get(name)
        tables.append(part if weight is None else _same(part, graph.add("Mul", part.name, graph.constant(weight))))
    return _joined(graph, tables)


def _pipeline(step: Any, graph: Graph, table: Columns) -> Columns:
    for _, inner in step.steps:
        table = export_step(inner, graph, table)
    return table


def _codes(step: Any, graph: Graph, table: Columns, place: int) -> tuple[str, int]:
    """Which category each cell of a column is, as one column of truth for each category."""
    categories = real(step.categories_[place])
    if np.isnan(categories).any():
        raise UnsupportedError(f"{type(step).__name__} counts missing values as a category")
    cell = graph.columns(table, [place])
    return graph.add("Equal", cell.name, graph.constant(categories.reshape(1, -1))), len(categories)


def _one_hot_encoder(step: Any, graph: Graph, table: Columns) -> Columns:
    if getattr(step, "_infrequent_enabled", False) or np.dtype(step.dtype) != np.float64:
        raise UnsupportedError("OneHotEncoder groups what is infrequent, or makes no doubles")
    if step.handle_unknown not in {"error", "ignore"}:
        raise UnsupportedError(f"OneHotEncoder with handle_unknown={step.handle_unknown!r}")
    table = graph.refuse(table, nan=step.handle_unknown == "error", infinity=True)
    parts = []
    for place in range(table.width):
        known, width = _codes(step, graph, table, place)
        ones = graph.add("Cast", known, to=TensorProto.DOUBLE)
        if step.handle_unknown == "error":
            graph.refuse_unless(ones)
        dropped = step.drop_idx_[place] if step.drop_idx_ is not None else None
        places = [code for code in range(width) if code != dropped]
        source = None if table.sources is None else (table.sources[place],) * width
        part = replace(table, name=ones, width=width, sources=source)
        parts.append(graph.columns(part, places))
    return replace(_joined(graph, parts), sparse=bool(step.sparse_output))


def _ordinal_encoder(step: Any, graph: Graph, table: Columns) -> Columns:
    unknown = step.handle_unknown == "use_encoded_value"
    if getattr(step, "_infrequent_enabled", False) or np.dtype(step.dtype) != np.float64:
        raise UnsupportedError("OrdinalEncoder groups what is infrequent, or makes no doubles")
    table = graph.refuse(table, nan=not unknown, infinity=True)
    parts = []
    for place in range(table.width):
        known, width = _codes(step, graph, table, place)
        ones = graph.add("Cast", known, to=TensorProto.DOUBLE)
        code = graph.add("MatMul", ones, graph.constant(np.arange(width, dtype=float).reshape(-1, 1)))
        if unknown:
            seen = graph.add("ReduceMax", ones, graph.constant([1], np.int64), keepdims=1)
            truth = graph.add("Greater", seen, graph.constant(0.0))
            code = graph.add("Where", truth, code, graph.constant(float(step.unknown_value)))
        else:
            graph.refuse_unless(ones)
        source = None if table.sources is None else (table.sources[place],)
        parts.append(replace(table, name=code, width=1, sources=source))
    return _joined(graph, parts)


def _normalizer(step: Any, graph: Graph, table: Columns) -> Columns:
    """A row of nothing but zeros stays as it is."""
    table = graph.refuse(table, nan=True, infinity=True)
    axes = graph.constant([1], np.int64)
    size = graph.add("Abs", table.name)
    if step.norm == "l2":
        length = graph.add("Sqrt", graph.add("ReduceSum", graph.add("Mul", table.name, table.name), axes, keepdims=1))
    else:
        length = graph.add("ReduceSum" if step.norm == "l1" else "ReduceMax", size, axes, keepdims=1)
    nothing = graph.add("Less", length, graph.constant(10 * np.finfo(np.float64).eps))  # what the library calls zero
    divisor = graph.add("Where", nothing, graph.constant(1.0), length)
    return _mixed(graph.add("Div", table.name, divisor), table.width)


def _projection(step: Any, graph: Graph, table: Columns) -> Columns:
    """PCA and its kin: times the components, less the mean's own place, and for some over the spread."""
    table = graph.refuse(table, nan=True, infinity=True)
    components = real(step.components_)
    name = graph.add("MatMul", table.name, graph.constant(components.T))
    mean = getattr(step, "mean_", None)
    if mean is not None:
        name = graph.add("Sub", name, graph.constant(real(mean).reshape(1, -1) @ components.T))
    if getattr(step, "whiten", False):
        spread = np.sqrt(real(step.explained_variance_))
        name = graph.add("Div", name, graph.constant(np.maximum(spread, np.finfo(float).eps)))
    return _mixed(name, len(components))


def _polynomial_features(step: Any, graph: Graph, table: Columns) -> Columns:
    """Each column is a product of some: the factors are gathered side by side, a column of ones where there are fewer."""
    table = graph.refuse(table, nan=True, infinity=True)
    factors = [[place for place, times in enumerate(power) for _ in range(times)] for power in step.powers_]
    most = max(map(len, factors))
    nothing = graph.add("Mul", graph.columns(table, [0]).name, graph.constant(0.0))
    one = graph.add("Add", nothing, graph.constant(1.0))
    padded = Columns(name=graph.add("Concat", table.name, one, axis=1), width=table.width + 1, sources=None)
    product = ""
    for turn in reversed(range(most)):  # the library multiplies the first factor last
        places = [places[turn] if turn < len(places) else table.width for places in factors]
        factor = graph.add("Gather", padded.name, graph.constant(places, np.int64), axis=1)
        product = graph.add("Mul", factor, product) if product else factor
    return _mixed(product, len(factors))


SELECTORS = (
    "GenericUnivariateSelect", "RFE", "RFECV", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectFwe", "SelectKBest",
    "SelectPercentile", "SequentialFeatureSelector", "VarianceThreshold",
)  # fmt: skip
EXPORTS: dict[str, Export] = {
    **dict.fromkeys(SELECTORS, _selector),
    **dict.fromkeys(("PCA", "IncrementalPCA", "TruncatedSVD"), _projection),
    "Binarizer": _binarizer,
    "ColumnTransformer": _column_transformer,
    "FeatureUnion": _feature_union,
    "FunctionTransformer": _function,
    "MaxAbsScaler": _max_abs_scaler,
    "MinMaxScaler": _min_max_scaler,
    "Normalizer": _normalizer,
    "OneHotEncoder": _one_hot_encoder,
    "OrdinalEncoder": _ordinal_encoder,
    "Pipeline": _pipeline,
    "PolynomialFeatures": _polynomial_features,
    "RobustScaler": _robust_scaler,
    "SimpleImputer": _simple_imputer,
    "StandardScaler": _standard_scaler,
}
