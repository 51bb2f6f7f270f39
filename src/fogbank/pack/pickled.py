"""Whether the lock covers what a model's pickle names: what a pickler wrote into the file is imported when it is loaded.

In: the model's file, and what is locked; out: nothing, or the module that would be missing. Nothing of the file runs.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

from packaging.utils import canonicalize_name

from fogbank.contracts.errors import PackageError
from fogbank.pack.imports import owners_of
from fogbank.pack.inert import read_pickle
from fogbank.pack.look_files import DISTRIBUTIONS

MOST_BYTES = 1 << 26
"""What is larger is not looked into: the staged package is loaded all the same, and says what it misses."""


def check_pickle(model: Path, pins: Collection[str], own: Collection[str]) -> None:
    """Every module that the file names is the standard library's, the project's `own`, or of a distribution among `pins`.

    One that nobody here knows is left to the probe. Raises PackageError (`model-needs`).
    """
    if model.stat().st_size > MOST_BYTES:
        return
    try:
        _, names = read_pickle(model.read_bytes())
    except ValueError:
        return
    covered = set(map(canonicalize_name, pins))
    for module in sorted({module.partition(".")[0] for module, _ in names} - sys.stdlib_module_names - set(own)):
        owners = {*owners_of(module), *([DISTRIBUTIONS[module]] if module in DISTRIBUTIONS else [])}
        owners = set(map(canonicalize_name, owners))
        if owners and not {*owners, canonicalize_name(module)} & covered:
            name = next(f"{place}.{item}" for place, item in sorted(names) if place.partition(".")[0] == module)
            owner = min(owners)
            raise PackageError(
                "model-needs",
                f"{model.name} names {name}, and nothing in `dependencies` brings {owner}: it would not load in a container",
                f"add {owner!r} to `dependencies` in [tool.fogbank]; or, if the model has no need of it, save the model in a process "
                f"that has not imported {module}",
            )
