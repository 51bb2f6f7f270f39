"""The proof: a fitted estimator as ONNX, compared with itself on the baseline's rows and on rows that look for trouble.

In: an order (the model's file, the baseline, its columns) on standard input; out: the ONNX and a `Compilation`. It runs in a
process of its own, because it unpickles the model with the project's modules.
"""

from __future__ import annotations

import csv
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.manifest import Compilation
from fogbank.contracts.schema import Missing
from fogbank.ground.digest import sha256_file
from fogbank.pack.agreement import DisagreementError, agree
from fogbank.pack.compile import BATCH_SIZES, BATCHED_ROWS, REASON_LENGTH, ROWS, Compiled, native
from fogbank.pack.convert import Conversion, convert
from fogbank.pack.graph import UnsupportedError
from fogbank.pack.thresholds import Place, frame
from fogbank.pack.trouble import troubles
from fogbank.pack.words import Worded, with_words, worded
from fogbank.scoring import load_compiled, one_job
from fogbank.scoring.boosters import lightgbm_model, xgboost_model
from fogbank.scoring.catboost_model import catboost_model
from fogbank.scoring.plan import UNSEEN

BATCH_S = 4.0
"""How long one row after the other is asked for, to see whether company changes a result; at least `LEAST_ROWS`."""
LEAST_ROWS = 40
TRUTHS = {"True": 1.0, "true": 1.0, "False": 0.0, "false": 0.0}
Rows = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a proof must come up to. `method` is the one that answers where there is no handler, `uses` are names that a
    handler's code speaks of; `nullable` says of each column whether a value may be missing; `names` are the columns' where the
    model takes them from a DataFrame, `worded` the model on codes where some of those hold words."""

    tolerance: float
    nullable: Sequence[bool] = ()
    method: str = ""
    uses: Sequence[str] = ()
    names: Sequence[str] = ()
    worded: Worded | None = None


class Framed:
    """A model that is given its rows as a DataFrame, as the server gives them to it."""

    def __init__(self, model: Any, names: Sequence[str], worded: Worded | None) -> None:
        self._model, self._names, self._worded = model, names, worded

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._model, name)
        return (lambda rows: attribute(self._frame(rows))) if callable(attribute) else attribute

    def _frame(self, rows: Rows) -> Any:
        return frame(rows, self._names) if self._worded is None else self._worded.frame(rows, self._names)


def prove(model: Any, rows: Rows, wish: Wish) -> Compiled:
    """Convert a fitted estimator and compare it with itself, at the last bit's neighbours too; the reason where that fails."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        outcome = _prove(model, rows, wish)
    return outcome if outcome.onnx is not None else unconverted(model, rows, wish, outcome.compilation.reason)


def unconverted(model: Any, rows: Rows, wish: Wish, reason: str) -> Compiled:
    """The native model serves; whether its rows say the same in company is seen all the same."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        exact = bool(wish.method) and _native_batches(_as_served(model, wish), rows, wish.method)
    return Compiled(compilation=Compilation(compiled=False, reason=reason, batch_exact=exact))


def _prove(model: Any, rows: Rows, wish: Wish) -> Compiled:
    try:
        conversion = convert(model) if wish.worded is None else _convert(wish.worded)
        compiled = load_compiled(conversion.onnx)
        lacking = _lacking(model, compiled, wish)
        if lacking:
            return native(lacking)
        kinds = troubles(rows, wish.nullable or [False] * rows.shape[1], _place(conversion, wish))
        if wish.worded is not None:
            kinds = {kind: np.unique(wish.worded.codes(made), axis=0) for kind, made in kinds.items()}
        agreement = agree(_as_served(model, wish), compiled, conversion.tolerances(wish.tolerance), kinds)
    except (UnsupportedError, DisagreementError) as error:
        return native(_first_line(error))
    except Exception as error:  # noqa: BLE001 - whatever the converter or the runtime cannot do is a reason, not a failure
        return native(f"{type(error).__name__}: {_first_line(error)}")
    run = [getattr(compiled, name) for name in conversion.methods]
    return Compiled(
        compilation=Compilation(
            compiled=True,
            converter=conversion.maker,
            precision="double",
            rows=len(rows),
            max_difference=agreement.difference,
            tolerance=wish.tolerance,
            batch_exact=_batch_exact(lambda part: [call(part) for call in run], rows[:BATCHED_ROWS]),
            exact=agreement.exact,
            proof={kind: len(made) for kind, made in kinds.items()}
            | {"refused": agreement.refused, "ties": agreement.ties},
        ),
        onnx=conversion.onnx,
    )


def _convert(worded: Worded) -> Conversion:
    conversion = convert(worded.model)
    return replace(conversion, onnx=with_words(conversion.onnx, worded.words))


def main() -> int:
    """`python -m fogbank.pack.proof ROOT OUT`: an order on standard input; out go OUT.onnx and the compilation on stdout."""
    root, out = sys.argv[1:]
    sys.path.insert(0, root)
    warnings.simplefilter("ignore")
    order = json.load(sys.stdin)
    outcome = carry_out(order)
    if outcome.onnx is not None:
        Path(out).write_bytes(outcome.onnx)
    sys.stdout.write("\n" + json.dumps(asdict(outcome.compilation), allow_nan=False))
    return 0


def carry_out(order: dict[str, Any]) -> Compiled:
    """What an order asks for: the model is loaded, converted and compared with itself."""
    path = Path(order["model"])
    model = _load(path, order["kind"])
    columns = _in_the_models_order(order["columns"], getattr(model, "feature_names_in_", None))
    nullable = [name in order["nullable"] for name in columns]
    why_not = order["why_not"]
    try:
        own = None if why_not else _worded(model, columns, order["words"])
    except UnsupportedError as error:
        why_not, own = why_not or str(error), None
    rows = None if order["words"] and own is None else _rows(Path(order["baseline"]), columns, nullable, own)
    if not why_not and not (hasattr(model, "predict") and type(model).__module__.startswith("sklearn.")):
        why_not = f"{type(model).__module__}.{type(model).__name__} is not a scikit-learn estimator"
    if rows is None:
        outcome = native(why_not or "the baseline has no rows of these columns to prove it on")
    else:
        wish = Wish(
            tolerance=order["tolerance"],
            nullable=nullable,
            method=order["method"],
            uses=order["uses"],
            names=columns if order["rows"] == "frame" else (),
            worded=own,
        )
        outcome = unconverted(model, rows, wish, why_not) if why_not else prove(model, rows, wish)
    return replace(outcome, compilation=replace(outcome.compilation, source_sha256=sha256_file(path)))


def _worded(model: Any, columns: Sequence[str], missing: Mapping[str, Missing]) -> Worded | None:
    places = {place: missing[name] for place, name in enumerate(columns) if name in missing}
    return worded(model, list(places), places) if places else None


def _load(path: Path, kind: str) -> Any:
    if kind == "skops":
        from skops.io import get_untrusted_types, load

        return one_job(load(path, trusted=get_untrusted_types(file=path)))
    if kind == "xgboost":
        return xgboost_model(path)
    if kind == "lightgbm":
        return lightgbm_model(path)
    if kind == "catboost":
        return catboost_model(path)
    import joblib

    return one_job(joblib.load(path))


def _in_the_models_order(columns: list[str], names: Any) -> list[str]:
    """The schema's columns as the model was trained on them, where it knows their names and they are the same."""
    if names is None or sorted(map(str, names)) != sorted(columns):
        return columns
    return [str(name) for name in names]


