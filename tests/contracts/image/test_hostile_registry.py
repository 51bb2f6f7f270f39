"""A registry that means harm, or is none: nothing is written outside of the layout, nothing grows, every answer is an error by name."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.errors import RegistryError
from fogbank.ground.ports import free_port
from fogbank.image import Layout, Logins, Registry, parse_reference, pull
from fogbank.image.layout import CONFIG, INDEX, LAYER, MANIFEST
from fogbank.image.registry import refuse_plain
from tests.fakes.ecr import EcrState, ecr

CONFIG_BLOB = b'{"os":"linux","architecture":"amd64"}'


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def manifest(**layer: Any) -> dict[str, Any]:
    config = {"mediaType": CONFIG, "digest": sha256(CONFIG_BLOB), "size": len(CONFIG_BLOB)}
    return {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [{"mediaType": LAYER, **layer}]}


def pulled(state: EcrState, address: str, body: bytes, folder: Path, kind: str = MANIFEST) -> RegistryError:
    """What is said of an image whose manifest is `body`."""
    state.blobs[sha256(CONFIG_BLOB)] = CONFIG_BLOB
    state.manifests["1"] = (kind, body)
    registry = Registry(parse_reference(f"{address}/churn:1"), Logins([("AWS", "token-1")]))
    with pytest.raises(RegistryError) as refusal:
        pull(registry, Layout(folder), "linux/amd64")
    return refusal.value


@pytest.mark.parametrize(
    "digest",
    ["sha256:../../../../mine", "sha256:" + "A" * 64, "sha512:" + "0" * 128, "../mine", "", "sha256:" + "0" * 63, 5],
)
def test_a_digest_is_no_path(tmp_path: Path, digest: object) -> None:
    (tmp_path / "mine.part").write_text("mine")
    with ecr("churn") as (address, state):
        refusal = pulled(state, address, json.dumps(manifest(digest=digest, size=5)).encode(), tmp_path / "a/b/layout")

    assert refusal.code == "registry-malformed"
    assert (tmp_path / "mine.part").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.part"]


def test_a_layer_that_is_longer_than_was_said_stops_at_its_size(tmp_path: Path) -> None:
    data = bytes(40 << 20)
    with ecr("churn") as (address, state):
        state.blobs[sha256(data)] = data
        body = json.dumps(manifest(digest=sha256(data), size=5)).encode()
        refusal = pulled(state, address, body, tmp_path)

    assert refusal.code == "digest-mismatch"
    assert list(tmp_path.rglob("*.part")) == []


def test_a_blob_that_lies_there_under_a_name_that_is_not_its_own_is_fetched_again(tmp_path: Path) -> None:
    data = b"layer"
    layout = Layout(tmp_path)
    place = layout.blob(sha256(data))
    place.parent.mkdir(parents=True)
    place.write_bytes(b"other")
    with ecr("churn") as (address, state):
        state.blobs |= {sha256(data): data, sha256(CONFIG_BLOB): CONFIG_BLOB}
        state.manifests["1"] = (MANIFEST, json.dumps(manifest(digest=sha256(data), size=len(data))).encode())
        pull(Registry(parse_reference(f"{address}/churn:1"), Logins([("AWS", "token-1")])), layout, "linux/amd64")

    assert place.read_bytes() == data


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MANIFEST, b"<html>"),
        (MANIFEST, b"[]"),
        (MANIFEST, b"null"),
        (MANIFEST, b"{}"),
        (MANIFEST, b"[" * 100_000),
        (MANIFEST, b'{"config": 5, "layers": []}'),
        (MANIFEST, b'{"config": {"mediaType": "x", "digest": "y", "size": "z"}, "layers": []}'),
        (INDEX, b"{}"),
        (INDEX, b'{"manifests": [5]}'),
        (INDEX, b'{"manifests": [{"mediaType": "' + MANIFEST.encode() + b'", "platform": {"os": "linux", "architecture": "amd64"}}]}'),
        ("", b"not json"),
        (MANIFEST, b'{"x": "' + b" " * (9 << 20) + b'"}'),
    ],
)  # fmt: skip
def test_what_is_no_registrys_answer_is_an_error_by_name(tmp_path: Path, kind: str, body: bytes) -> None:
    with ecr("churn") as (address, state):
        refusal = pulled(state, address, body, tmp_path, kind)

    assert (refusal.code, refusal.exit_code) == ("registry-malformed", 9)


@pytest.mark.parametrize("url", ["http://registry.example/token", "http://169.254.169.254/", "file:///etc/passwd"])
def test_a_password_goes_to_no_place_where_others_could_listen(url: str) -> None:
    with pytest.raises(RegistryError) as refusal:
        refuse_plain(parse_reference("127.0.0.1:5000/churn:1"), url)

    assert refusal.value.code == "registry-insecure"


def test_loopback_may_be_plain_for_a_registry_of_this_machine_alone() -> None:
    refuse_plain(parse_reference("127.0.0.1:5000/churn:1"), "http://localhost:5001/token")
    refuse_plain(parse_reference("registry.example/churn:1"), "https://auth.example/token")
    with pytest.raises(RegistryError):
        refuse_plain(parse_reference("registry.example/churn:1"), "http://127.0.0.1/token")


class Elsewhere(BaseHTTPRequestHandler):
    """A registry that gives tokens at a place where nobody is."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", f'Bearer realm="http://127.0.0.1:{free_port()}/token",service="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_place_for_tokens_where_nobody_is_is_an_error_by_name() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        registry = Registry(parse_reference(f"127.0.0.1:{server.server_port}/churn:1"), Logins([("me", "password")]))
        with pytest.raises(RegistryError) as refusal:
            registry.manifest("1")
        server.shutdown()

    assert refusal.value.code == "registry-unreachable"
