"""Offsets of a monitor's window, in ISO 8601: `-P8D` is eight days earlier, for labels that come late.

Source: the SageMaker API reference, EndpointInput, StartTimeOffset.
"""

from __future__ import annotations

import re
from datetime import timedelta

OFFSET = re.compile(r"(-?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def span(offset: str | None) -> timedelta:
    """An offset's time; none is no time. Raises ValueError.

    >>> span("-P1DT2H")
    datetime.timedelta(days=-2, seconds=79200)
    """
    if offset is None:
        return timedelta()
    match = OFFSET.fullmatch(offset)
    if match is None or not any(match.groups()[1:]):
        raise ValueError(f"{offset!r} is no time offset such as -P1D or -PT6H.")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    time = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -time if match[1] else time
