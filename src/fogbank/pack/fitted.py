"""What a project's fitted model says of itself, asked in a process of its own and kept by the digest of what the answer depends on.

In: what training left, and where the project's modules lie; out: a `Fitted`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from fogbank.contracts.schema import Missing, Rows, Value
from fogbank.ground.digest import canonical_json, sha256_bytes, sha256_file
from fogbank.pack.trained import Trained

TIME_LIMIT_S = 600
LIBRARIES = ("scikit-learn", "joblib", "xgboost-cpu", "xgboost", "lightgbm", "catboost", "skops")
EXAMINER = Path(__file__).with_name("examine.py")
KINDS = ("joblib", "skops", "xgboost", "lightgbm", "catboost")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a model says. `missing` is what stood for a string that is not there; `words` are names of columns that hold words.

    `categories` are those of a DataFrame's columns at training.

    `modules` are the project's own that loading it imports, `in_main` names that were pickled from the module that trained and
    cannot be found again.
    """

    names: tuple[str, ...] = ()
    width: int = 0
    classes: tuple[Value, ...] = ()
    rows: Rows = "array"
    missing: Missing = "nan"
    modules: tuple[str, ...] = ()
    in_main: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    categories: Mapping[str, Sequence[Value]] = field(default_factory=dict)


def fitted_from(document: dict[str, Any]) -> Fitted:
    """A `Fitted` from its JSON form."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return Fitted(**values)


def ask(
    trained: Trained, trusted: Sequence[str], roots: Sequence[Path], kept: Path, python: str = sys.executable
) -> Fitted:
    """What the model says, asked by a Python; nothing where it cannot be loaded. `kept` is the folder of earlier answers."""
    if trained.kind not in KINDS:
        return Fitted()
    order = {
        "model": str(trained.model),
        "kind": trained.kind,
        "trusted": list(trusted),
        "dtypes": [column.dtype for column in trained.input.columns],
        "roots": [str(root) for root in roots],
        "python": python,
    }
    file = kept / f"{_key(order)}.json"
    answer = _earlier(file)
    if answer is None:
        answer, _ = answer_of(order)
        if answer is None:
            return Fitted()
        if answer["loaded"]:
            _keep({**answer, "sources": _digests(answer["files"])}, file)
    return fitted_from(answer["fitted"])


def _earlier(file: Path) -> dict[str, Any] | None:
    """An answer that is kept, where the project's files that were read for it are what they were."""
    if not file.is_file():
        return None
    answer: dict[str, Any] = json.loads(file.read_bytes())
    return answer if answer["sources"] == _digests(answer["sources"]) else None


def _keep(answer: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as fresh:
        fresh.write(canonical_json(answer))
    Path(fresh.name).rename(file)


def _digests(files: Iterable[str]) -> dict[str, str]:
    return {file: sha256_file(Path(file)) for file in files if Path(file).is_file()}


def answer_of(order: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """What the model says to an order, and the last line that was written meanwhile; None where it did not come to say anything."""
    try:
        process = subprocess.run(
            [order["python"], "-P", str(EXAMINER)],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return None, f"it took longer than {TIME_LIMIT_S} s"
    last = (process.stderr.strip().splitlines() or [""])[-1]
    return (json.loads(process.stdout) if process.returncode == 0 else None), last


def _key(order: dict[str, Any]) -> str:
    """Which modules the project has is part of it: one that is new may be what the model asks for."""
    versions = {
        distribution.name: distribution.version
        for distribution in map(_installed, LIBRARIES)
        if distribution is not None
    }
    modules = sorted(
        str(path) for root in map(Path, order["roots"]) for path in (*root.glob("*.py"), *root.glob("[!.]*/*.py"))
    )
    what = {**order, "model": sha256_file(Path(order["model"])), "versions": versions, "modules": modules}
    return sha256_bytes(canonical_json(what))[:24]


def _installed(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
