"""What a file or a folder with somebody's model is, by looking at its bytes: nothing in it runs, no library of the model's is loaded.

In: a path; out: a `Look`. What is a pickle (`runs_code`) says what it would import; to know more of it, it must be loaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from packaging.version import Version

from fogbank.contracts.errors import PackageError
from fogbank.pack import look_files, look_folders
from fogbank.pack.looked import Look

TAKEN = (
    "a .joblib, .pkl, .skops, .onnx, .ubj, .json, .txt or .cbm file, .pt2 or TorchScript, weights (.pt, .safetensors), .keras, a SavedModel, an MLmodel "
    "folder, a Hugging Face folder, or a model.tar.gz"
)


def look_at(path: Path) -> Look:
    """Look at a model. Raises PackageError (`model-missing`, `model-unknown`, `model-unreadable`)."""
    if not path.exists():
        raise PackageError("model-missing", f"there is nothing at {path}", f"give the path of {TAKEN}")
    marks = [name for name in look_folders.READERS if (path / name).is_file()]
    read = look_folders.READERS[marks[0]] if marks else look_files.READERS.get(path.suffix.lower())
    if read is None:
        raise PackageError("model-unknown", f"{path.name} is no model that is known here", f"give {TAKEN}")
    try:
        return _checked(read(path))
    except PackageError:
        raise
    except Exception as error:  # a stranger's file: whatever is wrong with it is told
        raise PackageError(
            "model-unreadable",
            f"{path.name} cannot be read: {error}",
            "look at the file: is it whole, and what its name says?",
        ) from error


def _checked(look: Look) -> Look:
    """What a project's files and a terminal take as it stands: words on one line, and versions that are such. Raises ValueError (InvalidVersion)."""
    for version in look.versions.values():
        Version(version)
    return replace(look, what="".join(letter if letter.isprintable() else " " for letter in look.what))
