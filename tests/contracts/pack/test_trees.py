"""Each kind of tree model to the last bit: on its own thresholds and their neighbours, ties, missing cells and extremes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from fogbank.pack.agreement import agree
from fogbank.pack.convert import convert
from fogbank.pack.graph import UnsupportedError
from fogbank.pack.thresholds import Place
from fogbank.pack.trouble import troubles
from fogbank.scoring import load_compiled

GENERATOR = np.random.default_rng(0)
ROWS = np.round(GENERATOR.uniform(0, 10, (250, 4)), 1)
HOLES = np.where(GENERATOR.random(ROWS.shape) < 0.1, np.nan, ROWS)
SCORE = ROWS[:, 0] + ROWS[:, 1] * 0.5 - ROWS[:, 2] + GENERATOR.normal(0, 1, 250)
TWO = (SCORE > 2).astype(int)
THREE = np.array(["a", "b", "c"])[np.digitize(SCORE, [0, 4])]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The library warns of what a proof does on purpose: numbers that overflow."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def agrees(model: Any, rows: Any = ROWS) -> Any:
    """The agreement of a fitted model with its compiled self on every kind of trouble."""
    conversion = convert(model)
    assert conversion.ensemble is not None
    place = Place(ensemble=conversion.ensemble, before=conversion.before, sources=conversion.sources)
    kinds = troubles(rows[:60], [True] * rows.shape[1], place)
    return agree(model, load_compiled(conversion.onnx), conversion.tolerances(1e-12), kinds)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=5, random_state=0),
        ExtraTreeClassifier(random_state=0),
        RandomForestClassifier(20, max_depth=6, random_state=0),
        ExtraTreesClassifier(12, random_state=0),
        BaggingClassifier(n_estimators=6, max_features=0.5, max_samples=0.05, random_state=0),
        AdaBoostClassifier(n_estimators=6, random_state=0),
        GradientBoostingClassifier(n_estimators=6, random_state=0),
        HistGradientBoostingClassifier(max_iter=6),
    ],
)
@pytest.mark.parametrize("labels", [TWO, THREE])
def test_classifiers(model: Any, labels: Any) -> None:
    agreement = agrees(model.fit(ROWS, labels))

    assert agreement.exact or agreement.difference < 1e-15
    assert agreement.refused > 0 or isinstance(model, HistGradientBoostingClassifier)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeRegressor(max_depth=5),
        RandomForestRegressor(8, max_depth=6, random_state=0),
        ExtraTreesRegressor(8, random_state=0),
        BaggingRegressor(n_estimators=6, random_state=0),
        GradientBoostingRegressor(n_estimators=6, loss="huber"),
        GradientBoostingRegressor(n_estimators=3, init="zero"),
        HistGradientBoostingRegressor(max_iter=6),
        HistGradientBoostingRegressor(max_iter=6, loss="poisson"),
        IsolationForest(n_estimators=10, max_features=0.5, random_state=0),
    ],
)
def test_regressors_and_anomalies(model: Any) -> None:
    assert agrees(model.fit(ROWS, SCORE - SCORE.min() + 1)).exact


def test_several_outputs_of_a_regressor() -> None:
    assert agrees(RandomForestRegressor(5, random_state=0).fit(ROWS, np.column_stack([SCORE, -SCORE * 1e9]))).exact


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=6, random_state=0),
        RandomForestClassifier(9, random_state=0),
        ExtraTreesClassifier(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=6, min_samples_leaf=3),
    ],
)
def test_missing_cells_go_where_training_sent_them(model: Any) -> None:
    agreement = agrees(model.fit(HOLES, TWO), HOLES)
    assert agreement.difference < 1e-15


def test_a_forest_that_ties_answers_the_first_class() -> None:
    agreement = agrees(RandomForestClassifier(20, random_state=0).fit(ROWS, TWO))
    assert (agreement.exact, agreement.ties > 0) == (True, True)


def test_steps_that_only_scale_or_choose_are_before_trees() -> None:
    chosen = ColumnTransformer([("scaled", StandardScaler(), [3, 0]), ("rest", "passthrough", [2])])
    for steps in ([StandardScaler()], [MinMaxScaler(clip=True), StandardScaler()], [chosen, StandardScaler()]):
        assert agrees(make_pipeline(*steps, RandomForestClassifier(6, random_state=0)).fit(ROWS, TWO)).exact


@pytest.mark.parametrize("model", [RandomForestClassifier(6, random_state=0), ExtraTreesRegressor(4, random_state=0)])
def test_a_sparse_matrix_before_trees_is_the_same_numbers(model: Any) -> None:
    rows = np.column_stack([ROWS[:, 0], GENERATOR.integers(0, 9, 250), GENERATOR.integers(1, 4, 250)])
    encoded = ColumnTransformer(
        [("codes", OneHotEncoder(handle_unknown="ignore"), [1, 2]), ("scaled", StandardScaler(), [0])],
        sparse_threshold=1,
    )
    pipeline = make_pipeline(encoded, model).fit(rows, TWO)

    assert pipeline[0].sparse_output_
    assert agrees(pipeline, rows).exact


def test_a_search_is_its_best() -> None:
    search = RandomizedSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [2, 3]}, n_iter=1, cv=2, random_state=0
    )
    assert agrees(search.fit(ROWS, TWO)).exact


def test_trees_of_one_leaf_and_classes_that_a_tree_never_saw() -> None:
    assert agrees(RandomForestClassifier(3, max_depth=1, min_samples_leaf=200).fit(ROWS, TWO)).exact
    assert agrees(GradientBoostingClassifier(n_estimators=2, min_samples_leaf=200).fit(ROWS, TWO)).difference < 1e-15


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (BaggingClassifier(LogisticRegression(), n_estimators=2), "it is made of LogisticRegression"),
        (AdaBoostClassifier(LogisticRegression(), n_estimators=2), "it is made of LogisticRegression"),
        (GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()), "a model of its own"),
        (
            HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]),
            "categories are encoded before its trees",
        ),
    ],
)
def test_what_has_no_exact_form_says_why(model: Any, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        convert(model.fit(ROWS.round(), TWO))
