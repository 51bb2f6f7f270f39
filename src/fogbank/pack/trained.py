"""What training left in its folder: the model in one of the kinds that are served, its schema, its scores and its gates."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from fogbank.contracts.config import running_python
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import ModelKind, Schema, schema_from
from fogbank.ground.digest import canonical_json, sha256_file

MODEL_FILES: dict[str, ModelKind] = {
    "model.joblib": "joblib",
    "model.skops": "skops",
    "model.onnx": "onnx",
    "model.ubj": "xgboost",
    "model.json": "xgboost",
    "model.txt": "lightgbm",
    "model.cbm": "catboost",
    **dict.fromkeys(
        ("model.pt", "model.pth", "model.pt2", "model.keras", "model.safetensors", "saved_model.pb", "MLmodel"),
        "handler",
    ),
}
"""The names that a model may have, and what they say about how it is loaded: `handler` is a handler's own model_fn."""
FOLDER = "MLmodel"
"""The file that says what the others are: beside it no other is the model."""
SCHEMA, ENVIRONMENT = "schema.json", "environment.json"
LIST = "import json; from importlib.metadata import distributions; print(json.dumps([(d.name, d.version) for d in distributions()]))"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What training left in its folder. `python` and `versions` are what it ran with, empty where nobody wrote that down."""

    model: Path
    input: Schema
    output: Schema
    metrics: dict[str, float]
    gates: dict[str, float]
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> ModelKind:
        """How the model is loaded."""
        return MODEL_FILES[self.model.name]

    @property
    def baseline(self) -> Path:
        """Predictions and features of the training rows, with a header."""
        return self.model.parent / "baseline.csv"

    @property
    def sample(self) -> Path:
        """A request, as CSV without a header; it need not be there."""
        return self.model.parent / "sample.csv"


def model_in(folder: Path) -> Path | None:
    """The trained model's file, None where there is none. Raises PackageError (`model-ambiguous`)."""
    models = [folder / name for name in MODEL_FILES if (folder / name).is_file()]
    if len(models) > 1 and models[-1].name == FOLDER:
        models = models[-1:]
    if len(models) > 1:
        names = ", ".join(path.name for path in models)
        raise PackageError(
            "model-ambiguous", f"training left several models: {names}", "remove all but the one to serve"
        )
    return models[0] if models else None


def read_trained(folder: Path, *needed: str) -> Trained:
    """Read what training left, with the files that are `needed` besides the model and its schema.

    Raises PackageError (`model-missing`, `model-ambiguous`, `training-incomplete`, `training-unreadable`).
    """
    model = model_in(folder)
    if model is None:
        raise PackageError(
            "model-missing", f"there is no trained model ({', '.join(MODEL_FILES)}) in {folder}", "run `fogbank train`"
        )
    if missing := [name for name in (SCHEMA, *needed) if not (folder / name).is_file()]:
        raise PackageError(
            "training-incomplete",
            f"training left {model.name} in {folder}, and no {' and no '.join(missing)}",
            f"write {' and '.join(missing)} where the model is written: docs/01-pack.md says what is in them",
        )
    try:
        schema = json.loads((folder / SCHEMA).read_text())
        scores = _scores(folder / "metrics.json")
        return Trained(
            model=model,
            input=schema_from(schema["input"]),
            output=schema_from(schema["output"]),
            metrics=scores.get("metrics", {}),
            gates=scores.get("gates", {}),
            **_environment(folder, model),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        cause = f"a key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise PackageError(
            "training-unreadable",
            f"what training left in {folder} cannot be read: {cause}",
            "mend what writes it: docs/01-pack.md says what is in schema.json and metrics.json",
        ) from error


def _scores(path: Path) -> dict[str, Any]:
    """The scores and gates, of which a model that was brought need have none."""
    scores: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return scores


def record_environment(folder: Path, python: str = sys.executable) -> None:
    """Write down with which Python and which distributions the model in a folder was trained: those of `python`."""
    model = model_in(folder)
    if model is None:
        return
    record = {"model_sha256": sha256_file(model), "python": running_python(), "versions": _versions(python)}
    (folder / ENVIRONMENT).write_bytes(canonical_json(record))


def _versions(python: str) -> dict[str, str]:
    """The distributions that a Python has, by their canonical names."""
    if python == sys.executable:
        found = [(distribution.name, distribution.version) for distribution in metadata.distributions()]
    else:
        found = json.loads(
            subprocess.run([python, "-P", "-c", LIST], check=True, capture_output=True, text=True).stdout
        )
    return {canonicalize_name(name): version for name, version in found if name}


def _environment(folder: Path, model: Path) -> dict[str, Any]:
    """What the record says, if it is this model's: one that was trained by hand since has none."""
    path = folder / ENVIRONMENT
    if not path.is_file():
        return {}
    record = json.loads(path.read_bytes())
    if record["model_sha256"] != sha256_file(model):
        return {}
    return {"python": record["python"], "versions": record["versions"]}
