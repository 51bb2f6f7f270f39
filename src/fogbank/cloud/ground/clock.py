"""Time is a dependency: the cloud's clock runs with the machine's, plus an offset that `advance` moves and the store keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from fogbank.cloud.ground.store import Store

SETTING = "clock-offset"


class Clock:
    """UTC now, in the cloud. Never runs backwards."""

    def __init__(self, store: Store, wall: Callable[[], float] = time.time) -> None:
        self._store, self._wall = store, wall
        self._lock = threading.Lock()
        self._offset = float(store.setting(SETTING, "0"))

    def epoch(self) -> float:
        """Seconds since 1970 in the cloud's time."""
        with self._lock:
            return self._wall() + self._offset

    def now(self) -> datetime:
        """The cloud's time, in UTC."""
        return datetime.fromtimestamp(self.epoch(), UTC)

    def move_to(self, moment: datetime) -> None:
        """Move forward to `moment`; a moment that has passed changes nothing."""
        with self._lock:
            ahead = moment.timestamp() - (self._wall() + self._offset)
            if ahead > 0:
                self._offset += ahead
                self._store.set_setting(SETTING, repr(self._offset))
