"""A model.tar.gz that somebody made: its model, its code, what it needs; or which of its files is meant is asked."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.project.scaffolding.archives import Opened, opened


def archive(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        for name in files:
            tar.add(tmp_path / "in" / name, name)
    return tmp_path / "model.tar.gz"


def test_what_is_no_archive_is_the_model_itself(tmp_path: Path) -> None:
    assert opened(tmp_path / "m.pkl", tmp_path) == Opened(model=tmp_path / "m.pkl")


def test_the_model_its_code_and_its_requirements(tmp_path: Path) -> None:
    lines = "scikit-learn==1.5.2 \\\n  --hash=sha256:00\n# why\nnumpy<2 # old\n"
    path = archive(
        tmp_path, {"clf.joblib": "x", "code/inference.py": "def predict_fn(d, m): ...", "code/requirements.txt": lines}
    )

    source = opened(path, tmp_path / "out")

    assert source.model.name == "clf.joblib"
    assert source.code == tmp_path / "out" / "model" / "code"
    assert source.requirements == ("scikit-learn==1.5.2", "numpy<2")


def test_a_folder_of_mlflow_is_the_whole_of_it(tmp_path: Path) -> None:
    source = opened(archive(tmp_path, {"MLmodel": "", "model.pkl": ""}), tmp_path / "out")
    assert (source.model.name, source.code) == ("model", None)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"readme.md": ""}, "model-ambiguous"),
        ({"a.pkl": "", "b.joblib": ""}, "model-ambiguous"),
        ({"model.pkl": "", "code/requirements.txt": "-r others.txt"}, "requirements-unresolved"),
    ],
)
def test_what_is_not_clear_is_asked(tmp_path: Path, files: dict[str, str], code: str) -> None:
    with pytest.raises(PackageError) as caught:
        opened(archive(tmp_path, files), tmp_path / "out")
    assert caught.value.code == code


def test_what_does_not_unpack_says_why(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"no archive")
    with pytest.raises(PackageError):
        opened(tmp_path / "model.tar.gz", tmp_path / "out")
