"""A trained scikit-learn model to ONNX, with the proof that it is the same; or the reason why the native model serves.

In: a project's model and baseline; out: a `Compiled`. The proof runs in a process of its own (`proof.py`), and its outcome is
kept by the digest of all that it depends on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Column, Compilation, ModelKind
from fogbank.ground.digest import canonical_json, sha256_bytes, sha256_file
from fogbank.ground.sources import source_digest
from fogbank.pack.code import code_files
from fogbank.pack.trained import Trained
from fogbank.pack.uses import names_used

ROWS = 10_000
"""The most rows of the baseline that the proof looks at."""
BATCHED_ROWS = 1000
BATCH_SIZES = (2, 3, 5, 8, 13, 32, 100, BATCHED_ROWS)
"""What is looked at to see whether a row's result depends on its company."""
REASON_LENGTH = 200
LIBRARIES = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy")
PROVING = ("pack", "scoring")
"""The rooms whose code an outcome depends on."""
NUMBERS = frozenset({"boolean", "float", "integer"})
"""The types of columns that a compiled model takes as numbers."""
WORDS = frozenset({"category", "string"})
"""Those that it takes as words, where they go to encoders."""
COMPILED_KINDS = ("joblib", "skops")
"""The kinds of models that may be compiled."""
TIME_LIMIT_S = 600


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The ONNX bytes where there are any, and what is said about them in the manifest."""

    compilation: Compilation
    onnx: bytes | None = None


def compile_trained(config: ProjectConfig, trained: Trained, *, own_model_fn: bool) -> Compiled:
    """The model of a project as ONNX, from the cache where nothing has changed; never an error: what fails is a reason."""
    why_not = _why_not(config, trained, own_model_fn=own_model_fn)
    if why_not and not _worth_batching(config, trained, own_model_fn=own_model_fn):
        return native(why_not)
    code = code_files(config.handler, config.root) if config.handler else {}
    order = {
        "model": str(trained.model),
        "kind": trained.kind,
        "baseline": str(trained.baseline),
        "columns": list(trained.input.names),
        "rows": trained.input.rows,
        "nullable": [column.name for column in trained.input.columns if column.nullable],
        "words": {column.name: column.missing for column in trained.input.columns if column.dtype in WORDS},
        "tolerance": config.tolerance,
        "method": "" if config.handler else config.method,
        "uses": names_used(code.values()),
        "why_not": why_not,
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


def served_as(kind: ModelKind) -> str:
    """Why a model of a kind that is compiled already, or is none of scikit-learn's, is served as it is."""
    return f"{kind} is served by its own runtime"


def _why_not(config: ProjectConfig, trained: Trained, *, own_model_fn: bool) -> str:
    if not config.compile:
        return "compile is false in [tool.fogbank]"
    if own_model_fn:
        return "the handler's model_fn loads the model itself"
    if trained.kind == "onnx":
        return "the model is ONNX already"
    if trained.kind not in COMPILED_KINDS:
        return served_as(trained.kind)
    words = trained.input.rows == "frame" and not config.handler
    others = [
        column
        for column in trained.input.columns
        if column.dtype not in NUMBERS and not (words and column.dtype in WORDS and _all_words(column))
    ]
    if others:
        return f"the column {others[0].name!r} holds {others[0].dtype}s"
    return "" if trained.baseline.is_file() else "training left no baseline.csv to prove it on"


def _all_words(column: Column) -> bool:
    return all(isinstance(category, str) for category in column.categories)


def _worth_batching(config: ProjectConfig, trained: Trained, *, own_model_fn: bool) -> bool:
    """Whether it is asked of a native model if rows say the same in company: where nothing but the model answers numbers."""
    numbers = all(column.dtype in NUMBERS for column in trained.input.columns)
    return not own_model_fn and not config.handler and trained.kind != "onnx" and numbers and trained.baseline.is_file()


def _key(trained: Trained, order: dict[str, Any]) -> str:
    versions = {name: metadata.version(name) for name in LIBRARIES}
    what = {
        "model": sha256_file(trained.model),
        "baseline": sha256_file(trained.baseline),
        "order": {
            name: order[name]
            for name in ("kind", "columns", "rows", "nullable", "words", "tolerance", "method", "uses", "why_not")
        },
        "versions": versions,
        "proof": [ROWS, *BATCH_SIZES],
        "code": source_digest(PROVING),
    }
    return sha256_bytes(canonical_json(what))[:24]


def _in_a_process(root: Path, order: dict[str, Any], out: Path) -> Compiled:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "fogbank.pack.proof", str(root), str(out)],
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
        last = done.stderr.strip().split("\n")[-1] or "it said nothing"
        return native(f"the conversion failed: {last[:REASON_LENGTH]}")
    compilation = Compilation(**json.loads(done.stdout.strip().split("\n")[-1]))
    return Compiled(compilation=compilation, onnx=out.read_bytes() if compilation.compiled else None)
