"""A month that is lived twice is the same month: the same events in the same order, byte for byte. CI lives three hours of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.soak.month import Month

HOURS = int(os.environ.get("MONTH_HOURS") or 3)
"""720 are a month."""


def test_the_same_script_gives_the_same_event_log(tmp_path: Path) -> None:
    logs, seconds = [], []
    for life in ("once", "again"):
        began = time.perf_counter()
        logs.append(Month(tmp_path / life).log(HOURS))
        seconds.append(time.perf_counter() - began)
    once, again = logs
    lines = once.splitlines()
    print(f"{HOURS} hours: {len(lines)} lines, {seconds[0]:.1f} s and {seconds[1]:.1f} s")

    assert once == again
    assert sum('"name": "monitoring schedule hourly", "result": "Completed' in line for line in lines) == HOURS
    nightly = [line for line in lines if '"name": "EventBridge schedule nightly"' in line]
    assert len(nightly) == (HOURS + 21) // 24
    assert all(line.endswith(': Completed"}') for line in nightly)
