"""What a fitted model says of itself: its columns' names, its classes, the form of the rows that it takes, the modules it needs.

In: an order (the model's file, the schema) on standard input; out: the fields of a `Fitted` as JSON, and which files it came from. It
runs in a process of its own, because it unpickles the model with the project's modules, and by its path, because the Python may be that
of the model's own environment, which has no more of fogbank than what serves. What cannot be loaded says nothing here: the probe tells why.
"""

from __future__ import annotations

import json
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fogbank.contracts.schema import Missing, Rows, Value

NUMBERED = re.compile(r"(Column_|f|x|X)?\d+")
"""Names that a library gives to columns that have none."""
WHOLE = re.compile(r"[+-]?[0-9]+")
KNOWN = {"sklearn", "xgboost", "lightgbm", "catboost", "imblearn"}
"""Libraries whose estimators take an array for a frame of the same numbers."""
ARRAYS = {*KNOWN, "numpy", "scipy"}
"""Libraries whose functions take an array for a frame."""
MOST = 20_000
"""The most objects inside of a model that are looked at."""

FOGBANK = Path(__file__).parents[1]


def examine(model: Any, dtypes: list[str]) -> dict[str, Any]:
    """What a loaded model says, given the dtypes of the schema's columns."""
    parts = list(_parts(model))
    names = _names(model)
    return {
        "names": names,
        "width": int(getattr(model, "n_features_in_", 0) or 0),
        "classes": _classes(model),
        "rows": _rows(parts, names, dtypes),
        "missing": _missing(parts),
        "words": sorted({name for part in parts for name in _words(part)}),
        "categories": _categories(model),
    }


def _categories(model: Any) -> dict[str, list[Value]]:
    """The categories that columns of the DataFrame had at training, as a booster's wrapper keeps them."""
    from fogbank.scoring.boosters import frame_categories

    try:
        return frame_categories(model)
    except Exception:  # noqa: BLE001 - a library of another version, which keeps them in another place
        return {}


def predictions(model: Any, order: dict[str, Any], answer: dict[str, Any]) -> list[list[Any]]:
    """What the model predicts of rows of a CSV's cells, each as the list of its values. Raises TypeError, and what the model does."""
    model = BOOSTERS[order["kind"]](order["model"]) if order["kind"] in BOOSTERS else model
    predict = getattr(model, "predict", None) or (model if callable(model) else None)
    if predict is None:
        raise TypeError(f"the model ({type(model).__name__}) has no predict, and is not a callable")
    result = predict(_table(order["cells"], order["columns"], answer))
    values = result.tolist() if hasattr(result, "tolist") else list(result)
    return [value if isinstance(value, list) else [value] for value in values]


def _table(cells: list[list[str]], columns: list[dict[str, Any]], answer: dict[str, Any]) -> Any:
    import numpy as np

    if answer["rows"] == "texts":
        return [row[0] for row in cells]
    stands = {"nan": math.nan, "none": None, "empty": ""}[answer["missing"]]
    values = [[_value(row[place], column["dtype"], stands) for row in cells] for place, column in enumerate(columns)]
    if answer["rows"] == "frame":
        import pandas as pd

        frame = pd.DataFrame(
            {column["name"]: column_values for column, column_values in zip(columns, values, strict=True)}
        )
        for name, categories in answer["categories"].items():
            frame[name] = pd.Categorical([_category(value, categories) for value in frame[name]], categories=categories)
        return frame
    words = any(column["dtype"] == "string" for column in columns)
    return np.array(values, dtype=object if words else float).T


def _category(cell: str, categories: list[Value]) -> Any:
    """The category that a cell is, by its text; None for one that training did not see."""
    return next((known for known in categories if str(known) == cell), None)


def _value(cell: str, dtype: str, stands: Any) -> Any:
    if dtype == "category":
        return cell
    if dtype == "string":
        return cell or stands
    if dtype == "boolean" and cell:
        return cell.lower() == "true"
    if dtype == "integer" and WHOLE.fullmatch(cell):  # a key may be larger than what a float tells apart
        return int(cell)
    return float(cell) if cell else math.nan


