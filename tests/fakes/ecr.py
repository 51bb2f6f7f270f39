"""A registry that behaves as Amazon ECR is documented, and known, to behave where it differs from the distribution specification.

- Authorization is Basic with user AWS and a token; a token that has ended is 403 "Your authorization token has expired"
  (aws/aws-cli#2351), none at all 401.
- A PATCH is answered 201, not 202, and its Range stands still after the first piece (dotnet/sdk-container-builds#279,
  aws/containers-roadmap#2831); pieces but the last have at least 5 MiB and come one after another (ECR API UploadLayerPart).
- An upload cannot be asked how far it came: 404 (dotnet/sdk#33019). There is no mounting from other repositories.
- Tags may be immutable (ECR API PutImage: ImageTagAlreadyExistsException). A manifest names layers that are there.
- A push to a repository that does not exist ends the connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LEAST_PART = 5 << 20
PATH = re.compile(r"/v2/(?P<name>[a-z0-9/._-]+)/(?P<what>blobs/uploads|blobs|manifests)/(?P<of>[^/?]*)")


@dataclass
class EcrState:
    """What the registry holds, and what it is to do. `tokens` are those that are good now; `ended` those that were."""

    repositories: set[str]
    tokens: set[str] = field(default_factory=lambda: {"token-1"})
    ended: set[str] = field(default_factory=set)
    immutable: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    busy: int = 0
    """How many of the next requests are answered 429."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end_tokens(self, fresh: str) -> None:
        """Twelve hours pass: the tokens end, and a fresh one is good."""
        with self.lock:
            self.ended |= self.tokens
            self.tokens = {fresh}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: EcrState

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.state.lock:
            self.state.requests.append(f"{self.command} {self.path}")
            if self.state.busy:
                self.state.busy -= 1
                self._answer(429, b"{}", {"Retry-After": "0"})
                return
            if not self._authorized():
                return
            match = PATH.match(urlsplit(self.path).path)
            if match is None:
                self._answer(404, b"{}")
            elif match["name"] not in self.state.repositories:
                self._unknown_repository()
            elif match["what"] == "manifests":
                self._manifest(match["of"], body)
            elif match["what"] == "blobs":
                self._blob(match["of"])
            else:
                self._upload(match["name"], match["of"], body)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = _handle  # noqa: N815 - the library's names

    def _authorized(self) -> bool:
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        user, _, token = base64.b64decode(given).decode().partition(":") if scheme == "Basic" else ("", "", "")
        if user == "AWS" and token in self.state.tokens:
            return True
        if token in self.state.ended:
            message = b'{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}'
            self._answer(403, message)
        else:
            self._answer(
                401, b"Not Authorized", {"Www-Authenticate": 'Basic realm="https://ecr/",service="ecr.amazonaws.com"'}
            )
        return False

    def _unknown_repository(self) -> None:
        if self.command in {"GET", "HEAD"}:
            self._answer(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"The repository does not exist"}]}')
        else:
            self.close_connection = True

    def _manifest(self, of: str, body: bytes) -> None:
        manifests = self.state.manifests
        if self.command == "PUT":
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            document = json.loads(body)
            named = [document["config"]["digest"], *(layer["digest"] for layer in document["layers"])]
            if missing := [name for name in named if name not in self.state.blobs]:
                self._error(
                    400,
                    "MANIFEST_BLOB_UNKNOWN",
                    f"Layers with digests {missing} required for pushing image do not exist",
                )
                return
            if self.state.immutable and of in manifests and manifests[of][1] != body:
                self._error(
                    400,
                    "TAG_INVALID",
                    f"The image tag '{of}' already exists and cannot be overwritten because the tag is immutable.",
                )
                return
            manifests[of] = manifests[digest] = (self.headers["Content-Type"], body)
            self._answer(201, b"", {"Docker-Content-Digest": digest})
        elif of in manifests:
            kind, data = manifests[of]
            self._answer(
                200, data, {"Content-Type": kind, "Docker-Content-Digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}
            )
        else:
            self._error(404, "MANIFEST_UNKNOWN", "Requested image not found")

    def _blob(self, digest: str) -> None:
        data = self.state.blobs.get(digest)
        if data is None:
            self._error(404, "BLOB_UNKNOWN", "layer does not exist")
        else:
            self._answer(200, data, {"Docker-Content-Digest": digest})

    def _upload(self, name: str, of: str, body: bytes) -> None:
        if self.command == "POST":  # `mount` and `from` are not looked at
            number = f"{len(self.state.requests)}"
            self.state.uploads[number] = bytearray()
            self._answer(202, b"", {"Location": f"/v2/{name}/blobs/uploads/{number}", "Range": "0-0"})
            return
        held = self.state.uploads.get(of)
        if held is None or self.command == "GET":
            self._error(404, "BLOB_UPLOAD_UNKNOWN", "upload does not exist")
        elif self.command == "PATCH":
            self._part(held, name, of, body)
        else:
            self._complete(of, body)

    def _part(self, held: bytearray, name: str, of: str, body: bytes) -> None:
        start = int(self.headers["Content-Range"].partition("-")[0])
        if start != len(held):
            self._error(416, "BLOB_UPLOAD_INVALID", "parts come one after another")
        elif held and len(held) % LEAST_PART and len(held) < LEAST_PART:
            self._error(400, "BLOB_UPLOAD_INVALID", "a part that is not the last has at least 5 MiB")
        else:
            first = not held
            held.extend(body)
            end = len(body) - 1 if first else LEAST_PART - 1  # it stands still after the first piece
            self._answer(201, b"", {"Location": f"/v2/{name}/blobs/uploads/{of}", "Range": f"0-{end}"})

    def _complete(self, of: str, body: bytes) -> None:
        data = bytes(self.state.uploads.pop(of)) + body
        wanted = parse_qs(urlsplit(self.path).query)["digest"][0]
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != wanted:
            self._error(400, "DIGEST_INVALID", "the digest is another")
            return
        self.state.blobs[wanted] = data
        self._answer(201, b"", {"Docker-Content-Digest": wanted})

    def _error(self, status: int, code: str, message: str) -> None:
        self._answer(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode())

    def _answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@contextmanager
def ecr(*repositories: str) -> Iterator[tuple[str, EcrState]]:
    """A registry on this machine: its address, and its state to look at and to change."""
    state = EcrState(repositories=set(repositories))
    handler: Any = type("Handler", (_Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", state
        finally:
            server.shutdown()
            thread.join()


class EcrClient:
    """boto3's ECR client, as far as a login asks it: each token that it gives is the one that is good now."""

    def __init__(self, state: EcrState) -> None:
        self._state = state
        self.calls = 0

    def get_authorization_token(self, registryIds: list[str]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """A token of the account."""
        self.calls += 1
        token = base64.b64encode(f"AWS:{max(self._state.tokens)}".encode()).decode()
        return {"authorizationData": [{"authorizationToken": token, "proxyEndpoint": f"https://{registryIds[0]}"}]}
