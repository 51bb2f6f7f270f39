from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The models are small, and the workers of the run are what uses the cores."""
    with threadpool_limits(1):
        yield
