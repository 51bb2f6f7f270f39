"""Each step before a last, beside the library's own `transform`: the numbers, their number, and what it refuses."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from fogbank.pack.graph import Graph, UnsupportedError
from fogbank.pack.steps import export_step
from fogbank.scoring import RefusedError, load_compiled
from fogbank.scoring.plan import MethodPlan, Plan

GENERATOR = np.random.default_rng(0)
ROWS = np.column_stack(
    [np.round(GENERATOR.uniform(-5, 5, (120, 2)), 1), GENERATOR.integers(0, 4, 120), np.full(120, 3.5)]
)
HOLES = np.where(GENERATOR.random(ROWS.shape) < 0.1, np.nan, ROWS)
ASKED = np.concatenate([
    ROWS[:20],
    np.zeros((1, 4)),
    [[1e-300, -1e300, 2, 3.5], [np.nan, 1, 2, 3.5], [1, 1, np.nan, 3.5], [np.inf, 1, 2, 3.5], [1, 1, -np.inf, 3.5], [1, 1, 7, 3.5], [1, 1, 0.5, 3.5]],
])  # fmt: skip
EXACT = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    MinMaxScaler(),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    SimpleImputer(),
    SimpleImputer(strategy="median", add_indicator=True),
    SimpleImputer(missing_values=2, strategy="constant", fill_value=-1),
    VarianceThreshold(),
    SelectKBest(k=2),
    FunctionTransformer(),
    Binarizer(threshold=0.5),
    make_pipeline(SimpleImputer(), MinMaxScaler(clip=True)),
    ColumnTransformer([("a", StandardScaler(), [1, 0]), ("b", "drop", [2])], remainder="passthrough"),
    ColumnTransformer(
        [("a", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), [2]), ("b", RobustScaler(), [0])]
    ),
    ColumnTransformer([("a", OneHotEncoder(sparse_output=False, drop="first"), [2, 3]), ("b", "passthrough", [0])]),
    ColumnTransformer([("a", OrdinalEncoder(), [2]), ("b", "passthrough", [0])]),
    ColumnTransformer([("a", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), [2])]),
    FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())], transformer_weights={"a": 2.5}),
]
SMOOTH = [
    Normalizer(),
    Normalizer(norm="l1"),
    Normalizer(norm="max"),
    PCA(2),
    PCA(2, whiten=True),
    TruncatedSVD(2),
    PolynomialFeatures(3),
    PolynomialFeatures(2, interaction_only=True, include_bias=False),
]


@pytest.mark.parametrize("step", [*EXACT, *SMOOTH], ids=lambda step: str(step)[:60])
def test_a_step_does_what_its_transform_does(step: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step.fit(HOLES if "Imputer" in str(step) and "missing_values" not in str(step) else ROWS, ROWS[:, 0] > 0)
    graph = Graph(4)
    table = export_step(step, graph, graph.rows)
    table = graph.refuse(table)
    plan = Plan(features=4, methods={"transform": MethodPlan(output="table")})
    compiled = load_compiled(graph.encode({"table": table.name}, plan))

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for row in ASKED.reshape(len(ASKED), 1, -1):
            try:
                right = step.transform(row.copy())
            except ValueError:
                with pytest.raises(RefusedError):
                    compiled.transform(row)
                continue
            answer = compiled.transform(row)
            assert answer.shape == right.shape == (1, table.width)
            if step in SMOOTH:
                np.testing.assert_allclose(answer, right, rtol=1e-13, atol=1e-13)
            else:
                np.testing.assert_array_equal(answer, right)
    assert table.exact is (step in EXACT)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (QuantileTransformer(n_quantiles=10), "QuantileTransformer has no exact form here"),
        (FunctionTransformer(np.abs), "a function of the project's"),
        (
            make_pipeline(
                ColumnTransformer([("a", OneHotEncoder(), [2])], sparse_threshold=1), StandardScaler(with_mean=False)
            ),
            "StandardScaler computes another way with a sparse matrix",
        ),
        (OneHotEncoder(sparse_output=False, max_categories=2), "groups what is infrequent"),
    ],
)
def test_what_has_no_form_says_so(step: Any, reason: str) -> None:
    graph = Graph(4)
    with pytest.raises(UnsupportedError, match=reason):
        export_step(step.fit(ROWS), graph, graph.rows)


def test_a_class_of_the_projects_own_is_not_the_librarys() -> None:
    for name in ("MyScaler", "StandardScaler"):
        step = type(name, (StandardScaler,), {})().fit(ROWS)
        graph = Graph(4)
        with pytest.raises(UnsupportedError, match=f"{name} has no exact form here"):
            export_step(step, graph, graph.rows)
