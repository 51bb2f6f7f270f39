"""Requests as they were sent: paths still encoded, headers under their own names."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.ground.payload import SPOOL_OVER
from fogbank.cloud.ground.server import BadRequestError, listen, read_request, write_answer
from fogbank.cloud.ground.wire import Answer, Request
from tests.waiting import until


@pytest.fixture
def received() -> list[Request]:
    return []


@pytest.fixture
def port(received: list[Request], tmp_path: Path) -> Iterator[int]:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            request = read_request(environ, tmp_path)
        except BadRequestError as error:
            return write_answer(error.answer, error.request, start_response)
        received.append(request)
        if request.payload.temporary:
            assert len(request.body) == request.payload.size
        headers = {"X-A": "1", "Connection": "close", "Transfer-Encoding": "chunked"}
        return write_answer(Answer(status=207, headers=headers, body=b"answer"), request, start_response)

    server = listen(0, application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield int(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("sent", "path", "plain", "query"),
    [
        ("/b/a%20b?x=1&y=%20", "/b/a%20b", "/b/a b", "x=1&y=%20"),
        ("/b/a%2520b", "/b/a%2520b", "/b/a%20b", ""),
        ("/b/q%3Fx", "/b/q%3Fx", "/b/q?x", ""),
        ("/b//two/", "/b//two/", "/b//two/", ""),
        ("//two", "//two", "//two", ""),
        ("/b/%C3%BC", "/b/%C3%BC", "/b/ü", ""),
        ("/b/../c", "/b/../c", "/b/../c", ""),
        ("http://127.0.0.1/b/k%25?q", "/b/k%25", "/b/k%", "q"),
    ],
)
def test_paths(port: int, received: list[Request], sent: str, path: str, plain: str, query: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.putrequest("GET", sent)
    connection.endheaders()
    connection.getresponse().read()
    connection.close()

    assert [(request.path, request.plain_path, request.query) for request in received] == [(path, plain, query)]


def test_bytes_that_a_client_did_not_encode_are_read_as_utf_8(port: int, received: list[Request]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall("GET /b/ü HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        while connection.recv(4096):
            pass

    assert (received[0].path, received[0].plain_path) == ("/b/%C3%BC", "/b/ü")


def test_headers_keep_their_names_and_bodies_come_whole(port: int, received: list[Request]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.putrequest("PUT", "/b/k")
    for name, value in (("x-amz-meta-my_key", "1"), ("X-Amz-Meta-My-Key", "2"), ("X-Twice", "a"), ("X-Twice", "b")):
        connection.putheader(name, value)
    connection.putheader("Content-Length", "4")
    connection.endheaders(b"body")
    answer = connection.getresponse()

    assert (answer.status, answer.read(), answer.getheader("X-A")) == (207, b"answer", "1")
    assert (answer.getheader("Transfer-Encoding"), answer.getheader("Content-Length")) == (None, "6")
    connection.request(
        "POST", "/", body=iter([b"in ", b"pieces"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
    )
    connection.getresponse().read()
    connection.request("HEAD", "/")
    assert connection.getresponse().read() == b""
    connection.close()
    own = {key: value for key, value in received[0].headers.items() if key.startswith("x-")}
    assert own == {"x-amz-meta-my_key": "1", "x-amz-meta-my-key": "2", "x-twice": "a,b"}
    assert [request.body for request in received] == [b"body", b"in pieces", b""]


def test_a_long_body_lies_in_a_file_that_goes_with_its_request(
    port: int, received: list[Request], tmp_path: Path
) -> None:
    body = b"0123456789abcdef" * (SPOOL_OVER // 16) + b"end"
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", "/b/k", body=body)
    assert connection.getresponse().read() == b"answer"
    connection.close()

    assert received[0].body == body
    assert received[0].payload.temporary is not None
    until(lambda: not list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 100\r\n",
        b"Content-Length: 5\r\nContent-Length: 3\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: five\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ],
)
def test_a_body_that_does_not_come_whole_is_refused(port: int, received: list[Request], head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n12345")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(4096):
            answer += part

    assert answer.split(b"\r\n")[0].split(b" ")[1] == b"400"
    assert received == []