def _names(model: Any) -> list[str]:
    for attribute in ("feature_names_in_", "feature_names_", "feature_names", "feature_name"):
        try:
            value: Any = getattr(model, attribute, None)
            value = value() if callable(value) else value
            names = [str(name) for name in (value.tolist() if hasattr(value, "tolist") else value or ())]
        except Exception:  # noqa: BLE001, S112 - a property of somebody's library that is not for this model
            continue
        if names and not all(NUMBERED.fullmatch(name) for name in names):
            return names
    return []


def _classes(model: Any) -> list[Value]:
    try:
        classes = model.classes_
        values = classes.tolist() if hasattr(classes, "tolist") else list(classes)
    except Exception:  # noqa: BLE001 - as above: it has none
        return []
    return values if all(isinstance(value, str | int | float | bool) for value in values) else []


def _rows(parts: list[Any], names: list[str], dtypes: list[str]) -> Rows:
    """The form in which training gave rows to the model, where an array of the same cells would not do."""
    vectorizes = any(callable(getattr(part, "build_analyzer", None)) for part in parts)
    by_column = [part for part in parts if hasattr(part, "transformers_")]
    if vectorizes and not by_column and dtypes in ([], ["string"]):
        return "texts"
    if any(
        getattr(getattr(part, "model", None), "formula", None) for part in parts
    ):  # statsmodels: it names its columns
        return "frame"
    if not names:
        return "array"
    selects_by_name = any(
        isinstance(column, str)
        for part in by_column
        for _, _, columns in part.transformers_
        for column in _listed(columns)
    )
    foreign = any(_library(type(part)) not in KNOWN or _calls_others(part) for part in parts)
    mixed = any(dtype not in {"float", "integer", "boolean"} for dtype in dtypes)
    return "frame" if selects_by_name or foreign or mixed else "array"


def _library(thing: Any) -> str:
    return str(getattr(thing, "__module__", "") or "").partition(".")[0]


def _calls_others(part: Any) -> bool:
    """Whether a transformer hands rows as they come to a function of somebody's own, which may ask a frame for its columns."""
    function = getattr(part, "func", None)
    return (
        callable(function)
        and hasattr(part, "transform")
        and not {_library(function), _library(type(function))} & ARRAYS
    )


def _words(part: Any) -> Iterator[str]:
    """The names of columns that hold words, as far as a part says so: by itself, or by encoders that it gives columns to."""
    yield from getattr(part, "word_columns_", ())
    for _, inner, columns in getattr(part, "transformers_", ()):
        names = [column for column in _listed(columns) if isinstance(column, str)]
        for encoder in _parts(inner):
            known = _listed(getattr(encoder, "categories_", []))
            for name, categories in zip(names, known, strict=False) if len(known) == len(names) else ():
                if any(isinstance(category, str) for category in categories):
                    yield name


def _listed(columns: Any) -> Sequence[Any]:
    if isinstance(columns, str):
        return [columns]
    if hasattr(columns, "tolist"):
        columns = columns.tolist()
    return columns if isinstance(columns, list | tuple) else []


def _missing(parts: list[Any]) -> Missing:
    """What stood for a missing string in training, by what encoders and imputers have seen."""
    stood: set[Missing] = set()
    for part in parts:
        imputed = getattr(part, "missing_values", 0)
        stood |= _kind(imputed) if imputed is None or imputed == "" else set()
        for categories in _listed(getattr(part, "categories_", [])):
            for value in categories.tolist() if hasattr(categories, "tolist") else categories:
                stood |= _kind(value)
    kinds: tuple[Missing, ...] = ("nan", "none", "empty")
    return next((kind for kind in kinds if kind in stood), "nan")


def _kind(value: Any) -> set[Missing]:
    if value is None:
        return {"none"}
    if isinstance(value, str):
        return set() if value else {"empty"}
    return {"nan"} if isinstance(value, float) and math.isnan(value) else set()


