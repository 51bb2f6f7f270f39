"""Offsets of a window."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fogbank.cloud.monitoring.offsets import span


def test_offsets_are_iso_8601() -> None:
    found = [span(text) for text in (None, "-P8D", "-PT7H", "PT90M", "-P1W")]

    assert found == [timedelta(), timedelta(days=-8), timedelta(hours=-7), timedelta(minutes=90), timedelta(days=-7)]


@pytest.mark.parametrize("text", ["P", "-PT", "8D", "-P1Y", "P1D "])
def test_others_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time offset"):
        span(text)
