"""What this process may use of the machine, by its affinity and its container's limits."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""glibc's names of two settings (malloc.h, mallopt(3))."""
KEPT = 1 << 28


def usable_cores() -> int:
    """The cores that this process may use: its affinity, and its container's quota (cgroup v2) where there is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, int(quota) // int(period))) if quota != "max" else cores
    except (OSError, ValueError):
        return cores


def memory_limit() -> int:
    """The bytes of memory that this process may use: its container's limit (cgroup v2), else the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return machine


def give_back_memory() -> None:
    """Collect what is left in cycles (a refusal holds the frames that it came through, and with them the body), and return it to the
    system where the C library is one that can."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def keep_freed_memory() -> None:
    """Let this process keep what it frees for what it needs next, up to KEPT bytes, where its C library can (glibc): large bodies one after
    another are given back to the system otherwise, and cleared page by page when they come again."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD, KEPT // 4)
        library.mallopt(TRIM_THRESHOLD, KEPT)
