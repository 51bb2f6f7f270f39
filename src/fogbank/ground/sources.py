"""fogbank's own source files, by room: what travels with a model into an image and into an instance's environment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fogbank.ground.digest import sha256_bytes, sha256_file

SOURCE = Path(__file__).parents[1]


def source_files(rooms: Iterable[str]) -> dict[str, Path]:
    """Path below `fogbank/` to file, sorted; the package's own `__init__.py` is among them."""
    files = [SOURCE / "__init__.py", *(path for room in rooms for path in (SOURCE / room).rglob("*.py"))]
    return {str(path.relative_to(SOURCE)): path for path in sorted(files)}


def source_digest(rooms: Iterable[str]) -> str:
    """SHA-256 of the files' names and bytes."""
    named = source_files(rooms)
    return sha256_bytes("".join(f"{name}\0{sha256_file(path)}\n" for name, path in named.items()).encode())
