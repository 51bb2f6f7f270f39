"""The table's rows, a file or more an AWS service: each module here that has ROWS is served."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from fogbank.provider.row import Row


def rows() -> Iterator[Row]:
    """The rows of every module here."""
    for module in pkgutil.iter_modules(__path__):
        yield from getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROWS", ())
