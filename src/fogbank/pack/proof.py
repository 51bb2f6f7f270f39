"""The proof: a fitted estimator as ONNX, compared with itself on the baseline's rows.

In: an order (the model's file, the baseline, its columns) on standard input; out: the ONNX and a `Compilation`. It runs in a
process of its own, because it unpickles the model with the project's modules.
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.manifest import Compilation
from fogbank.ground.digest import sha256_file
from fogbank.pack.compile import BATCH_SIZES, BATCHED_ROWS, REASON_LENGTH, ROWS, Compiled, native


def prove(model: Any, rows: NDArray[np.float64], tolerance: float) -> Compiled:
    """Convert a fitted estimator and compare it with itself on these rows, in double precision first, then in single."""
    from skl2onnx import __version__, to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    from sklearn.base import is_classifier

    options = {id(model): {"zipmap": False}} if is_classifier(model) else None
    reasons = []
    for precision, tensor in (("double", DoubleTensorType), ("float", FloatTensorType)):
        try:
            graph = to_onnx(model, initial_types=[("input", tensor([None, rows.shape[1]]))], options=options)
            onnx: bytes = graph.SerializeToString()
            difference, batch_exact = _compare(model, onnx, rows, precision)
        except Exception as error:  # noqa: BLE001 - whatever the converter or the runtime cannot do is a reason, not a failure
            reasons.append(f"{precision}: {_first_line(error)}")
            continue
        if difference is None:
            reasons.append(f"{precision}: a label differs on the baseline")
        elif difference > tolerance:
            reasons.append(f"{precision}: a score differs by {difference:.2g}, the tolerance is {tolerance:.2g}")
        else:
            return Compiled(
                compilation=Compilation(
                    compiled=True,
                    converter=f"skl2onnx {__version__}",
                    precision=precision,  # type: ignore[arg-type]  # one of the two above
                    rows=len(rows),
                    max_difference=difference,
                    tolerance=tolerance,
                    batch_exact=batch_exact,
                ),
                onnx=onnx,
            )
    return native("; ".join(reasons))


def main() -> int:
    """`python -m fogbank.pack.proof ROOT OUT`: an order on standard input; out go OUT.onnx and the compilation on stdout."""
    root, out = sys.argv[1:]
    sys.path.insert(0, root)
    warnings.simplefilter("ignore")
    order = json.load(sys.stdin)
    outcome = _compile(order)
    if outcome.onnx is not None:
        Path(out).write_bytes(outcome.onnx)
    sys.stdout.write(json.dumps(asdict(outcome.compilation)))
    return 0


def _compile(order: dict[str, Any]) -> Compiled:
    path = Path(order["model"])
    if order["kind"] == "skops":
        from skops.io import get_untrusted_types, load

        model = load(path, trusted=get_untrusted_types(file=path))
    else:
        import joblib

        model = joblib.load(path)
    if not callable(getattr(model, "predict", None)) or not type(model).__module__.startswith("sklearn."):
        return native(f"{type(model).__module__}.{type(model).__name__} is not a scikit-learn estimator")
    rows = _rows(Path(order["baseline"]), order["columns"])
    if rows is None:
        return native("the baseline has no rows of these columns to prove it on")
    outcome = prove(model, rows, order["tolerance"])
    return replace(outcome, compilation=replace(outcome.compilation, source_sha256=sha256_file(path)))


def _compare(model: Any, onnx: bytes, rows: NDArray[np.float64], precision: str) -> tuple[float | None, bool]:
    """The largest difference of a score, None where a label differs; and whether rows together say what each says alone."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # as it is served
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    data = rows.astype(np.float64 if precision == "double" else np.float32)
    name = session.get_inputs()[0].name
    difference = _difference(model, session.run(None, {name: data}), rows)
    return difference, _batch_exact(lambda part: session.run(None, {name: part}), data[:BATCHED_ROWS])


def _batch_exact(run: Callable[[NDArray[Any]], list[Any]], rows: NDArray[Any]) -> bool:
    """Whether each row's outputs are the same bits alone and in batches of several sizes."""
    alone = [run(rows[i : i + 1]) for i in range(len(rows))]
    for size in BATCH_SIZES:
        for start in range(0, len(rows), size):
            together = run(rows[start : start + size])
            for output, values in enumerate(together):
                single = np.concatenate([np.asarray(found[output]) for found in alone[start : start + size]])
                if not np.array_equal(np.asarray(values), single):
                    return False
    return True


def _difference(model: Any, outputs: list[Any], rows: NDArray[np.float64]) -> float | None:
    """The largest difference of a score, or of a regressor's value; None where a label differs."""
    predicted, native_predicted = np.asarray(outputs[0]).ravel(), np.asarray(model.predict(rows))
    if native_predicted.ndim != 1:
        raise ValueError("the model predicts more than one value a row")
    if not hasattr(model, "classes_"):
        return float(np.max(np.abs(predicted - native_predicted)))
    if not np.array_equal(predicted, native_predicted):
        return None
    if not hasattr(model, "predict_proba"):
        return 0.0
    return float(np.max(np.abs(np.asarray(outputs[1]) - model.predict_proba(rows))))


def _rows(baseline: Path, columns: list[str]) -> NDArray[np.float64] | None:
    with baseline.open(newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        try:
            places = [header.index(name) for name in columns]
            rows = [[float(row[place]) for place in places] for row, _ in zip(reader, range(ROWS), strict=False)]
        except (ValueError, IndexError):
            return None
    return np.array(rows, dtype=np.float64) if rows else None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:REASON_LENGTH]


if __name__ == "__main__":
    sys.exit(main())
