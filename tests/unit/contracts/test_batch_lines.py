"""Messages over a socket: whole, in order, and an end that is told."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from fogbank.contracts.batch_lines import BATCH, FILES, OUTPUT, PLACE, Message, receive, send, send_files


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


def test_files_go_with_their_places(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    (tmp_path / "f").write_bytes(b"0123456789")
    with (tmp_path / "f").open("rb") as file:
        send_files(here, [(file.fileno(), 2, 3), (file.fileno(), 7, 1)])
    message = receive(there)

    assert (message.kind, [*PLACE.iter_unpack(message.body)]) == (FILES, [(2, 3), (7, 1)])
    assert [os.pread(descriptor, 9, 0) for descriptor in message.files] == [b"012345678"] * 2
    for descriptor in message.files:
        os.close(descriptor)
    here.close()
    with pytest.raises(EOFError):
        receive(there)
    there.close()
