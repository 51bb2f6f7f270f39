"""The clockwork: in order, each once, whatever one of them does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.time.timeline import Timeline
from tests.fakes.source import HourlySource
from tests.unit.cloud.conftest import OpenStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def timeline(store: OpenStore, folder: Path, *sources: HourlySource) -> Timeline:
    clock = Clock(store(folder / "cloud.db"), wall=NOON.timestamp)
    return Timeline(clock, Runner(), sources, lambda: None, lambda _: None)


def test_one_that_fails_is_named_and_the_others_fire_once_and_in_order(open_store: OpenStore, tmp_path: Path) -> None:
    good, bad = HourlySource("good", NOON), HourlySource("bad", NOON, frozenset({13, 15}))
    clockwork = timeline(open_store, tmp_path, good, bad)

    results = clockwork.advance(timedelta(hours=4)) + clockwork.advance(timedelta(hours=1))

    assert good.fired == [13, 14, 15, 16, 17]
    assert bad.fired == [14, 16, 17]
    assert [result["at"] for result in results] == sorted(result["at"] for result in results)
    failures = [result for result in results if result["result"].startswith("failed")]
    assert [(failure["name"], failure["at"][11:13]) for failure in failures] == [("bad", "13"), ("bad", "15")]


@pytest.mark.parametrize("days", [-1, 4000, 1e8])
def test_the_clock_moves_forward_and_not_without_end(open_store: OpenStore, tmp_path: Path, days: float) -> None:
    with pytest.raises(ApiError, match="days at most"):
        timeline(open_store, tmp_path).advance(timedelta(days=days))
