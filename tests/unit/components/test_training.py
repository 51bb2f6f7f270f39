"""A retraining's script: its archive, its request, and what SageMaker would refuse, refused at once."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.cloud.training.script import script_of
from fogbank.components import Training
from fogbank.components.training import archived, kept, sources
from fogbank.pack.archive import write_archive

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's model/, with what Python leaves there."""
    model = tmp_path / "model"
    (model / "__pycache__").mkdir(parents=True)
    for name in ("fit.py", "retrain.py", "__pycache__/fit.pyc"):
        (model / name).write_text(name)
    return model


def training(folder: Path, **more: Any) -> Training:
    files = {"retrain.py": folder / "retrain.py", "model": folder}
    return Training(**{"image": IMAGE, "program": "retrain.py", "files": files, **more})


def test_the_job_has_the_projects_files_and_the_packages_code(folder: Path, tmp_path: Path) -> None:
    artifact = tmp_path / "model.tar.gz"
    with artifact.open("wb") as out:
        write_archive(out, {"code/inference.py": b"serve", "code/lib/a.py": b"a", "model.onnx": b"weights"})
    package: Any = SimpleNamespace(artifact_path=artifact)

    found = sources(training(folder), package)

    assert found == {
        "model/fit.py": b"fit.py",
        "model/retrain.py": b"retrain.py",
        "retrain.py": b"retrain.py",
        "serving/inference.py": b"serve",
        "serving/lib/a.py": b"a",
    }
    with tarfile.open(fileobj=io.BytesIO(archived(found))) as tar:
        assert tar.getnames() == sorted(found)
    assert archived(found) == archived(dict(reversed(found.items())))


def test_the_request_is_one_that_the_cloud_runs(folder: Path) -> None:
    said = json.loads(
        training(folder, parameters={"epochs": 3}).request(IMAGE, "s3://b/code", "s3://b/in/", "s3://b/out", {})
    )

    script = script_of(said)
    assert script is not None
    assert (script.program, script.source, script.parameters) == ("retrain.py", "s3://b/code", {"epochs": 3})
    assert said["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://b/in/"
    assert said["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"program": "train.py"}, "program 'train.py' is none of files: retrain.py, model"),
        ({"files": {}}, "there are none"),
        ({"files": {"serving": Path(__file__)}, "program": "serving"}, "must be a plain name, and not 'serving'"),
        ({"files": {"../x": Path(__file__)}, "program": "../x"}, "must be a plain name"),
        ({"files": {"a": Path("/nowhere/a")}, "program": "a"}, "/nowhere/a is not there"),
        ({"prefix": "/", "limit_s": 0, "volume_gb": 0}, "the training has 3 problems"),
    ],
)
def test_what_could_not_run_is_refused(folder: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        training(folder, **more)


def test_a_file_is_whole_and_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    first = kept(tmp_path / "new", "a", b"1")

    assert kept(tmp_path / "new", "a", b"2") == first
    assert [path.name for path in first.parent.iterdir()] == ["a.tar.gz"]
    assert first.read_bytes() == b"2"