def _parts(model: Any) -> Iterator[Any]:
    """A model and the estimators inside of it."""
    waiting, seen = [model], {id(model)}
    while waiting and len(seen) < MOST:
        part = waiting.pop()
        yield part
        for value in vars(part).values() if hasattr(part, "__dict__") else ():
            for item in _flat(value):
                if (
                    id(item) not in seen
                    and (hasattr(item, "get_params") or hasattr(item, "transform"))
                    and not isinstance(item, type)
                ):
                    seen.add(id(item))
                    waiting.append(item)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if getattr(getattr(value, "dtype", None), "hasobject", False) and hasattr(value, "ravel"):
        value = value.ravel().tolist()
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _joblib(path: str, trusted: list[str]) -> Any:
    del trusted
    import joblib

    return joblib.load(path)


def _skops(path: str, trusted: list[str]) -> Any:
    from skops.io import load

    return load(path, trusted=trusted)


def _xgboost(path: str, trusted: list[str]) -> Any:
    del trusted
    import xgboost

    return xgboost.Booster(model_file=path)


def _lightgbm(path: str, trusted: list[str]) -> Any:
    del trusted
    import lightgbm

    return lightgbm.Booster(model_file=path)


def _catboost(path: str, trusted: list[str]) -> Any:
    del trusted
    from fogbank.scoring.catboost_model import catboost_model

    return catboost_model(Path(path))


def _onnx(path: str, trusted: list[str]) -> Any:
    del trusted
    import onnxruntime

    from fogbank.scoring.onnx_model import OnnxModel

    return OnnxModel(onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]))


LOADERS: dict[str, Callable[[str, list[str]], Any]] = {
    "joblib": _joblib,
    "skops": _skops,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "onnx": _onnx,
}


def _xgboost_predicts(path: str) -> Any:
    from fogbank.scoring.boosters import xgboost_model

    return xgboost_model(Path(path))


def _lightgbm_predicts(path: str) -> Any:
    from fogbank.scoring.boosters import lightgbm_model

    return lightgbm_model(Path(path))


BOOSTERS: dict[str, Callable[[str], Any]] = {"xgboost": _xgboost_predicts, "lightgbm": _lightgbm_predicts}
"""What predicts as the server does, where the library's own object takes no rows as they are."""


def main() -> int:
    """An order on standard input; a `Fitted` and the project's files that were read on standard output."""
    order = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    sys.path[:0] = order["roots"]
    stdout, sys.stdout = sys.stdout, sys.stderr  # what the project's modules print is no answer
    before, in_main = set(sys.modules), _record_main()
    answer: dict[str, Any] = {}
    loaded, predicted = False, None
    try:
        model = LOADERS[order["kind"]](order["model"], order["trusted"])
        answer = examine(model, order["dtypes"])
        if order["kind"] in BOOSTERS:
            answer["words"] = list(BOOSTERS[order["kind"]](order["model"]).word_columns_)
        loaded = True
        if "cells" in order:
            predicted = predictions(model, order, answer)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the probe loads it as the server does, and says what is wrong
        sys.stderr.write(f"{type(error).__name__}: {_line(error)}\n")
        in_main = in_main if isinstance(error, AttributeError) else []
    own = {
        name: sys.modules[name] for name in set(sys.modules) - before if _is_projects(sys.modules[name], order["roots"])
    }
    fitted = {**answer, "modules": sorted(own), "in_main": in_main}
    files = sorted(str(module.__file__) for module in own.values())
    stdout.write(json.dumps({"fitted": fitted, "loaded": loaded, "files": files, "predictions": predicted}))
    return 0


def _line(error: BaseException) -> str:
    """What an error says, on one line, without the marks below a piece of code."""
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(line for line in lines if line.strip("^~ "))


def _record_main() -> list[str]:
    """The names that are asked of `__main__` and are not there, as they are asked."""
    names: list[str] = []

    def missing(name: str) -> Any:
        if not name.startswith("__"):
            names.append(name)
        raise AttributeError(name)

    sys.modules["__main__"].__dict__["__getattr__"] = missing
    return names


def _is_projects(module: Any, roots: list[str]) -> bool:
    """Whether it travels: what lies in the project, but for environments in it, and fogbank's own sources where they are the project's."""
    path = Path(getattr(module, "__file__", None) or "/")
    if path.is_relative_to(FOGBANK):
        return False
    below = [path.relative_to(root).parts for root in roots if path.is_relative_to(root)]
    return any(not any(part.startswith(".") or part == "site-packages" for part in parts) for parts in below)


if __name__ == "__main__":
    sys.exit(main())
