"""Stores that are closed when the test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from fogbank.cloud.ground.store import Store

OpenStore = Callable[[Path], Store]


@pytest.fixture
def open_store() -> Iterator[OpenStore]:
    with ExitStack() as stack:
        yield lambda file: stack.enter_context(closing(Store(file)))
