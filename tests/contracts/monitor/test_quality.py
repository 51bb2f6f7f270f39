"""Metrics of model quality beside scikit-learn's, and intervals that hold what is true as often as they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from fogbank.contracts.monitoring import AnalyzerSettings
from fogbank.contracts.quality import ProblemType, QualitySettings
from fogbank.monitor.labelled import Labelled
from fogbank.monitor.quality import Quality, quality
from tests.drawn import at_most

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


def asked(problem: ProblemType, **more: object) -> QualitySettings:
    analyzer = AnalyzerSettings(dataset_format={}, dataset_source=Path(), output_path=Path(), base_dir=Path())
    return QualitySettings(analyzer=analyzer, problem=problem, inference="0", **more)  # type: ignore[arg-type]  # of tests


def of(problem: ProblemType, labels: object, predictions: object, scores: object = ()) -> Quality:
    texts = [[str(value) for value in side] for side in (labels, predictions)]  # type: ignore[attr-defined]  # sequences
    return quality(Labelled(labels=texts[0], predictions=texts[1], probabilities=list(scores)), asked(problem))  # type: ignore[call-overload]


@given(PAIRS)
@at_most(25)
def test_multiclass_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    labels, predictions = ([str(pair[side]) for pair in pairs] for side in (0, 1))
    values = of("MulticlassClassification", labels, predictions).values()

    assert values["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predictions))
    for beta, name in ((0.5, "weighted_f0_5"), (1, "weighted_f1"), (2, "weighted_f2")):
        theirs = metrics.fbeta_score(labels, predictions, beta=beta, average="weighted", zero_division=0)
        assert values[name] == pytest.approx(theirs)
    assert values["weighted_precision"] == pytest.approx(
        metrics.precision_score(labels, predictions, average="weighted", zero_division=0)
    )


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=2, max_size=60))
@at_most(25)
def test_binary_is_scikit_learns(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([row[0] for row in rows]), np.array([row[1] / 10 for row in rows])
    predictions = (scores > 0.5).astype(int)
    found = of("BinaryClassification", labels, predictions, scores.tolist())
    values = found.values()

    assert values["f2"] == pytest.approx(metrics.fbeta_score(labels, predictions, beta=2, zero_division=0))
    assert values["precision"] == pytest.approx(metrics.precision_score(labels, predictions, zero_division=0))
    assert (
        values["recall"]
        == values["true_positive_rate"]
        == pytest.approx(metrics.recall_score(labels, predictions, zero_division=0))
    )
    if 0 < labels.sum() < len(labels):
        assert values["auc"] == pytest.approx(metrics.roc_auc_score(labels, scores))
    matrix = metrics.confusion_matrix(labels, predictions, labels=[0, 1])
    assert found.metrics["confusion_matrix"] == {str(i): {str(j): matrix[i, j] for j in (0, 1)} for i in (0, 1)}


def test_regression_is_scikit_learns() -> None:
    g = np.random.default_rng(0)
    labels = g.normal(size=300)
    predictions = labels + g.normal(0, 0.3, size=300)
    values = of("Regression", labels.tolist(), predictions.tolist()).values()

    assert values == pytest.approx({
        "mae": metrics.mean_absolute_error(labels, predictions), "mse": metrics.mean_squared_error(labels, predictions),
        "rmse": metrics.root_mean_squared_error(labels, predictions), "r2": metrics.r2_score(labels, predictions),
    })  # fmt: skip


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    g = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        right = (g.random(250) < 0.8).astype(int)
        interval = of("BinaryClassification", np.ones(250, int), right).metrics["accuracy"]["confidence_interval"]
        held += interval["low"] <= 0.8 <= interval["high"]

    assert held >= 100 * 0.95 - 3 * np.sqrt(100 * 0.95 * 0.05)


def test_few_rows_have_no_deviation_and_many_have_one() -> None:
    few, many = (of("Regression", [1.0, 2.0] * n, [1.0, 2.5] * n).metrics["mae"] for n in (50, 100))

    assert few["standard_deviation"] == "NaN"
    assert 0 < many["standard_deviation"] < 0.05


def test_a_constant_classifier_says_what_most_rows_are() -> None:
    values = of("BinaryClassification", [1, 1, 1, 0], [1, 0, 1, 0]).values()

    assert values["precision_best_constant_classifier"] == 0.75
    assert values["recall_best_constant_classifier"] == 1.0


def test_a_binary_model_has_two_classes() -> None:
    with pytest.raises(ValueError, match="besides the positive '1' there are 0, 2"):
        of("BinaryClassification", [0, 1, 2], [0, 1, 1])
