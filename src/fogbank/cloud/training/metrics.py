"""A training job's metrics: what expressions of the job's own find in what its script printed.

In: an expression and a log; out: a number, or none. Some expressions take for ever on some lines, and Python's engine keeps its whole process
meanwhile: it is a process of its own that looks, for so long as it may.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fogbank.ground.processes import BARE_ENVIRONMENT, run_bound

log = logging.getLogger("fogbank.cloud")
LIMIT_S = 20.0
LEAST_S = 2.0
"""For so long each is looked for, however many there are: a process takes a while to start."""
Look = Callable[[str, Path, float], "float | None"]
LOOKS = """
import json, re, sys
with open(sys.argv[2], errors="replace") as log:
    found = re.findall(json.loads(sys.argv[1]), log.read())
print(json.dumps(found[-1:]))
"""


def last_values(
    expressions: Sequence[str], printed: Path, look: Look | None = None, now: Callable[[], float] = time.monotonic
) -> list[float | None]:
    """Of each the last number. LIMIT_S is for all of them: each has an even part of what those before it have left."""
    values: list[float | None] = []
    end = now() + LIMIT_S
    for left in range(len(expressions), 0, -1):
        values.append((look or last_value)(expressions[-left], printed, max((end - now()) / left, LEAST_S)))
    return values


def last_value(expression: str, printed: Path, limit_s: float) -> float | None:
    """The last number that an expression, or its first group, finds in a file. None where it finds none, or not in time, which is logged."""
    command = [sys.executable, "-I", "-S", "-c", LOOKS, json.dumps(expression), str(printed)]
    try:
        done = run_bound(command, limit_s, BARE_ENVIRONMENT)
    except subprocess.TimeoutExpired:
        log.warning(
            "the metric's expression %r has not found its values in %g s: the job has no such metric",
            expression,
            limit_s,
        )
        return None
    [found] = json.loads(done.stdout or "[]") or [""]
    try:
        return float(found if isinstance(found, str) else found[0])
    except (ValueError, IndexError):
        return None
