"""Models on DataFrames drawn at random: numbers, words, categories and truths, some of them missing, behind encoders and imputers.

In: a seed; out: a `DrawnFrame`, with the schema that its training would have written and frames to ask it that are meant to hurt.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble, linear_model, naive_bayes, neighbors, preprocessing, svm, tree
from sklearn.base import is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from fogbank.contracts.schema import Column, Missing, Schema
from tests.contracts.answers.drawn import ADVERSE, Generator, labels, pick, values

WORDS = (
    ("Rome", "Oslo", "Lima"), ("a", "b"), ("007", "7", "07"), ("höher", "Ünter", "日本", "naïve"), ("a,b", 'say "x"', "two words", " led"),
    ("True", "False"), ("nan", "None", "NA", "null"), ("1e5", "-3", "0x1F"), ("2026-01-02", "2026-02-29"), ("'", "\\", "/", "%20"),
)  # fmt: skip
STRANGE = ("never seen", "rome", "Rome ", "Ä", "😀", "x" * 300, "0", "-1", "1.0", "true", "NaN", "a\tb", "\u00a0")
TEXTS = ("good stuff", "bad bad stuff", "nothing here", "good and bad", "stuff")


@dataclass(frozen=True, kw_only=True)
class DrawnFrame:
    """A fitted model, the frame that it was fitted on, what its columns are, and the rows to ask it."""

    name: str
    model: Any
    frame: pd.DataFrame
    schema: Schema
    asked: pd.DataFrame
    method: str


def draw_frame(seed: int) -> DrawnFrame:
    """The model of a seed; another one where scikit-learn cannot fit what was drawn."""
    for attempt in range(20):
        generator = np.random.default_rng([seed, attempt, 7])
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return _draw(generator)
            except (ValueError, TypeError, np.linalg.LinAlgError):
                continue
    raise AssertionError(f"nothing can be fitted for seed {seed}")


def _draw(generator: Generator) -> DrawnFrame:
    count = int(generator.integers(40, 120))
    drawn = [_column(generator, place, count) for place in range(int(generator.integers(2, 7)))]
    frame = pd.DataFrame({column.name: cells for column, cells in drawn})
    schema = Schema(columns=tuple(column for column, _ in drawn), rows="frame")
    estimator = pick(generator, ESTIMATORS)(generator)
    score = sum(generator.normal() * pd.factorize(frame[name])[0] for name in frame) / count
    target = values(generator, score) if is_regressor(estimator) else labels(generator, score)
    prepared = ColumnTransformer(
        [_branch(generator, column) for column in schema.columns],
        sparse_threshold=0 if isinstance(estimator, DENSE) else 0.3,
    )
    model = make_pipeline(prepared, estimator).fit(frame, target)
    methods = [name for name in ("predict", "predict", "predict_proba", "decision_function") if hasattr(model, name)]
    return DrawnFrame(
        name=f"{'+'.join(type(step).__name__ for _, step, __ in prepared.transformers)}+{type(estimator).__name__}",
        model=model,
        frame=frame,
        schema=schema,
        asked=_asked(generator, frame, schema),
        method=pick(generator, methods),
    )


def _column(generator: Generator, place: int, count: int) -> tuple[Column, Any]:
    kind = pick(generator, ("number", "number", "whole", "truth", "word", "word", "word", "category", "text"))
    name = pick(generator, (f"c{place}", f"c {place}", f"größe{place}", f"{place}. column", f"a,{place}"))
    nullable = bool(generator.random() < 0.4)
    if kind == "number":
        cells = np.round(generator.normal(size=count) * 10.0 ** generator.integers(-2, 4), 2)
        return Column(name=name, nullable=nullable), np.where(_holes(generator, count, nullable), np.nan, cells)
    if kind == "whole":
        return Column(name=name, dtype="integer"), generator.integers(-5, 40, count)
    if kind == "truth":
        return Column(name=name, dtype="boolean"), generator.random(count) < 0.4
    known = TEXTS if kind == "text" else pick(generator, WORDS)
    cells = np.array(known, dtype=object)[generator.integers(0, len(known), count)]
    holes = _holes(generator, count, nullable and kind != "text")
    if kind == "category":
        column = Column(name=name, dtype="category", categories=known, nullable=nullable)
        return column, pd.Categorical(pd.Series(cells).mask(holes), categories=known)
    missing: Missing = pick(generator, ("nan", "none"))
    nothing = np.nan if missing == "nan" else None
    nullable = nullable and kind != "text"
    return Column(name=name, dtype="string", nullable=nullable, missing=missing), _with_holes(cells, holes, nothing)


def _with_holes(cells: Any, holes: Any, nothing: Any) -> pd.Series:
    return pd.Series([nothing if hole else cell for cell, hole in zip(cells, holes, strict=True)], dtype=object)


def _holes(generator: Generator, count: int, nullable: bool) -> Any:
    return (generator.random(count) < 0.2) & nullable


def _branch(generator: Generator, column: Column) -> tuple[str, Any, Any]:
    """What takes a column: an encoder or a scaler, after an imputer where it lacks cells and the encoder minds."""
    if column.dtype == "string" and not column.nullable and generator.random() < 0.15:
        return column.name, TfidfVectorizer(), column.name
    if column.dtype in {"string", "category"}:
        encoder = pick(generator, ENCODERS)(generator)
        nothing = None if column.missing == "none" and column.dtype == "string" else np.nan
        filling = pick(generator, ({"strategy": "most_frequent"}, {"strategy": "constant", "fill_value": "gone"}))
        imputer = SimpleImputer(missing_values=nothing, **filling)
        return column.name, make_pipeline(imputer, encoder) if generator.random() < 0.4 else encoder, [column.name]
    scaler = pick(generator, SCALERS)(generator)
    return column.name, make_pipeline(SimpleImputer(), scaler) if column.nullable else scaler, [column.name]


def _asked(generator: Generator, frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Rows of training, then the same with a strange cell in each, or one that is missing where it may be."""
    rows = frame.iloc[generator.integers(0, len(frame), 60)].reset_index(drop=True)
    cells = {column.name: list(rows[column.name].astype(object)) for column in schema.columns}
    for row in range(25, 60):
        column = pick(generator, schema.columns)
        cells[column.name][row] = _strange(generator, column, cells[column.name][row])
    return pd.DataFrame({name: pd.Series(made, dtype=object) for name, made in cells.items()})


