"""docs/estimators.md: every estimator that scikit-learn lists, and how it is served: compiled, fast native, native, or not at all.

`python tools/estimators.py` fits each on a small table, converts and proves it as `fogbank pack` does, and writes the page.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.base import is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from fogbank.pack import converter
from fogbank.pack.graph import Graph, UnsupportedError
from fogbank.pack.proof import Wish, prove
from fogbank.pack.steps import export_step

PAGE = Path(__file__).parents[1] / "docs" / "estimators.md"
GENERATOR = np.random.default_rng(0)
ROWS = np.column_stack([np.round(GENERATOR.uniform(0.1, 9, (120, 3)), 1), GENERATOR.integers(0, 3, 120)])
SCORE = ROWS[:, 0] - ROWS[:, 1] + GENERATOR.normal(0, 1, 120)
LABELS, VALUES = (SCORE > 0).astype(int), SCORE - SCORE.min() + 1
TEXTS = np.array(["good film", "bad film", "great plot", "awful plot"] * 30, dtype=object)
CLASSIFIER, REGRESSOR = LogisticRegression(), Ridge()
AROUND_A_CLASSIFIER = frozenset({
    "ClassifierChain", "FixedThresholdClassifier", "MultiOutputClassifier", "OneVsOneClassifier", "OneVsRestClassifier",
    "OutputCodeClassifier", "RFE", "RFECV", "SelectFromModel", "SelfTrainingClassifier", "SequentialFeatureSelector",
    "TunedThresholdClassifierCV",
})  # fmt: skip
MADE: dict[str, dict[str, Any]] = {
    "CCA": {"n_components": 1},
    "ColumnTransformer": {"transformers": [("a", StandardScaler(), [0, 1])]},
    "FeatureUnion": {"transformer_list": [("a", StandardScaler())]},
    "FrozenEstimator": {"estimator": LogisticRegression().fit(ROWS, LABELS)},
    "GaussianRandomProjection": {"n_components": 2},
    "LocalOutlierFactor": {"novelty": True},
    "OrthogonalMatchingPursuitCV": {"max_iter": 3},
    "Pipeline": {"steps": [("a", StandardScaler()), ("b", CLASSIFIER)]},
    "PLSCanonical": {"n_components": 1},
    "PLSSVD": {"n_components": 1},
    "RadiusNeighborsClassifier": {"radius": 50.0},
    "RadiusNeighborsRegressor": {"radius": 50.0},
    "SparseCoder": {"dictionary": np.eye(4)},
    "SparseRandomProjection": {"n_components": 2},
    "TSNE": {"max_iter": 250},
}
"""What an estimator must be given, or is better given for a small table."""
SMALL = {"n_estimators": 5, "max_iter": 60, "random_state": 0, "n_init": 1, "n_quantiles": 20, "perplexity": 5.0}
"""What makes a small table enough, where an estimator has it."""
OTHER = {
    "DictVectorizer": "it takes dictionaries, not a table",
    "LabelBinarizer": "it is for labels, not for rows",
    "LabelEncoder": "it is for labels, not for rows",
    "MultiLabelBinarizer": "it is for labels, not for rows",
    "PatchExtractor": "it takes images",
}
SEVERAL = frozenset({"ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain"})
HEAD = """# Estimators

Every estimator that scikit-learn {version} lists, fitted with its defaults on a small table of numbers, and how `fogbank pack` serves
it. Written by `python tools/estimators.py`; a sample of it is a test.

- **compiled**: as ONNX without scikit-learn, proven; "to the last bit" where no answer differs in any bit, and else the largest
  difference of a score that the proof saw.
- **fast native**: by scikit-learn itself, and requests that arrive together share a run, because each row's answer was the same to
  the last bit alone and in company.
- **native**: by scikit-learn itself, each request by itself.
- **a step**: nothing to answer with (no `predict`), but a step of a pipeline: exact (it may stand before trees), close (before what
  is smooth), or native (the whole pipeline is then served by scikit-learn).

An estimator that takes strings, texts or several labels a row is served natively. What it needs beyond scikit-learn is the
project's to declare.

