"""Models drawn at random: an estimator, the data it is fitted on, labels of some type, and rows that are meant to hurt.

In: a seed; out: a `Drawn`. The rows are not those that pack looks at: they are made another way, by another generator.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, preprocessing, svm, tree
from sklearn.base import is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

Generator = np.random.Generator
Rows = NDArray[np.float64]
ADVERSE = (
    0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 16777217.0, 1e-45, 5e-324, 1e30, -1e30, 3.4028234663852886e38, 3.4028235677973366e38,
    -3.5e38, 1e39, 1e300, -1.7976931348623157e308,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A fitted model, its training rows, which columns may be missing, and the rows to ask it."""

    name: str
    model: Any
    rows: Rows
    nullable: tuple[bool, ...]
    asked: Rows
    method: str


def draw(seed: int) -> Drawn:
    """The model of a seed; another seed where a library cannot fit what was drawn."""
    for attempt in range(20):
        generator = np.random.default_rng([seed, attempt])
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return _draw(generator)
            except (ValueError, IndexError, np.linalg.LinAlgError):
                continue
    raise AssertionError(f"nothing can be fitted for seed {seed}")


def _draw(generator: Generator) -> Drawn:
    width = int(generator.integers(1, 8))
    rows = np.column_stack([_column(generator, int(generator.integers(40, 160))) for _ in range(1)])
    count = len(rows)
    rows = np.column_stack([rows, *(_column(generator, count) for _ in range(width - 1))])
    estimator = pick(generator, ESTIMATORS)(generator)
    nullable = generator.random(width) < (0.5 if generator.random() < 0.5 else 0.0)
    holes = rows.copy()
    holes[(generator.random(rows.shape) < 0.15) & nullable] = np.nan
    model, steps = _behind_steps(generator, estimator, width)
    score = np.nan_to_num(rows) @ generator.normal(size=width) / (np.abs(rows).max(axis=0) @ np.ones(width) + 1e-9)
    target = values(generator, score) if is_regressor(estimator) else labels(generator, score)
    trained = holes if "imputer" in steps or _takes_missing(model, holes, target) else rows
    model.fit(trained, target)
    method = pick(
        generator,
        [name for name in ("predict", "predict", "predict_proba", "decision_function") if hasattr(model, name)],
    )
    return Drawn(
        name=f"{'+'.join([*steps, type(estimator).__name__])}.{method}",
        model=model,
        rows=trained,
        nullable=tuple(bool(flag) for flag in nullable),
        asked=_asked(generator, rows, nullable),
        method=method,
    )


def _takes_missing(model: Any, holes: Rows, target: Any) -> bool:
    try:
        model.fit(holes, target)
    except ValueError:
        return False
    return True


def pick(generator: Generator, choices: Any) -> Any:
    """One of them."""
    return choices[int(generator.integers(0, len(choices)))]


def _column(generator: Generator, count: int) -> Rows:
    """A column as data has them: measured with one decimal, counted, coded, huge, tiny, of two values, or always the same."""
    kind = int(generator.integers(0, 9))
    if kind == 0:
        return generator.normal(size=count)
    if kind <= 2:
        return np.round(generator.uniform(0, 10, count), 1)
    if kind == 3:
        return generator.integers(0, 50, count).astype(float)
    if kind == 4:
        return generator.integers(1, 6, count).astype(float)
    if kind == 5:
        return 1e9 + np.round(generator.uniform(0, 1e4, count), 2)
    if kind == 6:
        return generator.normal(size=count) * 1e-9
    if kind == 7:
        return generator.integers(0, 2, count).astype(float)
    return np.full(count, 3.25) if generator.random() < 0.3 else np.round(generator.normal(size=count) * 1e5)


def labels(generator: Generator, score: Rows) -> Any:
    """Two to four classes by a score, of some type of labels."""
    classes = int(generator.integers(2, 5))
    edges = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
    codes = np.digitize(score + generator.normal(size=len(score)) * 0.1 * score.std(), edges)
    codes[:classes] = range(classes)
    kind = int(generator.integers(0, 6))
    if kind == 0 and classes == 2:
        return codes.astype(bool)
    if kind == 1:
        return codes * 1.0
    if kind == 2:
        return codes * 2.0 - 1
    if kind == 3:
        return np.array(["low", "middle", "high", "höher"])[codes]
    if kind == 4:
        return np.array(["a", "bb", "ccc", "dddd"], dtype=object)[codes]
    return codes * 3 - 4


def values(generator: Generator, score: Rows) -> Rows:
    """What a regressor learns, by a score."""
    made = score * 10.0 ** generator.integers(-3, 8) + generator.normal(size=len(score)) * 0.01
    return made - made.min() + 0.5 if generator.random() < 0.5 else made


def _behind_steps(generator: Generator, estimator: Any, width: int) -> tuple[Any, tuple[str, ...]]:
    names = [name for name in STEPS if generator.random() < 0.15]
    if not names:
        return estimator, ()
    return make_pipeline(*(STEPS[name](generator, width) for name in names), estimator), tuple(names)


def _asked(generator: Generator, rows: Rows, nullable: NDArray[np.bool_]) -> Rows:
    """Training rows, halves between two of them cell by cell and their neighbours, strange cells, and missing ones."""
    first, second = (
        np.take_along_axis(rows, generator.integers(0, len(rows), (60, rows.shape[1])), 0) for _ in range(2)
    )
    between = (first + second) / 2
    asked = [first, between, np.nextafter(between, np.inf), np.nextafter(first, -np.inf), np.zeros((1, rows.shape[1]))]
    asked.append(between.astype(np.float32).astype(np.float64))
    strange = first[:40].copy()
    for row in strange:
        row[int(generator.integers(0, rows.shape[1]))] = generator.choice(ADVERSE)
    missing = first[:30].copy()
    missing[(generator.random(missing.shape) < 0.4) & nullable] = np.nan
    return np.concatenate([*asked, strange, missing])


