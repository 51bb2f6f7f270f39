"""A body that comes as it comes: in chunks, at its reader's pace, and its source hears when nobody reads."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from fogbank.cloud.ground.live import Live
from fogbank.cloud.ground.wire import Answer
from tests.unit.cloud.ground.conftest import Served
from tests.waiting import until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Source:
    """What a body's flow is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pause(self) -> None:
        self.said.append("pause")

    def resume(self) -> None:
        self.said.append("resume")

    def leave(self) -> None:
        self.said.append("leave")


def answers(source: Source, made: list[Live], then: Callable[[Live], None]) -> Callable[[object], Answer]:
    def answer(_: object) -> Answer:
        live = Live(source)
        made.append(live)
        then(live)
        return Answer(headers={"Content-Type": "a/b"}, live=live)

    return answer


def test_parts_go_in_chunks_and_the_connection_takes_the_next_request(served: Served) -> None:
    def whole(live: Live) -> None:
        for part in (b"one", b"", b"seventeen letters"):
            live.write(part)
        live.close()

    source = Source()
    served.answer = answers(source, [], whole)
    answer = served.say(GET + GET)

    assert answer.count(b"Transfer-Encoding: chunked\r\n") == 2
    assert answer.count(b"\r\n\r\n3\r\none\r\n11\r\nseventeen letters\r\n0\r\n\r\n") == 2
    assert b"Content-Length" not in answer
    assert source.said == []


def test_a_reader_who_goes_is_told_to_where_it_comes_from(served: Served) -> None:
    source, made = Source(), list[Live]()
    served.answer = answers(source, made, lambda live: live.write(b"first"))
    with served.connect() as peer:
        peer.sendall(GET)
        assert peer.recv(1000).startswith(b"HTTP/1.1 200 OK")
        peer.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )  # it is cut off, and does not only say no more
    until(lambda: source.said == ["leave"])
    made[0].write(b"second")

    assert made[0].ended


def test_a_reader_who_is_slow_pauses_where_it_comes_from(served: Served) -> None:
    source, made = Source(), list[Live]()
    served.answer = answers(source, made, lambda live: live.write(b"x" * (64 << 20)))
    with served.connect() as peer:
        peer.sendall(GET)
        until(lambda: source.said == ["pause"])
        left = 64 << 20
        while left > 0:
            left -= len(peer.recv(1 << 20))
        until(lambda: source.said[:2] == ["pause", "resume"])
        made[0].close()
