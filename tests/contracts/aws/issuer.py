"""An issuer of tokens, as an identity provider has it: a discovery document, keys, and tokens that they sign."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    """`url` is its name; `token` makes tokens."""

    def __init__(self, url: str) -> None:
        self.url, self.key = url, generate_private_key(65537, 2048)

    def token(self, key: RSAPrivateKey | None = None, **claims: Any) -> str:
        """A token with these claims; another key than the issuer's signs a forged one."""
        head = part({"alg": "RS256", "kid": "one"})
        text = f"{head}.{part({'iss': self.url, **claims})}"
        return f"{text}.{part((key or self.key).sign(text.encode(), PKCS1v15(), SHA256()))}"

    def documents(self) -> dict[str, Any]:
        """What is where."""
        numbers = self.key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "kid": "one",
            "alg": "RS256",
            "e": part(b"\x01\x00\x01"),
            "n": part(numbers.n.to_bytes(256, "big")),
        }
        return {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": [key]},
        }


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer on this machine."""

    class Handler(BaseHTTPRequestHandler):
        """Answers with the issuer's documents."""

        def do_GET(self) -> None:
            """One of them."""
            document = issuer.documents().get(self.path)
            body = json.dumps(document).encode()
            self.send_response(200 if document else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
