"""A trained scikit-learn model to ONNX, with the proof that it says the same; or the reason why the native model serves.

In: the model and the baseline's rows; out: a `Compiled`. It runs in a process of its own, because it unpickles the model
with the project's modules, and its outcome is kept by the digest of all that it depends on.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.digest import canonical_json, sha256_bytes, sha256_file
from fogbank.contracts.manifest import Compilation
from fogbank.pack.trained import Trained

ROWS = 10_000
"""The most rows of the baseline that the proof looks at."""
BATCHED_ROWS = 1000
BATCH_SIZES = (2, 3, 5, 8, 13, 32, 100, BATCHED_ROWS)
"""What is looked at to see whether a row's result depends on its company."""
REASON_LENGTH = 200
LIBRARIES = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy")
TIME_LIMIT_S = 600


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The ONNX bytes where there are any, and what is said about them in the manifest."""

    compilation: Compilation
    onnx: bytes | None = None


def compile_trained(config: ProjectConfig, trained: Trained, *, own_model_fn: bool) -> Compiled:
    """The model of a project as ONNX, from the cache where nothing has changed; never an error: what fails is a reason."""
    why_not = _why_not(config, trained, own_model_fn=own_model_fn)
    if why_not:
        return native(why_not)
    order = {
        "model": str(trained.model),
        "kind": trained.kind,
        "baseline": str(trained.baseline),
        "columns": list(trained.input.names),
        "tolerance": config.tolerance,
    }
    folder = config.state / "compiled"
    key = _key(trained, order)
    if not (folder / f"{key}.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            _keep(_in_a_process(config.root, order, Path(fresh) / "model.onnx"), Path(fresh), folder, key)
    compilation = Compilation(**json.loads((folder / f"{key}.json").read_text()))
    return Compiled(
        compilation=compilation, onnx=(folder / f"{key}.onnx").read_bytes() if compilation.compiled else None
    )


def _keep(outcome: Compiled, fresh: Path, folder: Path, key: str) -> None:
    """Write an outcome whole: the model first, and last what says that it is there."""
    if outcome.onnx is not None:
        (fresh / "model.onnx").rename(folder / f"{key}.onnx")
    (fresh / "compilation.json").write_bytes(canonical_json(asdict(outcome.compilation)))
    (fresh / "compilation.json").rename(folder / f"{key}.json")


def native(reason: str) -> Compiled:
    """The native model serves, for this reason."""
    return Compiled(compilation=Compilation(compiled=False, reason=reason))


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
    """`python -m fogbank.pack.compile ROOT OUT`: an order on standard input; out go OUT.onnx and the compilation on stdout."""
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


def _why_not(config: ProjectConfig, trained: Trained, *, own_model_fn: bool) -> str:
    if not config.compile:
        return "compile is false in [tool.fogbank]"
    if own_model_fn:
        return "the handler's model_fn loads the model itself"
    if config.method not in {"predict", "predict_proba"}:
        return f"{config.method} has no counterpart in ONNX"
    if trained.kind == "onnx":
        return "the model is ONNX already"
    if trained.kind not in {"joblib", "skops"}:
        return f"there is no converter for {trained.kind} here; its own runtime serves it"
    strings = [column.name for column in trained.input.columns if column.dtype == "string"]
    if strings:
        return f"the column {strings[0]!r} holds strings"
    return "" if trained.baseline.is_file() else "training left no baseline.csv to prove it on"


def _key(trained: Trained, order: dict[str, Any]) -> str:
    versions = {name: metadata.version(name) for name in LIBRARIES}
    what = {
        "model": sha256_file(trained.model),
        "baseline": sha256_file(trained.baseline),
        "columns": order["columns"],
        "tolerance": order["tolerance"],
        "versions": versions,
        "proof": [ROWS, *BATCH_SIZES],
    }
    return sha256_bytes(canonical_json(what))[:24]


def _in_a_process(root: Path, order: dict[str, Any], out: Path) -> Compiled:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "fogbank.pack.compile", str(root), str(out)],
            input=json.dumps(order),
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return native(f"the conversion took longer than {TIME_LIMIT_S} s")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return native(f"the conversion failed: {last[:REASON_LENGTH]}")
    compilation = Compilation(**json.loads(done.stdout.splitlines()[-1]))
    return Compiled(compilation=compilation, onnx=out.read_bytes() if compilation.compiled else None)


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
