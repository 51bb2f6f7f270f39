"""Where fogbank keeps what it can make or fetch again: engines, layers, bases, environments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cache_dir(env: Mapping[str, str]) -> Path:
    """`$FOGBANK_CACHE`, else `$XDG_CACHE_HOME/fogbank`, else `~/.cache/fogbank`."""
    if env.get("FOGBANK_CACHE"):
        return Path(env["FOGBANK_CACHE"])
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fogbank"
