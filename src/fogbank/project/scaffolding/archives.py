"""A model.tar.gz that is there already, opened: which of its files is the model, and the code that came with it.

In: a path, and a folder to unpack into; out: an `Opened`. What is no archive is the model itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import INNER_NAME
from fogbank.ground.archive import ArchiveError, unpack_archive
from fogbank.pack import MODEL_SUFFIXES, handler_loads

FOLDERS = ("MLmodel", "modules.json", "saved_model.pb", "config.json")
HANDLER = "inference.py"
"""What AWS's toolkits call the script."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The model's file or folder; `code` is the folder of the handler that came with it, `requirements` the lines beside that."""

    model: Path
    code: Path | None = None
    requirements: tuple[str, ...] = ()

    @property
    def loads(self) -> bool:
        """Whether that handler loads the model itself. Raises PackageError (`handler-syntax`)."""
        return self.code is not None and handler_loads(self.code / HANDLER)


def opened(path: Path, folder: Path) -> Opened:
    """Open it. Raises PackageError (`archive-...` as unpacking says, `model-ambiguous`, `requirements-unresolved`)."""
    if not path.is_file() or not path.name.endswith((".tar.gz", ".tgz")):
        return Opened(model=path)
    inside = folder / "model"
    try:
        unpack_archive(path, inside)
    except ArchiveError as error:
        raise PackageError(error.code, error.cause, "make the archive again") from error
    model = _model(inside, path.name)
    code = inside / "code"
    if not (code / HANDLER).is_file():
        return Opened(model=model, requirements=_lines(code / "requirements.txt"))
    return Opened(model=model, code=code, requirements=_lines(code / "requirements.txt"))


def _model(inside: Path, name: str) -> Path:
    if any((inside / file).is_file() for file in FOLDERS):
        return inside
    files = [path for path in sorted(inside.iterdir()) if path.is_file() and path.suffix.lower() in MODEL_SUFFIXES]
    files = [path for path in files if path.name != INNER_NAME]
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "no file that is known as one"
        raise PackageError("model-ambiguous", f"which is the model in {name}: {names}", "give the model's file itself")
    return files[0]


def _lines(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return ()
    joined = path.read_text().replace("\\\n", " ").splitlines()
    texts: Sequence[str] = [line.partition(" #")[0].partition("--hash")[0].strip() for line in joined]
    try:
        return tuple(str(Requirement(text)) for text in texts if text and not text.startswith("#"))
    except InvalidRequirement as error:
        raise PackageError(
            "requirements-unresolved",
            f"code/requirements.txt is not followed from here: {error}",
            "give the model's file itself",
        ) from error
