"""Clients inside the process: requests and answers as they would be on the wire, bodies of any size, errors as boto3 raises them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from fogbank.cloud.ground.payload import CHUNK, SPOOL_OVER, Payload, Piece
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.inside import InsideClients, pieces_of
from fogbank.ground.ports import free_port

Handle = Callable[[Request], Answer | None]


def clients(handle: Handle, folder: Path) -> InsideClients:
    """Of a port that nobody listens on."""
    return InsideClients(f"http://127.0.0.1:{free_port()}", "secret", handle, folder)


@pytest.mark.parametrize("size", [0, 10, CHUNK, 3 * CHUNK + 1])
def test_a_body_in_a_file_is_read_in_parts_and_closed(tmp_path: Path, size: int) -> None:
    file, ends = tmp_path / "f", list[str]()
    whole = bytes(range(256)) * (size // 256 + 1)
    file.write_bytes(whole)

    def handle(request: Request) -> Answer:
        payload = Payload(pieces=(b"head", Piece(file, 0, size)), closing=lambda: ends.append("end"))
        return Answer(payload=payload, headers={"ETag": '"e"'})

    s3 = clients(handle, tmp_path)("s3", "us-east-1")
    assert s3.get_object(Bucket="b", Key="k")["Body"].read() == b"head" + whole[:size]
    body = s3.get_object(Bucket="b", Key="k")["Body"]
    assert (body.read(3), body.read(2 + size)) == (b"hea", b"d" + whole[:size])
    body.close()
    s3.download_file("b", "k", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == b"head" + whole[:size]
    assert set(ends) == {"end"}


def test_what_is_sent_arrives_as_on_the_wire_and_leaves_nothing(tmp_path: Path) -> None:
    seen: list[tuple[Request, bytes]] = []

    def handle(request: Request) -> Answer:
        seen.append((request, request.body))
        return Answer()

    s3 = clients(handle, tmp_path)("s3", "eu-west-1")
    s3.put_object(Bucket="b", Key="a b/ü", Body=b"1", ContentType="text/csv")
    s3.put_object(Bucket="b", Key="k", Body=io.BytesIO(b"x" * (SPOOL_OVER + 1)))

    (request, body), (_, long) = seen
    assert (request.method, request.path, request.plain_path, body) == ("PUT", "/b/a%20b/%C3%BC", "/b/a b/ü", b"1")
    assert (request.service, request.region, request.headers["content-type"]) == ("s3", "eu-west-1", "text/csv")
    assert b"x" * SPOOL_OVER in long
    assert list(tmp_path.iterdir()) == []


def test_errors_are_boto3s_and_what_fails_is_one(tmp_path: Path) -> None:
    def refuse(request: Request) -> Answer:
        return error_answer(request, 404, "NoSuchKey", "not there")

    def fail(request: Request) -> Answer:
        raise OSError(28, "No space left on device")

    for handle, code in ((refuse, "NoSuchKey"), (fail, "InternalFailure")):
        with pytest.raises(ClientError, match=code):
            clients(handle, tmp_path)("s3", "us-east-1").get_object(Bucket="b", Key="k")
    with pytest.raises(ClientError, match="404"):
        clients(refuse, tmp_path)("s3", "us-east-1").head_object(Bucket="b", Key="k")


def test_a_body_says_where_it_lies_until_it_is_closed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    ends = list[str]()

    def handle(request: Request) -> Answer:
        pieces = (Piece(tmp_path / "f", 1, 3), *((b"more",) if "more" in request.path else ()))
        return Answer(payload=Payload(pieces=pieces, closing=lambda: ends.append("end")))

    s3 = clients(handle, tmp_path)("s3", "us-east-1")
    body = s3.get_object(Bucket="b", Key="k")["Body"]
    assert pieces_of(body) == (Piece(tmp_path / "f", 1, 3),)
    assert ends == []
    body.close()
    assert ends == ["end"]
    assert pieces_of(s3.get_object(Bucket="b", Key="more")["Body"]) == (), "not all of it is in files"
    assert pieces_of(io.BytesIO(b"1")) == ()
