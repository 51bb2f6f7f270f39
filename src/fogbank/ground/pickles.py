"""Python's own pickler, as it was before `import pulumi`.

Pulumi imports dill, which teaches Python's pickler its own way with slices, types and functions. joblib is built on that pickler: a model
that is dumped in such a process, a notebook with a `Project` or a test of an infra program, wants dill wherever it is loaded.
"""

from __future__ import annotations

import sys


def undo_dill() -> None:
    """Take dill's ways out of Python's pickler again, if dill was imported. dill's own `dump`, which Pulumi calls, keeps them."""
    dill = sys.modules.get("dill")
    if dill is not None:
        dill.extend(use_dill=False)
