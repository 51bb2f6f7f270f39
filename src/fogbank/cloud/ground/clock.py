"""Time is a dependency: the cloud's clock runs with the machine's, as fast as it is told to, plus an offset that `advance` moves and the
store keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from fogbank.cloud.ground.store import Store

SETTING = "clock-offset"
"""The offset, and after a space the speed, where that is not 1: seconds of the cloud for each of the machine's; 0 stands still."""


class Clock:
    """UTC now, in the cloud. Never runs backwards."""

    def __init__(self, store: Store, wall: Callable[[], float] = time.time) -> None:
        self._store, self._wall = store, wall
        self._lock = threading.Lock()
        offset, _, speed = store.setting(SETTING, "0").partition(" ")
        self._offset, self._speed = float(offset), float(speed or 1)

    @property
    def speed(self) -> float:
        """Seconds of the cloud for each of the machine's."""
        return self._speed

    def epoch(self) -> float:
        """Seconds since 1970 in the cloud's time."""
        with self._lock:
            return self._wall() * self._speed + self._offset

    def ahead(self) -> float:
        """By how many seconds it is ahead of the machine's clock, negative where it is behind."""
        with self._lock:
            return self._wall() * (self._speed - 1) + self._offset

    def now(self) -> datetime:
        """The cloud's time, in UTC."""
        return datetime.fromtimestamp(self.epoch(), UTC)

    def move_to(self, moment: datetime) -> None:
        """Move forward to `moment`; a moment that has passed changes nothing."""
        with self._lock:
            offset = moment.timestamp() - self._wall() * self._speed
            if offset > self._offset:
                self._keep(offset, self._speed)

    def run_at(self, speed: float) -> None:
        """Go on from now at another speed."""
        with self._lock:
            wall = self._wall()
            self._keep(wall * self._speed + self._offset - wall * speed, speed)

    def _keep(self, offset: float, speed: float) -> None:
        self._offset, self._speed = offset, speed
        self._store.set_setting(SETTING, repr(offset) if speed == 1 else f"{offset!r} {speed!r}")
