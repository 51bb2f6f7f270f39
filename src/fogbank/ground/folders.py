"""Folders that are the user's own: state, keys, what was sent and what was answered."""

from __future__ import annotations

import stat
from pathlib import Path

PRIVATE = 0o700


def private_folder(folder: Path) -> Path:
    """The folder, made where it is missing, which nobody but its user may look into. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    if stat.S_IMODE(folder.stat().st_mode) != PRIVATE:
        folder.chmod(PRIVATE)
    return folder
