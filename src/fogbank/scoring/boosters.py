"""XGBoost's and LightGBM's own files behind `predict`, by their own runtimes on one thread: what is compiled already.

The answer is the trained model's: up to the best iteration where training stopped early, and with the categories that a
DataFrame had at training as the codes that they became there; one that training never saw is missing, as it is for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = Mapping[int, Mapping[Any, float]]
"""For each column of categories the code of each."""
LOCATION = re.compile(r"^\[[\d:]+\] \S+?:\d+: ")
"""How XGBoost's errors begin: a time and a line of its sources."""


class BoosterModel:
    """`predict` says what the booster's objective does: probabilities, values, or a column for each class."""

    def __init__(
        self, predict: Callable[[NDArray[Any]], Any], features: int, names: Sequence[str], codes: Codes
    ) -> None:
        self._predict, self._codes = predict, codes
        self.n_features_in_ = features
        self.word_columns_ = [
            names[place] for place, known in codes.items() if names and any(isinstance(each, str) for each in known)
        ]
        if names:
            self.feature_names_in_ = np.array(names, dtype=object)

    def predict(self, rows: Any) -> NDArray[np.float64]:
        """The answer for rows of numbers, or of categories as training saw them. Raises ValueError."""
        table = _coded(rows, self._codes) if self._codes else np.asarray(rows, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != self.n_features_in_:
            raise ValueError(f"the rows have shape {table.shape}; the model takes {self.n_features_in_} columns")
        return np.asarray(self._predict(table), dtype=np.float64)


class Unkept(dict[Any, float]):
    """Categories of which the file does not say the words: a request's codes are taken, and its words refused."""


def _coded(rows: Any, codes: Codes) -> NDArray[np.float64]:
    cells = np.array(rows, dtype=object)
    for place, known in codes.items():
        words = any(isinstance(category, str) for category in known)
        cells[:, place] = [_code(cell, known, words=words) for cell in cells[:, place]]
    return cells.astype(np.float64)


def _code(cell: Any, known: Mapping[Any, float], *, words: bool) -> Any:
    """A category's code; where categories are words, a number is a code already. Raises ValueError for words that are not kept."""
    if (words or isinstance(known, Unkept)) and isinstance(cell, int | float):
        return cell
    if isinstance(known, Unkept) and cell is not None:
        raise ValueError(
            f"{cell!r} cannot be looked up: the model's categories have letters beyond ASCII, which XGBoost does not keep whole; send codes, or train "
            "with words in ASCII"
        )
    return known.get(_key(cell), np.nan)


def _key(category: Any) -> Any:
    """A category as it is looked up: numbers of any type by their value, NaN and None as nothing."""
    return category if isinstance(category, str) or category is None else float(category)


def _whole(category: Any) -> Any:
    """A category of numbers as pandas has it: an integer where it is whole."""
    return int(category) if isinstance(category, float) and category.is_integer() else category


def _numbered(categories: Sequence[Any]) -> dict[Any, float]:
    return {_key(category): float(code) for code, category in enumerate(categories)}


def xgboost_model(path: Path) -> BoosterModel:
    """A booster from `model.ubj` or `model.json`. Raises what XGBoost raises."""
    import xgboost

    booster = xgboost.Booster(model_file=str(path))
    booster.set_param({"nthread": 1})
    linear = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"] == "gblinear"
    best = booster.attr("best_iteration")
    iterations = (0, 0) if linear or best is None else (0, int(best) + 1)

    def predict(table: NDArray[Any]) -> Any:
        try:
            if linear:  # it has no prediction in place
                names, types = booster.feature_names, booster.feature_types
                return booster.predict(xgboost.DMatrix(table, nthread=1, feature_names=names, feature_types=types))
            return booster.inplace_predict(table, iteration_range=iterations)
        except xgboost.core.XGBoostError as error:
            raise ValueError(LOCATION.sub("", str(error).partition("\n")[0])) from error

    codes = _xgboost_codes(booster) if "c" in (booster.feature_types or ()) else {}
    return BoosterModel(predict, booster.num_features(), booster.feature_names or (), codes)


def _xgboost_codes(booster: Any) -> Codes:
    """The categories that the file holds; none where it was written before XGBoost 3.1, whose rows are codes already."""
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]
    held = model.get("gbtree", model).get("model", {}).get("cats", {}).get("enc", [])
    read = {place: _categories(encoded) for place, encoded in enumerate(held)}
    return {
        place: Unkept() if categories is None else _numbered(categories)
        for place, categories in read.items()
        if categories is None or categories
    }


def _categories(encoded: Mapping[str, Any]) -> list[Any] | None:
    """A column's categories; None for words beyond ASCII, which XGBoost (3.2) damages: it counts characters where bytes are meant, so that
    they run into one another and the last is cut."""
    values = encoded.get("values", [])
    if "offsets" not in encoded:
        return list(values)
    text, ends = bytes(value % 256 for value in values), encoded["offsets"]
    return [text[start:end].decode() for start, end in pairwise(ends)] if text.isascii() else None


def lightgbm_model(path: Path) -> BoosterModel:
    """A booster from `model.txt`. Raises what LightGBM raises."""
    import lightgbm

    booster = lightgbm.Booster(model_file=str(path))
    infos = next(
        (line for line in path.read_text().splitlines() if line.startswith("feature_infos=")), "feature_infos="
    )
    codes = _lightgbm_codes(booster.pandas_categorical or [], infos.partition("=")[2].split())
    named = [name for place, name in enumerate(booster.feature_name()) if name != f"Column_{place}"]
    names = booster.feature_name() if named else []
    return BoosterModel(lambda table: booster.predict(table, num_threads=1), booster.num_feature(), names, codes)


def frame_categories(model: Any) -> dict[str, list[Any]]:
    """Of a wrapper for scikit-learn the columns that were categories in the DataFrame that trained it, each with those; none of others.

    Raises what `_lightgbm_codes` does.
    """
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    if not names:
        return {}
    booster: Any = getattr(model, "booster_", None)
    if getattr(booster, "pandas_categorical", None):
        infos = next(line for line in booster.model_to_string().splitlines() if line.startswith("feature_infos="))
        places = _lightgbm_codes(booster.pandas_categorical, infos.partition("=")[2].split())
        return {names[place]: list(known) for place, known in zip(places, booster.pandas_categorical, strict=True)}
    if getattr(model, "enable_categorical", False) and "c" in (model.get_booster().feature_types or ()):
        held = _xgboost_codes(model.get_booster()).items()
        return {names[place]: [*map(_whole, known)] for place, known in held if not isinstance(known, Unkept)}
    return {}


def _lightgbm_codes(categories: Sequence[Sequence[Any]], infos: Sequence[str]) -> Codes:
    """The categories of a DataFrame's columns in their order; which columns they are follows from what the file says of each.

    Raises ValueError where it does not follow: a column that no tree looks at may be of either sort.
    """
    sure = [place for place, info in enumerate(infos) if not info.startswith("[") and info != "none"]
    possible = [place for place, info in enumerate(infos) if not info.startswith("[")]
    for places in (sure, possible):
        if len(places) == len(categories):
            return {place: _numbered(of) for place, of in zip(places, categories, strict=True)}
    if not categories:
        return {}
    raise ValueError(
        "the file does not say which of its columns are categories: train it without those that are constant"
    )
