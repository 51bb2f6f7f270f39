"""The readers of models that are a folder, by the file that says what it is: MLflow's MLmodel, TensorFlow's saved_model.pb, Hugging Face's json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from fogbank.contracts.errors import PackageError
from fogbank.contracts.schema import Column, Dtype
from fogbank.pack.looked import Look

TYPES: Mapping[str, Dtype] = {
    **dict.fromkeys(("double", "float"), "float"),
    **dict.fromkeys(("long", "integer", "int", "uint"), "integer"),
    "string": "string",
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    "datetime": "datetime",
}
"""What MLflow calls the types of columns."""
CLASSIFIES = "ForSequenceClassification"


def _mlflow(folder: Path) -> Look:
    document = yaml.safe_load((folder / "MLmodel").read_text())
    flavors: Mapping[str, Any] = document["flavors"]
    if "python_function" not in flavors:
        raise ValueError("the MLmodel has no python_function flavor")
    others = ", ".join(sorted(name for name in flavors if name != "python_function")) or "python_function"
    version = str(document.get("mlflow_version", ""))
    lines = _lines(folder / "requirements.txt")
    if not any(Requirement(line).name == "mlflow" for line in lines):
        lines.append(f"mlflow=={version}" if version else "mlflow")
    return Look(
        file="MLmodel",
        kind="handler",
        what=f"an MLflow model ({others}), made by MLflow {version}",
        needs=tuple(sorted({"pandas", *(Requirement(line).name for line in lines)})),
        requirements=tuple(lines),
        columns=_signature(document.get("signature") or {}),
        output=_predicted(document.get("signature") or {}),
        handler="mlflow",
    )


def _lines(path: Path) -> list[str]:
    lines = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        text = line.partition("#")[0].strip()
        try:
            lines += [str(Requirement(text))] if text else []
        except InvalidRequirement as error:
            raise ValueError(f"requirements.txt has a line that is not followed from here: {text!r}") from error
    return lines


def _signature(signature: Mapping[str, Any]) -> tuple[Column, ...]:
    inputs = json.loads(signature.get("inputs") or "[]")
    if not all(isinstance(item, dict) and item.get("type") in TYPES and item.get("name") for item in inputs):
        return ()
    return tuple(
        Column(name=item["name"], dtype=TYPES[item["type"]], nullable=item.get("required") is False) for item in inputs
    )


def _predicted(signature: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of the answer, as far as the signature says: an array's type is NumPy's."""
    columns = []
    for place, item in enumerate(json.loads(signature.get("outputs") or "[]")):
        name = str(item.get("name") or ("prediction" if place == 0 else f"prediction_{place}"))
        kind = (
            str(item.get("tensor-spec", {}).get("dtype", "")) if item.get("type") == "tensor" else str(item.get("type"))
        )
        columns.append(Column(name=name, dtype=TYPES.get(kind.rstrip("0123456789"), "string")))
    return tuple(columns)


def _hugging_face(folder: Path) -> Look:
    document = json.loads((folder / "config.json").read_text())
    architecture = next(iter(document.get("architectures") or ()), "")
    if not architecture.endswith(CLASSIFIES):
        raise PackageError(
            "task-unknown",
            f"the folder holds a {architecture or 'model without an architecture'}: what `--from` writes a handler for is text "
            f"classification (...{CLASSIFIES})",
            "write a project (`fogbank new NAME`) with a handler whose model_fn loads the folder",
        )
    if not (folder / "model.safetensors").is_file():
        raise PackageError(
            "model-missing",
            "the folder has no model.safetensors",
            "save it in that format: model.save_pretrained(folder, safe_serialization=True)",
        )
    version = str(document.get("transformers_version", ""))
    labels = document.get("id2label", {})
    return Look(
        file="model.safetensors",
        kind="handler",
        what=f"a Hugging Face model ({architecture}), made by transformers {version}",
        needs=("torch", "transformers"),
        versions={"transformers": version} if version else {},
        classes=tuple(str(labels[place]) for place in sorted(labels, key=int)),
        columns=(Column(name="text", dtype="string"),),
        output=(Column(name="label", dtype="string"), Column(name="score")),
        handler="text_classification",
    )


def _sentences(folder: Path) -> Look:
    version = ""
    if (folder / "config_sentence_transformers.json").is_file():
        document = json.loads((folder / "config_sentence_transformers.json").read_text())
        version = str(document.get("__version__", {}).get("sentence_transformers", ""))
    if not (folder / "model.safetensors").is_file():
        raise PackageError(
            "model-missing",
            "the folder has no model.safetensors beside its modules.json",
            "save it in that format: model.save(folder)",
        )
    return Look(
        file="model.safetensors",
        kind="handler",
        what=f"a model of sentence embeddings, made by sentence-transformers {version}",
        needs=("sentence-transformers", "torch"),
        versions={"sentence-transformers": version} if version else {},
        columns=(Column(name="text", dtype="string"),),
        handler="sentence_embeddings",
    )


def _saved_model(folder: Path) -> Look:
    if not (folder / "variables").is_dir():
        raise ValueError("there is no folder `variables` beside saved_model.pb")
    return Look(
        file="saved_model.pb",
        kind="handler",
        what="a SavedModel of TensorFlow's",
        needs=("numpy", "tensorflow-cpu"),
        handler="saved_model",
    )


READERS: dict[str, Callable[[Path], Look]] = {
    "MLmodel": _mlflow,
    "modules.json": _sentences,
    "saved_model.pb": _saved_model,
    "config.json": _hugging_face,
}
