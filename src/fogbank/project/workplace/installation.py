"""What this installation of fogbank brings along: its version, the files in the wheel that are no code, its caches, its server's pins."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from fogbank.ground.cache import cache_dir


def assets() -> Path:
    """What travels with fogbank but is not code: in the wheel `_project/`, in a checkout its root."""
    inside = Path(__file__).parents[2] / "_project"
    return inside if inside.is_dir() else Path(__file__).parents[4]


def engine_recipes() -> Path:
    """The pinned Go modules that the engine is built from."""
    return assets() / "tools" / "pulumi"


def cached(name: str) -> Path:
    """A folder of this user's cache: `layers`, `bases`, `pulled`, `environments`."""
    return cache_dir(os.environ) / name


@lru_cache(maxsize=1)
def fogbank_version() -> str:
    """The installed version."""
    from importlib import metadata

    return metadata.version("fogbank")


@lru_cache(maxsize=1)
def server_pins() -> tuple[str, ...]:
    """The server's own dependencies, in the versions that fogbank is installed with, for processes on this machine. Raises PackageError."""
    from packaging.markers import default_environment

    from fogbank.contracts.container import SERVER_DISTRIBUTIONS
    from fogbank.pack import Installed, resolve

    markers = {name: str(value) for name, value in default_environment().items()}
    return tuple(str(pin) for pin in resolve(SERVER_DISTRIBUTIONS, Installed(), markers))