def _strange(generator: Generator, column: Column, cell: Any) -> Any:
    if column.nullable and generator.random() < 0.4:
        return np.nan if column.missing == "nan" else None
    if column.dtype == "float":
        return float(pick(generator, ADVERSE))
    if column.dtype == "integer":
        return int(pick(generator, (0, -1, 2**31, -(2**31), 2**53, 10**15)))
    if column.dtype == "boolean":
        return not cell
    return pick(generator, STRANGE)


ENCODERS: tuple[Any, ...] = (
    lambda _: preprocessing.OneHotEncoder(handle_unknown="ignore"),
    lambda _: preprocessing.OneHotEncoder(),
    lambda _: preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    lambda g: preprocessing.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=int(g.integers(2, 20))),
    lambda g: preprocessing.OneHotEncoder(drop=pick(g, ("first", "if_binary"))),
    lambda _: preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    lambda _: preprocessing.OrdinalEncoder(),
    lambda _: preprocessing.OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    ),
    lambda _: preprocessing.TargetEncoder(random_state=0),
)
SCALERS: tuple[Any, ...] = (
    lambda _: preprocessing.StandardScaler(),
    lambda _: preprocessing.MinMaxScaler(),
    lambda _: "passthrough",
    lambda _: preprocessing.KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"),
    lambda _: preprocessing.FunctionTransformer(np.abs),
)
DENSE = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor, naive_bayes.GaussianNB)
ESTIMATORS: tuple[Any, ...] = (
    lambda _: linear_model.LogisticRegression(max_iter=200),
    lambda _: linear_model.LogisticRegression(max_iter=200),
    lambda _: linear_model.Ridge(),
    lambda g: tree.DecisionTreeClassifier(max_depth=pick(g, (None, 3)), random_state=0),
    lambda g: ensemble.RandomForestClassifier(int(g.integers(2, 12)), random_state=0),
    lambda g: ensemble.RandomForestRegressor(int(g.integers(2, 12)), random_state=0),
    lambda g: ensemble.GradientBoostingClassifier(n_estimators=int(g.integers(2, 10)), random_state=0),
    lambda _: ensemble.HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=3),
    lambda _: ensemble.HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=3),
    lambda _: neighbors.KNeighborsClassifier(3),
    lambda _: svm.LinearSVC(),
    lambda _: naive_bayes.GaussianNB(),
)
