from __future__ import annotations

import json
import os
import threading

import pytest

from fogbank.serve.logs import LogWriter


def test_lines_beyond_the_limit_are_dropped_and_their_number_is_told() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    filled = 0
    try:
        while True:
            filled += os.write(write_end, b"\n" * 4096)
    except BlockingIOError:
        os.set_blocking(write_end, True)
    writer = LogWriter(write_end, limit=1000)
    for number in range(1000):  # the pipe is full: nothing of this can be written yet
        writer.write(b'{"n": %d}\n' % number)
    read = bytearray()

    def reader() -> None:
        while piece := os.read(read_end, 65536):
            read.extend(piece)

    thread = threading.Thread(target=reader)
    thread.start()
    sent = 1000
    while b"dropped" not in read:
        writer.write(b'{"n": %d}\n' % sent)
        sent += 1
    writer.close()
    os.close(write_end)
    thread.join()
    os.close(read_end)

    lines = [json.loads(line) for line in bytes(read[filled:]).splitlines()]
    numbers = [line["n"] for line in lines if "n" in line]
    dropped = sum(int(line["message"].split()[0]) for line in lines if "message" in line)
    assert numbers == sorted(numbers)
    assert numbers[:50] == list(range(50))
    assert dropped > 800
    assert dropped + len(numbers) == sent


def test_nothing_fails_where_the_log_is_closed() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    before = set(threading.enumerate())
    writer = LogWriter(write_end)
    writer.write(b"lost\n")
    writer.close()

    assert set(threading.enumerate()) <= before  # what wrote has ended; an exception of its own would fail this test
    with pytest.raises(BrokenPipeError):
        os.write(write_end, b"lost\n")
    os.close(write_end)