STEPS: dict[str, Callable[[Generator, int], Any]] = {
    "imputer": lambda g, __: SimpleImputer(
        strategy=pick(g, ["mean", "median", "most_frequent"]), add_indicator=bool(g.random() < 0.3)
    ),
    "standard": lambda g, __: preprocessing.StandardScaler(
        with_mean=bool(g.random() < 0.8), with_std=bool(g.random() < 0.8)
    ),
    "minmax": lambda g, __: preprocessing.MinMaxScaler(clip=bool(g.random() < 0.3)),
    "robust": lambda _, __: preprocessing.RobustScaler(),
    "maxabs": lambda _, __: preprocessing.MaxAbsScaler(),
    "variance": lambda _, __: VarianceThreshold(),
    "columns": lambda _, w: ColumnTransformer(
        [("scaled", preprocessing.StandardScaler(), [0]), ("rest", "passthrough", list(range(w)))], sparse_threshold=0
    ),
    "normalizer": lambda g, __: preprocessing.Normalizer(norm=pick(g, ["l1", "l2", "max"])),
    "polynomial": lambda g, __: preprocessing.PolynomialFeatures(2, interaction_only=bool(g.random() < 0.5)),
    "pca": lambda g, __: PCA(whiten=bool(g.random() < 0.5)),
    "best": lambda _, w: SelectKBest(k=max(1, w // 2)),
    "quantile": lambda _, __: preprocessing.QuantileTransformer(n_quantiles=20),
    "binarizer": lambda g, __: preprocessing.Binarizer(threshold=float(g.normal())),
}


def _trees(g: Generator) -> dict[str, Any]:
    return {
        "n_estimators": int(g.integers(1, 24)),
        "max_depth": pick(g, [None, 2, 5]),
        "random_state": int(g.integers(0, 99)),
    }


ESTIMATORS: tuple[Callable[[Generator], Any], ...] = (
    lambda g: tree.DecisionTreeClassifier(max_depth=pick(g, [None, 1, 4]), random_state=0),
    lambda g: tree.DecisionTreeRegressor(max_depth=pick(g, [None, 3])),
    lambda _: tree.ExtraTreeClassifier(random_state=0),
    lambda g: ensemble.RandomForestClassifier(**_trees(g)),
    lambda g: ensemble.RandomForestClassifier(**_trees(g)),
    lambda g: ensemble.RandomForestRegressor(**_trees(g)),
    lambda g: ensemble.ExtraTreesClassifier(**_trees(g)),
    lambda g: ensemble.ExtraTreesRegressor(**_trees(g)),
    lambda g: ensemble.GradientBoostingClassifier(
        n_estimators=int(g.integers(1, 15)), learning_rate=float(g.uniform(0.01, 1)), random_state=0
    ),
    lambda _: ensemble.GradientBoostingClassifier(n_estimators=3, loss="exponential", random_state=0),
    lambda g: ensemble.GradientBoostingRegressor(
        n_estimators=int(g.integers(1, 15)), loss=pick(g, ["squared_error", "huber", "quantile"])
    ),
    lambda g: ensemble.HistGradientBoostingClassifier(
        max_iter=int(g.integers(1, 12)), max_leaf_nodes=7, min_samples_leaf=3
    ),
    lambda g: ensemble.HistGradientBoostingRegressor(max_iter=int(g.integers(1, 12)), min_samples_leaf=3),
    lambda g: ensemble.BaggingClassifier(n_estimators=5, max_features=float(g.uniform(0.3, 1)), random_state=0),
    lambda _: ensemble.BaggingRegressor(n_estimators=5, random_state=0),
    lambda _: ensemble.AdaBoostClassifier(n_estimators=6, random_state=0),
    lambda g: ensemble.IsolationForest(
        n_estimators=int(g.integers(2, 20)), max_features=float(g.uniform(0.4, 1)), random_state=0
    ),
    lambda g: linear_model.LogisticRegression(C=float(10 ** g.uniform(-3, 3)), max_iter=200),
    lambda _: linear_model.LogisticRegression(max_iter=200),
    lambda g: linear_model.Ridge(alpha=float(10 ** g.uniform(-3, 3))),
    lambda g: linear_model.LinearRegression(fit_intercept=bool(g.random() < 0.7)),
    lambda _: linear_model.Lasso(alpha=0.01),
    lambda g: linear_model.SGDClassifier(loss=pick(g, ["hinge", "log_loss", "modified_huber"]), random_state=0),
    lambda _: linear_model.RidgeClassifier(),
    lambda _: linear_model.PoissonRegressor(),
    lambda _: linear_model.HuberRegressor(),
    lambda _: svm.LinearSVC(),
    lambda g: svm.SVC(kernel=pick(g, ["rbf", "linear", "poly"]), random_state=0),
    lambda g: svm.SVR(kernel=pick(g, ["rbf", "linear"])),
    lambda _: naive_bayes.GaussianNB(),
    lambda _: naive_bayes.BernoulliNB(),
    lambda _: LinearDiscriminantAnalysis(),
    lambda _: QuadraticDiscriminantAnalysis(reg_param=0.1),
    lambda _: neighbors.KNeighborsClassifier(n_neighbors=3),
    lambda _: neighbors.KNeighborsRegressor(n_neighbors=3),
    lambda _: neural_network.MLPClassifier((5,), max_iter=30, random_state=0),
    lambda _: neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=30, random_state=0),
    lambda _: ensemble.VotingClassifier(
        [("a", tree.DecisionTreeClassifier()), ("b", naive_bayes.GaussianNB())], voting="soft"
    ),
)
