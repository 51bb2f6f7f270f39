"""A source of the clockwork: one thing due each hour, which is done, or raises at the hours that are bad."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from fogbank.cloud.time.timeline import Due


class HourlySource:
    """Makes one thing due each hour after `begin`; `fired` are the hours that were done."""

    def __init__(self, name: str, begin: datetime, bad: frozenset[int] = frozenset()) -> None:
        self._name, self._begin, self._bad = name, begin, bad
        self.fired: list[int] = []

    def due(self, since: datetime, until: datetime) -> Iterable[Due]:
        """What is due in (since, until], for two days."""
        moments = (self._begin + timedelta(hours=hour) for hour in range(1, 49))
        return [Due(moment, self._name, self._firing(moment)) for moment in moments if since < moment <= until]

    def _firing(self, moment: datetime) -> Callable[[bool], str]:
        def fire(wait: bool) -> str:
            del wait
            if moment.hour in self._bad:
                raise KeyError("no such thing")
            self.fired.append(moment.hour)
            return "done"

        return fire
