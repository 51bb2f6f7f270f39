"""What the cloud's rooms stand on, closed when the test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from fogbank.cloud.api.resource import Ground
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store

OpenStore = Callable[[Path], Store]


@pytest.fixture
def open_store() -> Iterator[OpenStore]:
    with ExitStack() as stack:
        yield lambda file: stack.enter_context(closing(Store(file)))


@pytest.fixture
def runner() -> Iterator[Runner]:
    """A runner; what still runs at the end is stopped."""
    runner = Runner()
    yield runner
    assert runner.close(20)


@pytest.fixture
def ground(tmp_path: Path, open_store: OpenStore, runner: Runner) -> Ground:
    """A store of the test's own, its clock, its events and its runner."""
    store = open_store(tmp_path / "ground.db")
    clock = Clock(store)
    return Ground(store, clock, Events(store, clock), runner)
