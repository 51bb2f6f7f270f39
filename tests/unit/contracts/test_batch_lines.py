"""Messages over a socket: whole, in order, and an end that is told."""

from __future__ import annotations

import socket
import threading

import pytest

from fogbank.contracts.batch_lines import BATCH, OUTPUT, Message, receive, send


def test_messages_are_whole_and_an_end_within_one_is_told() -> None:
    here, there = socket.socketpair()
    body = bytes(range(256)) * 40_000

    def sends() -> None:
        send(here, BATCH, body)
        send(here, OUTPUT)
        here.sendall(b"o12")

    sender = threading.Thread(target=sends)
    sender.start()

    assert receive(there) == Message(BATCH, body)
    assert receive(there) == Message(OUTPUT, b"")
    sender.join()
    here.close()
    with pytest.raises(EOFError):
        receive(there)
    there.close()
