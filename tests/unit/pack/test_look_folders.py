"""Folders of MLflow and of Hugging Face, as these write them: signature, requirements, labels; what is missing is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.contracts.schema import Column
from fogbank.pack.look import look_at

MLMODEL = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
  sklearn:
    sklearn_version: 1.5.2
mlflow_version: 2.20.1
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}, {"type": "string", "name": "city", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}, {"type": "double", "name": "score"}]'
"""


def test_an_mlmodel_says_columns_and_requirements(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(MLMODEL)
    (tmp_path / "requirements.txt").write_text("scikit-learn==1.5.2  # the flavor's\n\nnumpy<2\n")

    look = look_at(tmp_path)

    assert look.columns == (Column(name="age"), Column(name="city", dtype="string", nullable=True))
    assert look.output == (Column(name="prediction", dtype="integer"), Column(name="score"))
    assert look.requirements == ("scikit-learn==1.5.2", "numpy<2", "mlflow==2.20.1")
    assert look.needs == ("mlflow", "numpy", "pandas", "scikit-learn")
    assert (look.file, look.kind, look.handler) == ("MLmodel", "handler", "mlflow")


@pytest.mark.parametrize(
    ("text", "requirements"), [("flavors: {sklearn: {}}", ""), (MLMODEL, "-r others.txt\n"), ("[]", "")]
)
def test_an_mlmodel_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, requirements: str) -> None:
    (tmp_path / "MLmodel").write_text(text)
    (tmp_path / "requirements.txt").write_text(requirements)
    with pytest.raises(PackageError) as caught:
        look_at(tmp_path)
    assert caught.value.code == "model-unreadable"


def hugging_face(folder: Path, **changes: Any) -> Path:
    config = {
        "architectures": ["BertForSequenceClassification"],
        "transformers_version": "4.51.0",
        "id2label": {"1": "good", "0": "bad"},
    }
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder


def test_a_classifier_of_texts_says_its_labels(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    look = look_at(hugging_face(tmp_path))
    assert (look.classes, look.versions) == (("bad", "good"), {"transformers": "4.51.0"})
    assert look.columns == (Column(name="text", dtype="string"),)


def test_other_tasks_and_other_formats_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"no model\.safetensors"):
        look_at(hugging_face(tmp_path))
    with pytest.raises(PackageError, match="LlamaForCausalLM"):
        look_at(hugging_face(tmp_path, architectures=["LlamaForCausalLM"]))


def test_a_saved_model_and_a_folder_of_sentence_embeddings(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    with pytest.raises(PackageError, match="no folder `variables`"):
        look_at(tmp_path / "saved")
    (tmp_path / "saved" / "variables").mkdir()
    assert (look_at(tmp_path / "saved").file, look_at(tmp_path / "saved").handler) == ("saved_model.pb", "saved_model")

    sentences = hugging_face(tmp_path, architectures=["BertModel"])
    (sentences / "modules.json").write_text("[]")
    with pytest.raises(PackageError, match=r"no model\.safetensors"):
        look_at(sentences)
    (sentences / "model.safetensors").touch()
    (sentences / "config_sentence_transformers.json").write_text('{"__version__": {"sentence_transformers": "6.2.0"}}')
    look = look_at(sentences)
    assert (look.handler, look.versions) == ("sentence_embeddings", {"sentence-transformers": "6.2.0"})
