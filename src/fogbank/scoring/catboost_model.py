"""CatBoost's own file behind the methods that the trained model had, by its own runtime on one thread.

A classifier answers its labels and their probabilities, as the estimator that was trained does; anything else its values. Words are
given to it as words: what a category is worth was counted at training, and is in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class CatBoostModel:
    """`predict`, and for a classifier `predict_proba` and `classes_`; shapes and labels are the estimator's."""

    def __init__(self, model: Any, refused: type[Exception]) -> None:
        self.n_features_in_ = len(model.feature_names_)
        words = (*model.get_cat_feature_indices(), *model.get_text_feature_indices())
        self.word_columns_ = [model.feature_names_[place] for place in words]
        if any(name != str(place) for place, name in enumerate(model.feature_names_)):
            self.feature_names_in_ = np.array(model.feature_names_, dtype=object)
        self.predict = partial(_answer, model.predict, refused)
        if len(model.classes_):
            self.classes_ = np.asarray(model.classes_)
            self.predict_proba = partial(_answer, model.predict_proba, refused)


def _answer(method: Callable[..., Any], refused: type[Exception], rows: Any) -> NDArray[Any]:
    try:
        return np.asarray(method(rows, thread_count=1))
    except refused as error:
        raise ValueError(str(error).rpartition(": ")[2]) from error


def catboost_model(path: Path) -> CatBoostModel:
    """A model from `model.cbm`. Raises what CatBoost raises."""
    import catboost

    loaded = catboost.CatBoost().load_model(str(path))
    kind = catboost.CatBoostClassifier if len(loaded.classes_) else catboost.CatBoostRegressor
    return CatBoostModel(kind().load_model(str(path)), catboost.CatBoostError)
