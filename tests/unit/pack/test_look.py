"""What is no model, or cannot be read, is said with what is taken instead."""

from __future__ import annotations

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
