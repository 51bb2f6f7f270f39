"""HTTP/1.1 itself, byte by byte: what is answered, what is refused, and how streams go."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

import pytest

from fogbank.contracts.container import ServeSettings
from tests.contracts.container.conftest import Start
from tests.contracts.container.served import HEAD, Subprocess, invoke, with_limits
from tests.packages import signed
from tests.waiting import until


def raw(server: Subprocess, *sent: bytes, close: bool = False) -> bytes:
    """Send bytes as they are; everything that comes back until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as peer:
        for piece in sent:
            peer.sendall(piece)
        if close:
            peer.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while piece := peer.recv(65536):
                found += piece
        except TimeoutError:
            pass
        return found


def test_http_as_the_standard_has_it(start: Start, settings: ServeSettings) -> None:
    server = start(settings)
    last = b"connection: close\r\n"

    assert raw(server, HEAD + last + b"content-length: 3\r\n\r\n", b"1,", b"2").endswith(b"\r\n\r\n2.0,4.0\n")
    assert raw(server, HEAD + last + b"transfer-encoding: chunked\r\n\r\n1\r\n1\r\n2\r\n,2\r\n0\r\n\r\n").endswith(
        b"2.0,4.0\n"
    )
    expects = raw(server, HEAD + last + b"expect: 100-continue\r\ncontent-length: 3\r\n\r\n", b"1,2")
    assert expects.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    too_large = raw(server, HEAD + last + b"expect: 100-continue\r\ncontent-length: 99999\r\n\r\n", close=True)
    assert b"100 Continue" not in too_large
    assert raw(server, b"HEAD /ping HTTP/1.1\r\nhost: x\r\n" + last + b"\r\n").endswith(
        b"content-length: 1\r\nconnection: close\r\n\r\n"
    )
    assert b"connection: close" in raw(server, b"GET /ping HTTP/1.0\r\n\r\n")
    one, two, three = (HEAD + b"content-length: 3\r\n\r\n%d,2" % n for n in (1, 2, 3))
    pipelined = raw(server, one + two + three.replace(b"host: x", b"host: x\r\nconnection: close"))
    assert pipelined.index(b"2.0,4.0") < pipelined.index(b"4.0,4.0\n") < pipelined.index(b"6.0,4.0\n")
    assert pipelined.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /ping HTTP/9.9\r\n\r\n", 400),
        (HEAD + b"content-length: abc\r\n\r\n", 400),
        (HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"x-long: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /ping HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 200),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"1" * 1024 + b"\r\n0\r\n\r\n", 413),
    ],
)
def test_what_is_not_http_is_answered_and_closed(
    start: Start, settings: ServeSettings, sent: bytes, status: int
) -> None:
    server = start(settings)

    answer = raw(server, sent, close=True)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert invoke(server, b"1,2").status == 200


def test_a_peer_that_sends_half_a_request_is_let_go(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(settings, timeout_s=0.5))

    assert raw(server, HEAD + b"content-length: 3\r\n\r\n1").startswith(b"HTTP/1.1 408 ")
    assert raw(server, b"POST /invocations HTTP/1.1\r\nhos").startswith(b"HTTP/1.1 408 ")


STREAM = """
def model_fn(model_dir): return 1
def predict_fn(data, model):
    for number in range(int(data[0][0])):
        if number == data[0][1]:
            raise RuntimeError("in the middle")
        yield b"x" * 65536
"""


def test_a_stream_heeds_the_peers_pace_and_a_broken_one_is_seen(start: Start, settings: ServeSettings) -> None:
    server = start(signed(settings.base_dir / "stream", STREAM))
    before = resident(server)
    connection = server.connection()
    connection.request("POST", "/invocations", b"2000,-1", {"Content-Type": "text/csv"})
    slow = connection.getresponse()
    assert slow.read(65536) == b"x" * 65536
    assert invoke(server, b"1,-1").status == 200  # another call, between two pieces of the stream
    assert resident(server) - before < 40 << 20  # of 125 MiB
    assert len(slow.read()) == 1999 * 65536
    connection.close()
    with pytest.raises(http.client.IncompleteRead):
        invoke(server, b"10,5")
    assert invoke(server, b"1,-1").status == 200


def resident(server: Subprocess) -> int:
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in server.workers())


@pytest.mark.on_host
def test_a_peer_that_leaves_in_the_middle_of_a_stream_stops_it(start: Start, settings: ServeSettings) -> None:
    marker = settings.base_dir / "closed"
    code = f"""
import pathlib
def model_fn(model_dir): return 1
def predict_fn(data, model):
    try:
        while True:
            yield b"x" * 65536
    finally:
        pathlib.Path({str(marker)!r}).touch()
"""
    server = start(signed(settings.base_dir / "stream", code))
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(HEAD + b"content-length: 3\r\n\r\n1,2")
        assert peer.recv(100).startswith(b"HTTP/1.1 200")

    until(marker.exists)
    assert invoke(server, b"1,2,3").status == 400


def test_a_thousand_pipelined_requests_are_answered_in_their_order(start: Start, settings: ServeSettings) -> None:
    server = start(settings)
    first, last = HEAD + b"content-length: 3\r\n\r\n1,2", HEAD + b"connection: close\r\ncontent-length: 3\r\n\r\n3,4"

    found = raw(server, first + b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n" * 1000 + last)

    assert found.count(b"HTTP/1.1 200 OK") == 1002
    assert found.index(b"2.0,4.0\n") < found.index(b"\r\n\r\n\n")
    assert found.endswith(b"6.0,8.0\n")
    assert "Traceback" not in server.log.read_text()
