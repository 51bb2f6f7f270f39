"""Messages over a socket: whole, in order, and an end that is told."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from fogbank.contracts.batch_lines import BATCH, HEAD, LINES, OUTPUT, Message, receive, send, send_lines


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


def test_lines_go_from_where_they_lie(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    (tmp_path / "f").write_bytes(b"0123456789" * 200_000)
    here.settimeout(20)

    def sends() -> None:
        with (tmp_path / "f").open("rb", buffering=0) as file:
            send_lines(here, [(file, 2, 1_500_000), (file, 7, 1)])
            with pytest.raises(OSError, match="ends too early"):
                send_lines(here, [(file, 1_999_999, 2)])
        here.close()

    sender = threading.Thread(target=sends)
    sender.start()
    kind, body = receive(there)

    assert (kind, body) == (LINES, (b"0123456789" * 150_001)[2:1_500_002] + b"7")
    with pytest.raises(EOFError):
        receive(there)
    sender.join()
    there.close()


def test_who_asks_takes_no_descriptors(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    (tmp_path / "f").write_bytes(b"1")
    with (tmp_path / "f").open("rb") as file:
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(9):
            socket.send_fds(here, [HEAD.pack(OUTPUT, 0)], [file.fileno()] * 50)
            assert receive(there) == Message(OUTPUT, b"")
        assert len(list(Path("/dev/fd").iterdir())) == before
    here.close()
    there.close()


def test_who_says_too_much_is_not_believed() -> None:
    here, there = socket.socketpair()
    here.sendall(HEAD.pack(OUTPUT, 1 << 62))
    with pytest.raises(OSError, match="a message of 4611686018427387904 bytes"):
        receive(there)
    here.close()
    there.close()
