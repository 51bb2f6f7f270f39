"""The server: many peers, few threads, an end at which everybody has his answer."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.server import Server
from fogbank.cloud.ground.wire import Answer
from tests.strangers import as_nobody
from tests.unit.cloud.ground.conftest import Served, read_all
from tests.waiting import until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_slow_and_silent_peers_hold_no_threads_and_keep_nobody_waiting(served: Served) -> None:
    served.say(GET)
    before = threading.active_count()
    with ExitStack() as peers:
        slow = [peers.enter_context(served.connect()) for _ in range(300)]
        for peer in slow[::2]:
            peer.sendall(b"PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        assert served.say(GET).startswith(b"HTTP/1.1 207 ")
        assert threading.active_count() <= before + 3
        for peer in slow[::2]:
            peer.sendall(b"ALL..")
        slow[0].shutdown(socket.SHUT_WR)
        assert read_all(slow[0]).endswith(b"answer")


def test_who_has_asked_is_answered_before_the_end_and_nothing_is_taken_after_it(served: Served) -> None:
    served.go.clear()
    with served.connect() as asking, served.connect() as silent:
        asking.sendall(GET)
        until(lambda: served.asked)
        closing = threading.Thread(target=served.server.close)
        closing.start()
        assert silent.recv(1) == b"", "a connection that waits for nothing is closed"
        served.go.set()
        answer = read_all(asking)
        closing.join(20)

    assert answer.endswith(b"answer")
    assert b"Connection: close\r\n" in answer
    with pytest.raises(ConnectionError):
        served.connect().close()


def test_a_port_that_is_taken_is_an_error_and_a_server_that_was_never_started_lets_it_go(
    served: Served, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(served.port, lambda *_: None, tmp_path)
    unused = Server(0, lambda *_: None, tmp_path)
    unused.close()
    with socket.create_server(("127.0.0.1", unused.port)):
        pass


def test_an_upload_that_breaks_off_leaves_nothing(served: Served) -> None:
    with served.connect() as peer:
        peer.sendall(b"PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 3_000_000)
        until(lambda: list(served.incoming.iterdir()))
    until(lambda: not list(served.incoming.iterdir()))

    assert served.received == []


def test_more_peers_than_there_is_room_for_are_told_so_and_the_others_stay(tmp_path: Path) -> None:
    server = Server(0, lambda _, done: done(Answer(body=b"answer")), tmp_path, most=3)
    runner = Runner()
    server.start(runner)
    try:
        with ExitStack() as stack:
            peers = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 20)) for _ in range(3)]
            for peer in peers:
                peer.sendall(GET[:-2])
            until(lambda: crowded(server.port))
            peers[0].sendall(b"\r\n")
            assert peers[0].recv(4096).endswith(b"answer")
        until(lambda: not crowded(server.port))
    finally:
        server.close()
        runner.close()


def crowded(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 20) as peer:
        peer.sendall(GET)
        return peer.recv(4096).startswith(b"HTTP/1.1 503 ")


MANY = """
peers = [socket.create_connection(("127.0.0.1", argument), 20) for _ in range(10)]
for peer in peers[:2]:
    peer.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
print(json.dumps([peer.recv(12).decode()[9:] for peer in peers]))
"""


def test_another_user_has_a_share_of_the_room_and_no_more(tmp_path: Path) -> None:
    """Who is not answered could otherwise keep the user himself out, by connections that say nothing."""
    server = Server(0, lambda _, done: done(Answer(body=b"answer")), tmp_path, most=16)
    runner = Runner()
    server.start(runner)
    try:
        with ExitStack() as opened:
            for _ in range(6):  # the user's own take nothing of the share
                peer = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
                peer.sendall(GET)
                assert peer.recv(4096)
            assert as_nobody(MANY, server.port) == ["200"] * 2 + ["503"] * 8
    finally:
        server.close()
        runner.close()
