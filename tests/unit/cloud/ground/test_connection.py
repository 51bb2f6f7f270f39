"""HTTP/1.1 as peers speak it: what is a request, what is refused, what is answered in which order."""

from __future__ import annotations

import http.client
import socket

import pytest

from fogbank.cloud.ground.connection import HEAD_LIMIT
from fogbank.cloud.ground.payload import SPOOL_OVER
from fogbank.cloud.ground.wire import Answer
from tests.unit.cloud.ground.conftest import Served, read_all
from tests.waiting import until


@pytest.mark.parametrize(
    ("sent", "path", "plain", "query"),
    [
        (b"/b/a%20b?x=1&y=%20", "/b/a%20b", "/b/a b", "x=1&y=%20"),
        (b"/b/a%2520b", "/b/a%2520b", "/b/a%20b", ""),
        (b"/b/q%3Fx", "/b/q%3Fx", "/b/q?x", ""),
        (b"/b//two/", "/b//two/", "/b//two/", ""),
        (b"//two", "//two", "//two", ""),
        (b"/b/%C3%BC", "/b/%C3%BC", "/b/\u00fc", ""),
        ("/b/\u00fc".encode(), "/b/%C3%BC", "/b/\u00fc", ""),
        (b"/b/../c", "/b/../c", "/b/../c", ""),
        (b"http://127.0.0.1/b/k%25?q", "/b/k%25", "/b/k%", "q"),
    ],
)
def test_paths(served: Served, sent: bytes, path: str, plain: str, query: str) -> None:
    served.say(b"GET " + sent + b" HTTP/1.1\r\nHost: a\r\n\r\n")

    assert [(request.path, request.plain_path, request.query) for request in served.received] == [(path, plain, query)]


def test_headers_keep_their_names_and_bodies_come_whole(served: Served) -> None:
    served.answer = lambda _: Answer(
        headers={"X-A": "1", "Connection": "close", "Transfer-Encoding": "x"}, body=b"answer"
    )
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.putrequest("PUT", "/b/k")
    for name, value in (("x-amz-meta-my_key", "1"), ("X-Amz-Meta-My-Key", "2"), ("X-Twice", "a"), ("X-Twice", "b")):
        connection.putheader(name, value)
    connection.putheader("Content-Length", "4")
    connection.endheaders(b"body")
    answer = connection.getresponse()

    assert (answer.status, answer.read(), answer.getheader("X-A")) == (200, b"answer", "1")
    assert (answer.getheader("Transfer-Encoding"), answer.getheader("Content-Length")) == (None, "6")
    assert answer.getheader("Date")
    connection.request(
        "POST", "/", body=iter([b"in ", b"pieces"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
    )
    connection.getresponse().read()
    connection.request("HEAD", "/")
    head = connection.getresponse()
    assert (head.read(), head.getheader("Content-Length")) == (b"", "6")
    connection.close()
    own = {key: value for key, value in served.received[0].headers.items() if key.startswith("x-")}
    assert own == {"x-amz-meta-my_key": "1", "x-amz-meta-my-key": "2", "x-twice": "a,b"}
    assert [request.body for request in served.received] == [b"body", b"in pieces", b""]


def test_pipelined_requests_are_answered_in_order_and_a_peer_that_says_no_more_gets_them_all(served: Served) -> None:
    served.answer = lambda request: Answer(body=request.path.encode())
    asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(50))
    answer = served.say(asked)

    assert [part.rpartition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"/%d" % number for number in range(50)
    ]
    assert answer.count(b"Connection: close") == 1


def test_who_asks_whether_to_go_on_is_told_before_the_body(served: Served) -> None:
    with served.connect() as peer:
        peer.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert peer.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(b"body")
        peer.shutdown(socket.SHUT_WR)
        assert read_all(peer).startswith(b"HTTP/1.1 207 ")


@pytest.mark.parametrize(
    ("version", "header", "closes"),
    [
        (b"1.1", b"", False),
        (b"1.1", b"Connection: close\r\n", True),
        (b"1.0", b"", True),
        (b"1.0", b"Connection: keep-alive\r\n", False),
    ],
)
def test_connections_are_kept_as_the_peer_wants(served: Served, version: bytes, header: bytes, closes: bool) -> None:
    with served.connect() as peer:
        asked = b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + header + b"\r\n"
        peer.sendall(asked)
        answer = b""
        while not answer.endswith(b"answer"):
            answer += peer.recv(4096)
        if closes:
            assert peer.recv(1) == b""
        else:
            peer.sendall(asked)
            assert peer.recv(4096).startswith(b"HTTP/1.1 207 ")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n12345", b"400"),
        (b"PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", b"400"),
        (b"PUT /b/k HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\n12345", b"400"),
        (b"PUT /b/k HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n12345", b"400"),
        (b"PUT /b/k HTTP/1.1\r\nContent-Length: -1\r\n\r\n12345", b"400"),
        (b"PUT /b/k HTTP/1.1\r\nContent-Length: five\r\n\r\n12345", b"400"),
        (b"PUT /b/k HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n12345", b"400"),
        (b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n12345", b"400"),
        (b"GET / HTTP/1.1\nHost: a\n\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * HEAD_LIMIT + b" HTTP/1.1\r\n\r\n", b"431"),
    ],
)
def test_what_is_no_whole_request_is_refused(served: Served, said: bytes, status: bytes) -> None:
    answer = served.say(said)

    assert answer.split(b" ")[1] == status
    assert b"Connection: close\r\n" in answer
    assert served.received == []


def test_what_is_refused_comes_after_what_was_asked_before_it(served: Served) -> None:
    answer = served.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n", end=False)

    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"207", b"400"]


def test_a_long_body_lies_in_a_file_that_goes_with_its_request(served: Served) -> None:
    body = b"0123456789abcdef" * (SPOOL_OVER // 16) + b"end"
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("PUT", "/b/k", body=body)
    assert connection.getresponse().read() == b"answer"
    connection.close()

    assert served.received[0].body == body
    assert served.received[0].payload.temporary is not None
    until(lambda: not list(served.incoming.iterdir()))


def test_a_peer_that_goes_before_its_answer_disturbs_nobody(served: Served) -> None:
    served.go.clear()
    peer = served.connect()
    peer.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)
    until(lambda: list(served.incoming.iterdir()))
    peer.close()
    served.go.set()

    until(lambda: not list(served.incoming.iterdir()))
    assert served.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"answer")


@pytest.mark.parametrize(
    ("version", "coding", "status"),
    [
        (b"1.1", b"chunked", b"207"),
        (b"1.1", b"Chunked", b"207"),
        (b"1.1", b"gzip, chunked", b"501"),
        (b"1.1", b"deflate,chunked", b"501"),
        (b"1.0", b"chunked", b"400"),
    ],
)
def test_a_body_in_a_coding_that_is_not_undone_is_not_kept(
    served: Served, version: bytes, coding: bytes, status: bytes
) -> None:
    head = b"PUT /b HTTP/" + version + b"\r\nHost: a\r\nTransfer-Encoding: " + coding + b"\r\n\r\n"
    assert served.say(head + b"1\r\nx\r\n0\r\n\r\n").split()[1] == status


def test_the_host_of_a_target_counts_and_not_the_header(served: Served) -> None:
    served.say(b"GET http://evil.test:80/b?c HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    served.say(b"GET http://evil.test?c HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert [request.headers["host"] for request in served.received] == ["evil.test:80", "evil.test"]
