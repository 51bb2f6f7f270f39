"""How many requests are let through: token buckets, as API Gateway has them. Source: its Developer Guide, "Throttle requests to your HTTP APIs"."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Buckets:
    """Buckets by key: each holds `burst` tokens at most, gets `rate` of them a second, and a request takes one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._held: dict[str, tuple[float, float]] = {}

    def take(self, key: str, rate: float, burst: float) -> bool:
        """Whether there was a token."""
        with self._lock:
            now = self._clock()
            tokens, since = self._held.get(key, (burst, now))
            tokens = min(burst, tokens + (now - since) * rate)
            taken = tokens >= 1
            self._held[key] = (tokens - taken, now)
        return taken

    def forget(self, prefix: str) -> None:
        """Buckets whose keys begin so: what they are of is gone, or has other limits."""
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if not key.startswith(prefix)}