| estimator | served | why |
|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    served: str
    why: str

    def __str__(self) -> str:
        return f"| `{self.name}` | {self.served} | {self.why} |"


def table() -> Iterator[Row]:
    """A row for each public estimator."""
    for name, kind in all_estimators():
        yield row(name, kind)


def row(name: str, kind: type) -> Row:
    """How one estimator is served."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if name in OTHER:
            return Row(name, "not served", OTHER[name])
        try:
            model = fitted(name, kind)
        except Exception as error:  # noqa: BLE001 - some take no table of numbers: that is what the page says of them
            return Row(name, "native", f"a table of numbers is not enough for it ({type(error).__name__})")
        if hasattr(model, "predict"):
            return _model(name, model)
        if not hasattr(model, "transform"):
            return Row(name, "not served", "it says nothing of rows that it was not fitted on")
        return _step(name, model)


def fitted(name: str, kind: type) -> Any:
    """The estimator, fitted. Raises what it raises."""
    known = inspect.signature(kind).parameters
    small = {parameter: value for parameter, value in SMALL.items() if parameter in known}
    model = kind(**{**small, **_given(name), **MADE.get(name, {})})
    if name.endswith("Vectorizer"):
        return model.fit(TEXTS)
    target = LABELS if is_classifier(model) or not is_regressor(model) else VALUES
    if name in SEVERAL:
        target = np.column_stack([target, target])
    if name.startswith("MultiTask"):
        target = np.column_stack([VALUES, -VALUES])
    rows = ROWS[:, :1] if name == "IsotonicRegression" else ROWS
    return model.fit(rows if name != "KernelCenterer" else np.eye(120), target)


def _given(name: str) -> dict[str, Any]:
    """What an estimator that is around others is given."""
    if name in AROUND_A_CLASSIFIER:
        return {"estimator": CLASSIFIER}
    if name in {"MultiOutputRegressor", "RegressorChain"}:
        return {"estimator": REGRESSOR}
    if name in {"GridSearchCV", "HalvingGridSearchCV"}:
        return {"estimator": DecisionTreeClassifier(), "param_grid": {"max_depth": [2, 3]}}
    if name in {"HalvingRandomSearchCV", "RandomizedSearchCV"}:
        few = {"n_iter": 2} if name == "RandomizedSearchCV" else {}
        return {"estimator": DecisionTreeClassifier(), "param_distributions": {"max_depth": [2, 3]}, **few}
    if name in {"StackingClassifier", "VotingClassifier"}:
        return {"estimators": [("a", CLASSIFIER), ("b", DecisionTreeClassifier())]}
    if name in {"StackingRegressor", "VotingRegressor"}:
        return {"estimators": [("a", REGRESSOR), ("b", REGRESSOR)]}
    return {}


def _model(name: str, model: Any) -> Row:
    rows = ROWS[:, : getattr(model, "n_features_in_", 1)]
    outcome = prove(model, rows, Wish(tolerance=1e-6, method="predict")).compilation
    if outcome.compiled:
        how = "to the last bit" if outcome.exact else f"within {outcome.max_difference:.0e}"
        return Row(name, "compiled", f"{how}, by {outcome.converter.partition(' ')[0]}")
    return Row(name, "fast native" if outcome.batch_exact else "native", outcome.reason)


def _step(name: str, model: Any) -> Row:
    if name.endswith("Vectorizer"):
        return Row(name, "a step, native", "it takes texts")
    graph = Graph(ROWS.shape[1])
    export = converter.convert_step if name in converter.TRANSFORMERS else export_step
    try:
        made = export(model, graph, graph.rows)
    except UnsupportedError as error:
        return Row(name, "a step, native", str(error))
    return Row(name, "a step, exact" if made.exact else "a step, close", "")


def main() -> int:
    """Write the page."""
    lines = [str(line) for line in table()]
    PAGE.write_text(HEAD.format(version=sklearn.__version__) + "\n".join(lines) + "\n")
    print(f"{len(lines)} estimators in {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
