"""Which of fogbank's own rooms travel with a model: into a container's image, and into the environment of a local instance."""

from __future__ import annotations

from pathlib import Path

from fogbank.contracts.digest import sha256_bytes, sha256_file

ROOMS = ("contracts", "monitor", "serve")
SOURCE = Path(__file__).parents[1]


def shipped_files() -> dict[str, Path]:
    """Path below `fogbank/` to file, sorted."""
    files = [SOURCE / "__init__.py", *(path for room in ROOMS for path in (SOURCE / room).rglob("*.py"))]
    return {str(path.relative_to(SOURCE)): path for path in sorted(files)}


def shipped_digest() -> str:
    """SHA-256 of the files' names and bytes."""
    return sha256_bytes("".join(f"{name}\0{sha256_file(path)}\n" for name, path in shipped_files().items()).encode())
