"""What is no model, or cannot be read, is said with what is taken instead."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.pack.look import look_at


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("nothing.joblib", None, "model-missing"),
        ("model.exe", b"MZ", "model-unknown"),
        ("model.pkl", b"\x80\x04not a pickle", "model-unreadable"),
        ("model.json", b"{}", "model-unreadable"),
        ("model.txt", b"notes", "model-unreadable"),
        ("model.skops", b"PK", "model-unreadable"),
        ("model.onnx", b"graph", "model-unreadable"),
        ("model.ubj", b"[", "model-unreadable"),
        ("model.keras", b"", "model-unreadable"),
        ("model.pt", b"weights", "model-unreadable"),
    ],
)
def test_what_is_no_model_is_refused_by_name(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(PackageError) as caught:
        look_at(path)

    assert caught.value.code == code
    assert caught.value.hint


def test_a_folder_without_a_word_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no model that is known here"):
        look_at(tmp_path)


def keras(file: Path, version: str, name: str) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps({"class_name": name}))
    return file


def test_what_a_file_says_of_itself_is_one_line_of_plain_letters(tmp_path: Path) -> None:
    look = look_at(keras(tmp_path / "m.keras", "3.9.0", "Net\n```\n\x1b[2Jü"))
    assert look.what == "a Keras model (Net ```  [2Jü), made by Keras 3.9.0"


def test_a_version_that_is_none_is_no_line_of_the_requirements(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="Invalid version") as caught:
        look_at(keras(tmp_path / "m.keras", "3.9.0\n--index-url https://example.com", "Net"))
    assert caught.value.code == "model-unreadable"