def _as_served(model: Any, wish: Wish) -> Any:
    return Framed(model, wish.names, wish.worded) if wish.names else model


def _place(conversion: Conversion, wish: Wish) -> Place | None:
    if conversion.ensemble is None or not conversion.ensemble.splits:
        return None
    return Place(ensemble=conversion.ensemble, before=conversion.before, sources=conversion.sources, names=wish.names)


def _lacking(model: Any, compiled: Any, wish: Wish) -> str:
    """Why the compiled model cannot stand for the model: a method, or what a handler speaks of."""
    method = wish.method
    if method and not hasattr(compiled, method):
        return f"{method} has no exact form here" if hasattr(model, method) else f"the model has no {method}"
    for name in wish.uses:
        if hasattr(model, name) and not hasattr(compiled, name):
            return f"the handler speaks of {name}, which only the native model has"
        if name == f"isinstance:{type(model).__module__.partition('.')[0]}":
            return "the handler asks for types, which only the native model has"
    return ""


def _native_batches(model: Any, rows: Rows, method: str) -> bool:
    """Whether the native model says the same of each row to the last bit, alone and in company, as far as time allows."""
    try:
        predict = getattr(model, method)
        predict(rows[:1].copy())
        started = time.perf_counter()
        predict(rows[:1].copy())
        affordable = int(BATCH_S / 3 / max(time.perf_counter() - started, 1e-6))
        return _batch_exact(lambda part: [predict(part.copy())], rows[: max(LEAST_ROWS, min(BATCHED_ROWS, affordable))])
    except Exception:  # noqa: BLE001 - a model that does not answer these rows is not batched
        return False


def _batch_exact(run: Callable[[NDArray[Any]], list[Any]], rows: NDArray[Any]) -> bool:
    """Whether each row's outputs are the same bits alone and in batches of several sizes."""
    alone = [run(rows[i : i + 1]) for i in range(len(rows))]
    for size in BATCH_SIZES:
        for start in range(0, len(rows), size):
            together = run(rows[start : start + size])
            for output, values in enumerate(together):
                single = np.concatenate([np.asarray(found[output]) for found in alone[start : start + size]])
                if not np.array_equal(np.asarray(values), single, equal_nan=single.dtype.kind == "f"):
                    return False
    return True


def _rows(baseline: Path, columns: list[str], nullable: Sequence[bool], own: Worded | None) -> Rows | None:
    words = {} if own is None else own.words
    codes = {place: {word: float(code) for code, word in enumerate(known)} for place, known in words.items()}
    with baseline.open(newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        try:
            places = [header.index(name) for name in columns]
            rows = [
                [
                    _code(row[place], codes[column]) if column in codes else _number(row[place], nullable[column])
                    for column, place in enumerate(places)
                ]
                for row, _ in zip(reader, range(ROWS), strict=False)
            ]
        except (ValueError, IndexError):
            return None
    return np.array(rows, dtype=np.float64) if rows else None


def _code(cell: str, codes: Mapping[str | None, float]) -> float:
    """A word's code; an empty cell is a missing one."""
    return codes.get(cell, UNSEEN) if cell else codes.get(cell, codes.get(None, math.nan))


def _number(cell: str, nullable: bool) -> float:
    """A cell of CSV; an empty one is missing where it may be. Raises ValueError."""
    if nullable and not cell.strip():
        return math.nan
    return TRUTHS[cell] if cell in TRUTHS else float(cell)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:REASON_LENGTH]


if __name__ == "__main__":
    sys.exit(main())
