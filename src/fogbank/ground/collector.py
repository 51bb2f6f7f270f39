"""Python's collector of cycles, where it finds nothing: among the modules that a process loads, and what a service keeps."""

from __future__ import annotations

import gc

THRESHOLDS = (50_000, 20, 50)
"""New containers between two looks, and how many looks at the young go before one at the older (`gc.set_threshold`); Python's own
first one is 700 to 2,000."""


def collect_seldom() -> None:
    """Let it look seldom from here on: a tenth of a start goes by looking through modules again and again. What a program leaves in cycles
    is still found."""
    gc.set_threshold(*THRESHOLDS)
