"""How long the soak tests may take together: SOAK_S seconds, a minute where nobody says (CI), an hour in `make soak`."""

from __future__ import annotations

import os
import time

SHORT_S = 60.0
TOTAL_S = float(os.environ.get("SOAK_S") or SHORT_S)
LONG = TOTAL_S > SHORT_S


def share(part: float) -> float:
    """A test's part of the time, in seconds."""
    return TOTAL_S * part


def seed() -> int:
    """What the random moments come from: SOAK_SEED, or another in each run; a failure tells it."""
    return int(os.environ.get("SOAK_SEED") or time.time_ns() % 1_000_000)
