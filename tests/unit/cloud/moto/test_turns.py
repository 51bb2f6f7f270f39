"""Turns at moto: readers beside one another, a writer alone, and nobody is left waiting."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager

import pytest

from fogbank.cloud.moto.turns import Turns
from tests.waiting import until


def start(work: object) -> threading.Thread:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]  # a local function
    thread.start()
    return thread


def test_readers_read_at_the_same_time() -> None:
    turns, together = Turns(), threading.Barrier(3, timeout=20)

    def read() -> None:
        with turns.read():
            together.wait()  # it breaks, and fails the test, where one of them is not let in beside the others

    for thread in [start(read) for _ in range(3)]:
        thread.join()
    assert not together.broken


def test_a_writer_is_alone_and_every_write_is_whole() -> None:
    turns, numbers, torn = Turns(), [0, 0], list[tuple[int, int]]()

    def write() -> None:
        for _ in range(500):
            with turns.write():
                numbers[0] += 1
                numbers[1] = numbers[0]

    def read() -> None:
        for _ in range(500):
            with turns.read():
                if numbers[0] != numbers[1]:
                    torn.append((numbers[0], numbers[1]))

    for thread in [start(work) for work in (write, read, write, read)]:
        thread.join()
    assert (numbers, torn) == ([1000, 1000], [])


def test_who_waits_to_write_goes_before_readers_that_come_later() -> None:
    turns, order = Turns(), list[str]()

    def write() -> None:
        with turns.write():
            order.append("write")

    def read() -> None:
        with turns.read():
            order.append("read")

    with turns.read():
        writer = start(write)
        until(lambda: turns.waiting == 1)
        reader = start(read)
        assert order == []
    writer.join()
    reader.join()

    assert order == ["write", "read"]
    assert turns.waiting == 0


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns()

    def fails(turn: AbstractContextManager[None]) -> None:
        with turn:
            raise KeyError

    for turn in (turns.read, turns.write):
        with pytest.raises(KeyError):
            fails(turn())
        with turns.write():
            pass
