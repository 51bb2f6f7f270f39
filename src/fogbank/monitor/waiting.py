"""Short chunks of a column's numbers, kept until they are worth the work: a call of numpy's takes as long as a thousand of them.

In: chunks of values in their order; out: the same values in fewer chunks. Texts wait for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.monitor.numbers import Plain

ENOUGH = 4096
"""So many numbers tell whether a column has more different ones than are counted each by its text (counts.py)."""
CHUNKS = 64
"""So many chunks are joined whatever they hold: a column of which little is there, in much data, keeps no list of them."""
Values = Sequence[str | None] | NDArray[Any] | Plain


class Waiting:
    """What waits of one column."""

    def __init__(self) -> None:
        self._chunks: list[NDArray[Any] | Plain] = []
        self._count = 0

    def add(self, values: Values) -> list[Values]:
        """What is ready with these values, in the order in which it came."""
        if not isinstance(values, np.ndarray | Plain):
            return [*self.taken(), values]
        if not len(_numbers(values)):
            return []
        self._chunks.append(values)
        self._count += len(_numbers(values))
        return self.taken() if self._count >= ENOUGH or len(self._chunks) >= CHUNKS else []

    def taken(self) -> list[Values]:
        """All that waits, which does so no longer."""
        taken: list[Values] = [_joined(list(same)) for _, same in groupby(self._chunks, _kind)]
        self._chunks, self._count = [], 0
        return taken


def cells(values: Values) -> int:
    """How many values a chunk has."""
    return len(values.numbers if isinstance(values, Plain) else values)


def _numbers(values: NDArray[Any] | Plain) -> NDArray[Any]:
    return values.numbers if isinstance(values, Plain) else values


def _kind(values: NDArray[Any] | Plain) -> object:
    """What is of one kind can be one chunk."""
    return values.json if isinstance(values, Plain) else values.dtype


def _joined(chunks: list[NDArray[Any] | Plain]) -> NDArray[Any] | Plain:
    """Chunks of one kind as one."""
    if len(chunks) == 1:
        return chunks[0]
    numbers = np.concatenate([_numbers(chunk) for chunk in chunks])
    written = [chunk for chunk in chunks if isinstance(chunk, Plain)]
    if not written:
        return numbers
    texts: list[Callable[[], Sequence[str]]] = [chunk.texts for chunk in written]
    return Plain(
        numbers,
        sum(chunk.integral for chunk in written),
        lambda: list(chain.from_iterable(text() for text in texts)),
        written[0].json,
    )
