"""Whatever an address gives, and however it is written, ends in an error of its own, without the password that is in it."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fogbank.contracts.dependencies import Origin
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import sha256_bytes
from fogbank.pack.fetching import fetched


class Server(BaseHTTPRequestHandler):
    """One that ends in the middle of what it gives, and lets in who has a name."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        if self.headers.get("Authorization") == f"Basic {base64.b64encode(b'me:p@ss').decode()}":
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"whole")
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"10\r\nshort")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        return


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def origin(place: str, data: bytes = b"") -> Origin:
    return Origin(kind="archive", place=place, pinned=sha256_bytes(data))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{}/a%2Fb.tar.gz",
        "http://127.0.0.1:{}/cut.tar.gz",
        "https://me:hidden@127.0.0.1:1/a.tar.gz",
        "https://me:hidden@127.0.0.1:port/a.tar.gz",
        "https://me:hidden@/a.tar.gz",
        "http://me:hidden@[::1/a.tar.gz",
        "http://127.0.0.1:{}/a b.tar.gz",
    ],
)
def test_an_address_that_gives_nothing_is_an_error_without_its_password(
    tmp_path: Path, port: int, address: str
) -> None:
    with pytest.raises(PackageError) as caught:
        fetched("a", origin(address.format(port)), tmp_path)
    assert caught.value.code == "source-unreachable"
    assert "hidden" not in caught.value.cause


def test_a_repositorys_password_is_not_told(tmp_path: Path) -> None:
    place = Origin(kind="git", place="http://me:hidden@127.0.0.1:1/a.git", pinned="c" * 40)
    with pytest.raises(PackageError) as caught:
        fetched("a", place, tmp_path)
    assert (caught.value.code, "hidden" in caught.value.cause) == ("source-unreachable", False)


def test_the_name_and_password_of_an_address_are_said_to_its_server(tmp_path: Path, port: int) -> None:
    file = fetched("a", origin(f"http://me:p%40ss@127.0.0.1:{port}/a-1-py3-none-any.whl", b"whole"), tmp_path)
    assert file.read_bytes() == b"whole"


def encrypted() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/setup.py", "")
    data = bytearray(file.getvalue())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def damaged() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/setup.py", "x" * 1000)
    return file.getvalue().replace(file.getvalue()[40:46], b"\xff" * 6, 1)


@pytest.mark.parametrize("data", [encrypted(), damaged(), b"", b"no archive"])
def test_an_archive_that_cannot_be_read_is_an_error(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(data)
    with pytest.raises(PackageError) as caught:
        fetched("a", origin(str(file), data), tmp_path / "work")
    assert caught.value.code == "source-unreadable"
