"""What a file or a folder with somebody's model is, by looking at its bytes: nothing in it runs, no library of the model's is loaded.

In: a path; out: a `Look`. What is a pickle (`runs_code`) says what it would import; to know more of it, it must be loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import ModelKind
from fogbank.contracts.schema import Column, Value

TAKEN = (
    "a .joblib, .pkl, .skops, .onnx, .ubj, .json, .txt or .cbm file, .pt2 or TorchScript, .keras, a SavedModel, an MLmodel folder, a Hugging Face "
    "folder, or a model.tar.gz"
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """One of a program's inputs: `width` columns of a request's rows from the `first` on, in the framework's `dtype`; `flat` for a vector."""

    name: str
    first: int
    width: int
    dtype: str
    flat: bool = False


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen. `file` is the name that the model has in a project, `kind` how it is loaded, `what` a few words for a person.

    `needs` are the distributions that it takes, `versions` those that it says it was made with, and `requirements` lines for what
    is known less exactly. `names`, `width` and `classes` are empty where it does not say. `foreign` are modules that it names and no
    known distribution has. `handler` is the template of the handler that loads it, where it takes one; `columns` and
    `output` its own schema; `tables` the inputs of a program that takes such, `batch` the number of rows that it takes at a time, 0 for any.
    """

    file: str
    kind: ModelKind
    what: str
    needs: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    width: int = 0
    classes: tuple[Value, ...] = ()
    runs_code: bool = False
    foreign: tuple[str, ...] = ()
    handler: str = ""
    columns: tuple[Column, ...] = ()
    output: tuple[Column, ...] = ()
    tables: tuple[Table, ...] = ()
    batch: int = 0


def look_at(path: Path) -> Look:
    """Look at a model. Raises PackageError (`model-missing`, `model-unknown`, `model-unreadable`, `model-code-missing`)."""
    from fogbank.pack import look_files, look_folders

    if not path.exists():
        raise PackageError("model-missing", f"there is nothing at {path}", f"give the path of {TAKEN}")
    marks = [name for name in look_folders.READERS if (path / name).is_file()]
    read = look_folders.READERS[marks[0]] if marks else look_files.READERS.get(path.suffix.lower())
    if read is None:
        raise PackageError("model-unknown", f"{path.name} is no model that is known here", f"give {TAKEN}")
    try:
        return read(path)
    except PackageError:
        raise
    except Exception as error:  # a stranger's file: whatever is wrong with it is told
        raise PackageError(
            "model-unreadable",
            f"{path.name} cannot be read: {error}",
            "look at the file: is it whole, and what its name says?",
        ) from error
