"""Answers on their way: from files at the peer's pace, closed when they have gone or nobody wants them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from fogbank.cloud.ground.payload import Payload, Piece
from fogbank.cloud.ground.wire import Answer
from tests.unit.cloud.ground.conftest import Served, read_all
from tests.waiting import until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "object"
    file.write_bytes(bytes(range(256)) * 40_000)
    return file


def test_parts_of_files_and_of_memory_come_in_order(served: Served, file: Path) -> None:
    ends: list[str] = []
    size = file.stat().st_size
    payload = Payload(pieces=(b"head", Piece(file, 1, size - 1), b"tail"), closing=lambda: ends.append("end"))
    served.answer = lambda _: Answer(payload=payload)
    answer = served.say(GET + GET)

    expected = b"head" + file.read_bytes()[1:] + b"tail"
    assert f"Content-Length: {len(expected)}\r\n".encode() in answer
    assert answer.count(expected) == 2
    until(lambda: ends == ["end", "end"])


def test_a_peer_that_reads_slowly_costs_no_memory_and_one_that_goes_ends_it(served: Served, file: Path) -> None:
    ends: list[str] = []
    pieces = tuple(Piece(file, 0, file.stat().st_size) for _ in range(2))
    served.answer = lambda _: Answer(payload=Payload(pieces=pieces, closing=lambda: ends.append("end")))
    with served.connect() as peer:
        peer.sendall(GET)
        assert peer.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert served.say(GET)[:12] == b"HTTP/1.1 200", "others are answered meanwhile"
        assert ends == ["end"]
    until(lambda: ends == ["end", "end"])


def test_an_answer_that_cannot_be_read_to_its_end_is_not_taken_for_whole(served: Served, file: Path) -> None:
    size = file.stat().st_size
    served.answer = lambda _: Answer(payload=Payload(pieces=(Piece(file, size - 10, 20),)))
    with served.connect() as peer:
        peer.sendall(GET)
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = read_all(peer)

    assert len(answer.partition(b"\r\n\r\n")[2]) < 20


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_have_none(served: Served, status: int) -> None:
    served.answer = lambda _: Answer(status=status, body=b"")
    answer = served.say(GET)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Length" not in answer
    assert answer.endswith(b"\r\n\r\n")


def test_no_value_of_a_header_ends_its_line(served: Served) -> None:
    headers = {"Location": "/a\r\nX-Evil: 1", "X-Tab": "a\tb", "X-Latin": "é\xa0"}
    served.answer = lambda _: Answer(headers=headers, cookies=("a=b\nX-Evil: 1",))
    head = served.say(GET)
    assert b"\nX-Evil" not in head
    assert b"Location: /a  X-Evil: 1\r\n" in head
    assert b"X-Tab: a\tb\r\n" in head
    assert "X-Latin: é\xa0\r\n".encode("latin-1") in head
