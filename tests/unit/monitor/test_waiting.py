"""Short chunks of numbers become longer ones of the same values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fogbank.monitor.numbers import Plain, numbers_of
from fogbank.monitor.waiting import CHUNKS, ENOUGH, Waiting


def written(*texts: str) -> Plain:
    """Numbers as they are written."""
    plain = numbers_of(texts)
    assert plain is not None
    return plain


def read(values: Any) -> Sequence[object]:
    """What is in a chunk."""
    return list(values.texts() if isinstance(values, Plain) else values)


def test_numbers_wait_until_there_are_enough() -> None:
    waiting, short = Waiting(), np.zeros(ENOUGH // 2)

    assert waiting.add(short) == []
    [both] = waiting.add(short + 1)
    assert (len(read(both)), waiting.taken()) == (ENOUGH, [])


def test_an_array_that_is_long_enough_is_not_copied() -> None:
    long = np.zeros(ENOUGH)

    [same] = Waiting().add(long)
    assert same is long


def test_of_a_column_of_which_little_is_there_no_list_is_kept() -> None:
    waiting = Waiting()
    for _ in range(2 * CHUNKS):
        assert waiting.add(np.empty(0)) == []
    assert waiting.taken() == []

    joined = [ready for _ in range(2 * CHUNKS) for ready in waiting.add(np.ones(1))]
    assert [len(read(chunk)) for chunk in joined] == [CHUNKS, CHUNKS]


def test_what_is_written_is_known_of_all_chunks() -> None:
    waiting = Waiting()
    waiting.add(written("1", "2.0"))
    waiting.add(written("1.50"))
    [both] = waiting.taken()

    assert isinstance(both, Plain)
    assert (both.texts(), both.integral, both.json) == (["1", "2.0", "1.50"], 1, True)


def test_texts_wait_for_nothing_and_come_after_what_waits() -> None:
    waiting = Waiting()
    waiting.add(written("1"))
    waiting.add(written("+1"))
    waiting.add(np.array([3]))
    waiting.add(np.array([0.5]))

    assert [read(chunk) for chunk in waiting.add(["x", None])] == [["1"], ["+1"], [3], [0.5], ["x", None]]
