"""The last steps, beside scikit-learn's own at scores where they could differ: ties, zeros, and where exponentials end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.utils.extmath import softmax as library_softmax

from fogbank.scoring.finish import finisher, logistic, one_against_rest, softmax

SCORES = np.array(
    [0.0, -0.0, 5e-324, -5e-324, 0.5, -0.5, 36.0, -36.0, 709.0, -709.0, 710.0, -710.0, 1e300, -1e300]
).reshape(-1, 1)
CLASSES = np.array(["a", "b", "c"])


def test_a_score_of_zero_is_the_first_class_or_the_second_as_the_library_has_it() -> None:
    two = CLASSES[:2]
    above = [bool(score > 0) for score in SCORES[:, 0]]

    assert finisher(("positive",), two)(SCORES).tolist() == ["b" if flag else "a" for flag in above]
    assert finisher(("nonnegative",), two)(SCORES[:4]).tolist() == ["b", "b", "b", "a"]
    assert finisher(("outlier",), None)(SCORES[:4, 0]).tolist() == [1, 1, 1, -1]


def test_of_equal_scores_the_first_class_wins() -> None:
    ties = np.array([[0.5, 0.5, 0.0], [0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3]])

    assert finisher(("largest",), CLASSES)(ties).tolist() == ["a", "b", "a"]


def test_probabilities_are_the_librarys() -> None:
    positive = expit(SCORES[:, 0])

    np.testing.assert_allclose(logistic(SCORES), np.stack([1 - positive, positive], axis=1), rtol=0, atol=2e-16)
    rows = np.concatenate([SCORES, SCORES[::-1], SCORES * 0], axis=1)
    np.testing.assert_array_equal(softmax(rows), library_softmax(rows))
    shares = one_against_rest(rows)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(one_against_rest(np.full((1, 3), -1e4)), 1 / 3)


def test_a_probability_is_the_same_bits_alone_and_in_company() -> None:
    drawn = np.random.default_rng(0).normal(size=1000) * 20
    scores = np.array(
        [*drawn, 0.0, -0.0, 36.8, -708.9, -709.0, -709.1, -745.2, -1e30, 1e30, np.inf, -np.inf, np.nan]
    ).reshape(-1, 1)
    for kind in (np.float64, np.float32):
        given = scores.astype(kind)
        alone = [logistic(row.reshape(1, 1)) for row in given]

        assert {each.dtype for each in alone} == {np.dtype(kind)}
        np.testing.assert_array_equal(logistic(given), np.concatenate(alone))


def test_labels_follow_from_the_graphs_codes() -> None:
    assert finisher(("lookup", 0, 1, 5), CLASSES)(np.array([[5], [0]])).tolist() == ["c", "a"]
    assert finisher(("lookup", "x", "y", "z"), CLASSES)(np.array(["z", "x"], dtype=object)).tolist() == ["c", "a"]


def test_a_step_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        finisher(("eval", "1"), None)
    with pytest.raises(ValueError, match="no labels"):
        finisher(("largest",), None)
