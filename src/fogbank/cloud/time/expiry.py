"""Objects that expire, as something that is due on the cloud's clock. In: a lifecycle; out: a source."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from fogbank.cloud.objects.lifecycle import Expiry, Lifecycle
from fogbank.cloud.time.timeline import Due


class ExpirySource:
    """What lifecycles remove, at their midnights."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    def due(self, since: datetime, until: datetime) -> Iterable[Due]:
        """One thing to do for each bucket and midnight at which something of it expires."""
        for expiry in self._lifecycle.expiries(since, until):
            yield Due(expiry.moment, f"lifecycle of {expiry.bucket}", partial(self._fire, expiry))

    def _fire(self, expiry: Expiry, wait: bool) -> str:
        return self._lifecycle.expire(expiry)
