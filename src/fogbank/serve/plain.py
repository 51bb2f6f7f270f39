"""What a predict_fn may return, made plain: arrays, frames, series, sparse matrices, lists of any of them, Python's own values.

In: a prediction; out: lists and numbers as SageMaker's toolkit would write them, or an error that says why there is no such
form. Nothing is ever written as its repr.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

SHOWN = 80
OPTIONS = orjson.OPT_NON_STR_KEYS
SCALARS = (str, int, float, bool)


class NotWritableError(Exception):
    """The prediction has no such form; the text says why, and what to do."""


def plain(prediction: Any) -> Any:
    """Lists for what has rows (arrays, frames, series, sparse matrices, tensors); the rest as it is."""
    if isinstance(prediction, np.ndarray | np.generic):
        return _of_array(prediction)
    if isinstance(prediction, list | tuple | str | bytes | Mapping) or prediction is None:
        return list(prediction) if isinstance(prediction, tuple) else prediction
    if hasattr(prediction, "iloc") and hasattr(prediction, "columns"):
        columns = [plain(prediction.iloc[:, i]) for i in range(prediction.shape[1])]
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(len(prediction))]
    if callable(getattr(prediction, "toarray", None)):
        return _of_array(prediction.toarray())
    if callable(getattr(prediction, "detach", None)):  # a tensor that may be on a device, and may want a gradient
        prediction = prediction.detach().cpu()
    if callable(getattr(prediction, "tolist", None)):
        return prediction.tolist()
    if callable(getattr(prediction, "numpy", None)):
        return _of_array(prediction.numpy())
    return prediction


def _of_array(array: Any) -> Any:
    return array.astype(str).tolist() if array.dtype.kind in "Mm" else array.tolist()


def as_rows(prediction: Any, names: Sequence[str] = ()) -> list[list[Any]]:
    """The rows of a prediction, each a list of cells, for CSV. A row that is an object has its cells by the `names` of columns.

    Raises NotWritableError.
    """
    rows = plain(prediction)
    if isinstance(rows, Mapping):
        raise NotWritableError("a dictionary has no rows; ask for application/json, or return rows")
    if not isinstance(rows, list):
        return [[_cell(rows)]]
    table = [_named(row, names) if isinstance(row, Mapping) else plain(row) for row in rows]
    return [[_cell(cell) for cell in row] if isinstance(row, list) else [_cell(row)] for row in table]


def _named(row: Mapping[Any, Any], names: Sequence[str]) -> list[Any]:
    """An object's cells in the order of columns. Raises NotWritableError."""
    if set(row) != set(names):
        have, want = (", ".join(map(str, keys)) or "none" for keys in (row, names))
        raise NotWritableError(
            f"a row has the keys {have}, and the output's columns are {want}; ask for application/json"
        )
    return [plain(row[name]) for name in names]


def _cell(value: Any) -> Any:
    """A value that is one cell. Raises NotWritableError."""
    value = plain(value)
    if value is None or isinstance(value, SCALARS):
        return value
    if isinstance(value, list):
        raise NotWritableError(
            "it has three dimensions or more, and CSV has two: what has several outputs gives a table for each (as "
            "predict_proba of several outputs does); ask for application/json, or write an output_fn"
        )
    if isinstance(value, bytes | Mapping) or not _has_text(value):
        raise NotWritableError(f"{_shown(value)} is no cell; return numbers or text, or write an output_fn")
    return str(value)


def _has_text(value: Any) -> bool:
    """Whether its class says how it is written, other than for programmers."""
    return any("__str__" in vars(kind) for kind in type(value).__mro__[:-1])


def as_array(prediction: Any) -> NDArray[Any]:
    """The prediction as an array of numbers or text. Raises NotWritableError."""
    rows = prediction if isinstance(prediction, np.ndarray) else plain(prediction)
    try:
        array = np.asarray(rows)
    except ValueError as error:
        raise NotWritableError("its rows are not of one length") from error
    if array.dtype.hasobject:
        raise NotWritableError(f"{_shown(prediction)} is no array of numbers or text")
    return array


def json_bytes(value: Any) -> bytes:
    """JSON, as compact as it can be; NaN is null. Raises NotWritableError."""
    try:
        return orjson.dumps(plain(value), default=_default, option=OPTIONS)
    except TypeError:  # numbers beyond 64 bits, keys that are numpy's: the slower way
        return json.dumps(_jsonable(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _default(value: Any) -> Any:
    made = plain(value)
    if made is value:
        raise TypeError(_shown(value))
    return made


def _jsonable(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, SCALARS):
        return value
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, Mapping):
        return {_name(key): _jsonable(item) for key, item in value.items()}
    try:
        return orjson.loads(orjson.dumps(value))
    except TypeError as error:
        raise NotWritableError(
            f"{_shown(value)} has no form in it; return numbers, text, lists, or dictionaries"
        ) from error


def _name(key: Any) -> Any:
    key = plain(key)
    if key is not None and not isinstance(key, SCALARS):
        raise NotWritableError(f"{_shown(key)} is no key of a JSON object")
    return key


def _shown(value: Any) -> str:
    text = f"{type(value).__name__} {value!r}"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
