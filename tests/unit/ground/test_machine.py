"""What this process may use: never more than the machine has, and what its affinity says."""

from __future__ import annotations

import os
import subprocess
import sys

from fogbank.ground.machine import memory_limit, usable_cores


def test_it_is_at_least_one_core_and_at_most_those_of_the_affinity() -> None:
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


def test_a_process_that_is_held_to_one_core_has_one() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); from fogbank.ground.machine import usable_cores; print(usable_cores())"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "1\n"


def test_memory_is_the_machines_or_less() -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    assert 64 << 20 < memory_limit() <= machine
