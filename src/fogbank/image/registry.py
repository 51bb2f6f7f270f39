"""A client of the OCI distribution API (distribution-spec v1.1): blobs, manifests, uploads in pieces, tokens.

In: a registry's host and credentials; out: bytes whose digest was checked, or RegistryError with the registry's own words.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from fogbank.contracts.errors import RegistryError
from fogbank.ground.digest import CHUNK
from fogbank.image.credentials import Login, Logins
from fogbank.image.layout import DOCKER_LIST, DOCKER_MANIFEST, INDEX, MANIFEST, Descriptor
from fogbank.image.reference import Reference

ACCEPT = f"{MANIFEST}, {INDEX}, {DOCKER_MANIFEST}, {DOCKER_LIST}"
TRIES = urllib3.Retry(total=4, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), allowed_methods={"GET", "HEAD"},
                      raise_on_status=False, redirect=5, respect_retry_after_header=False)  # fmt: skip
TIMEOUT = urllib3.Timeout(connect=10, read=120)
MANIFEST_LIMIT = 8 << 20
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PAUSES_S = (0.3, 0.6, 1.2, 2.4)
"""Between tries of a request that changes something, where the registry says that it is too busy."""
PAUSE_LIMIT_S = 30.0
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A manifest's bytes and what names them."""

    descriptor: Descriptor
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer that is here as a whole."""

    status: int
    reason: str
    headers: Mapping[str, str]
    data: bytes

    def drain_conn(self) -> None:
        """Nothing is left of it."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload that has begun: where to send the rest, how much the registry has, and the least piece that it takes."""

    location: str
    offset: int
    least: int = 0


class Registry:
    """One repository of a registry. `logins` are tried in turn as they are refused; plain HTTP is for this machine alone."""

    def __init__(self, reference: Reference, logins: Logins | None = None) -> None:
        self.reference = reference
        self._logins = logins or Logins(())
        self._login: Login | None = None
        self._root = f"{'http' if reference.local else 'https'}://{reference.address}"
        self._pool = urllib3.PoolManager(retries=TRIES, timeout=TIMEOUT, maxsize=4)
        self._lock = threading.Lock()
        self._authorization: str | None = None
        self._worked: str | None = None

    def manifest(self, name: str) -> Fetched:
        """The manifest of a tag or a digest. Raises RegistryError (`image-missing`, `digest-mismatch`, ...)."""
        answer = self._send("GET", f"manifests/{name}", headers={"Accept": ACCEPT})
        if answer.status == 404:
            raise RegistryError("image-missing", f"{self.reference} is not there", "look at its name and its tag")
        self._expect(answer, 200)
        data = answer.data
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if name.startswith("sha256:") and digest != name:
            raise _corrupt(name, digest)
        kind = answer.headers.get("content-type", "").partition(";")[0] or self._parsed(data).get("mediaType", MANIFEST)
        return Fetched(descriptor=Descriptor(media_type=kind, digest=digest, size=len(data)), data=data)

    def require_repository(self) -> None:
        """Raises RegistryError (`repository-missing`) where ECR has no such repository: a push to one ends its connection."""
        answer = self._send("GET", f"manifests/{self.reference.manifest_name}", headers={"Accept": ACCEPT})
        if answer.status == 404 and b"NAME_UNKNOWN" in answer.data and self.reference.ecr:
            name, region = self.reference.name, self.reference.ecr[1]
            raise RegistryError(
                "repository-missing",
                f"{self.reference.host} has no repository {name}",
                f"declare an aws.ecr.Repository, or `aws ecr create-repository --repository-name {name} --region {region}`",
            )

    def _parsed(self, data: bytes) -> dict[str, Any]:
        """A JSON object of the registry's. Raises RegistryError (`registry-malformed`)."""
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise malformed(self.reference, error) from error
        if not isinstance(document, dict):
            raise malformed(self.reference, f"an object is expected, not {str(document)[:60]}")
        return document

    def digest_of(self, name: str) -> str:
        """The digest of the manifest that a tag or a digest names; empty where there is none. Raises RegistryError."""
        try:
            return self.manifest(name).descriptor.digest
        except RegistryError as error:
            if error.code == "image-missing":
                return ""
            raise

    def put_manifest(self, name: str, data: bytes, media_type: str) -> bool:
        """Write a manifest under a tag or its digest; whether the registry keeps the list of what refers to its subject.

        Raises RegistryError (`tag-immutable` where a tag may not be moved).
        """
        answer = self._send("PUT", f"manifests/{name}", body=data, headers={"Content-Type": media_type})
        if answer.status == 400 and b"immutable" in answer.data:
            raise RegistryError(
                "tag-immutable",
                f"{self.reference.host}/{self.reference.name} has another image under the tag {name}, and its tags are immutable",
                "push under another tag, or without one: the image is used by its digest",
            )
        self._expect(answer, 201)
        return "oci-subject" in answer.headers

    def put_blob(self, data: bytes, digest: str) -> None:
        """Write a small blob, where it is not there. Raises RegistryError."""
        if not self.has_blob(digest):
            upload = self.send_piece(self.begin_upload(), data)
            if upload is None:
                raise RegistryError(
                    "registry-refused", f"{self.reference.host} does not take {digest}", "try again later"
                )
            self.end_upload(upload, digest)

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has the blob. Raises RegistryError."""
        answer = self._send("HEAD", f"blobs/{digest}")
        if answer.status == 404:
            return False
        self._expect(answer, 200)
        return True

    def blob(self, digest: str, start: int = 0) -> Iterator[bytes]:
        """A blob's bytes from `start` on; the caller checks the digest of the whole. Raises RegistryError."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        answer = self._send("GET", f"blobs/{digest}", headers=headers, preload=False)
        try:
            self._expect(answer, 200, 206)
            if start and answer.status == 200:
                for piece in answer.stream(CHUNK):  # the registry gives no parts: what is there already is read past
                    start -= len(piece)
                    if start < 0:
                        yield piece[start:]
                        break
            yield from answer.stream(CHUNK)
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(self.reference, error) from error
        finally:
            answer.close()  # whoever stops in the middle leaves no half-read connection to the next

    def begin_upload(self) -> Upload:
        """Begin to upload a blob. Raises RegistryError."""
        answer = self._send("POST", "blobs/uploads/", headers={"Content-Length": "0"})
        self._expect(answer, 202)
        return self._upload(answer, 0)

    def upload_status(self, location: str) -> Upload | None:
        """How far an upload came; None where the registry has given it up."""
        answer = self._send("GET", location)
        return self._upload(answer, _offset(answer)) if answer.status == 204 else None

    def send_piece(self, upload: Upload, piece: bytes) -> Upload | None:
        """Send the next piece; None where the registry is at another place than we are. Raises RegistryError."""
        end = upload.offset + len(piece) - 1
        headers = {"Content-Type": "application/octet-stream", "Content-Range": f"{upload.offset}-{end}"}
        answer = self._send("PATCH", upload.location, body=piece, headers=headers)
        if answer.status in {404, 416} or answer.status >= 500:
            return None
        self._expect(
            answer, 202, 201, 204
        )  # the specification's; ECR's (dotnet/sdk-container-builds#279); some proxies'
        return self._upload(answer, upload.offset + len(piece))

    def end_upload(self, upload: Upload, digest: str) -> None:
        """Close an upload: the registry checks the digest. Raises RegistryError (`digest-mismatch` if it is another)."""
        joint = "&" if urlsplit(upload.location).query else "?"
        answer = self._send(
            "PUT", f"{upload.location}{joint}{urlencode({'digest': digest})}", headers={"Content-Length": "0"}
        )
        if answer.status == 400 and b"DIGEST_INVALID" in answer.data:
            raise _corrupt(digest, "other bytes")
        self._expect(answer, 201)

    def _upload(self, answer: Any, offset: int) -> Upload:
        location = urljoin(f"{self._root}/v2/", answer.headers["location"]) if "location" in answer.headers else ""
        if location:
            refuse_plain(self.reference, location)
        least = answer.headers.get("oci-chunk-min-length", "0")
        return Upload(location=location, offset=offset, least=int(least) if least.isdecimal() else 0)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        preload: bool = True,
    ) -> Any:
        url = path if "://" in path else f"{self._root}/v2/{self.reference.name}/{path}"
        while True:
            used = self._authorization
            answer = self._patient(method, url, body, headers, preload)
            if answer.status != 401 and not (answer.status == 403 and self.reference.ecr):
                self._worked = used
                return answer
            challenge = answer.headers.get("www-authenticate", "")
            answer.drain_conn()
            with self._lock:  # of several blobs at once, the first that is refused logs in for all
                if self._authorization is used:
                    self._log_in(challenge)

    def _patient(self, method: str, url: str, body: bytes, headers: Mapping[str, str] | None, preload: bool) -> Any:
        """The answer; a registry that is too busy is asked again, but for a piece, whose fate is not known after a 5xx."""
        for pause in (*PAUSES_S, None):
            answer = self._once(method, url, body, headers, preload)
            busy = answer.status == 429 or (answer.status == 503 and method != "PATCH")
            if pause is None or not busy or method in {"GET", "HEAD"}:
                break
            answer.drain_conn()
            time.sleep(_asked_pause(answer) or pause)
        return answer

    def _log_in(self, challenge: str) -> None:
        """Answer a refusal: a token that was good is renewed, else the next login is tried. Raises RegistryError.

        Where tokens are given out, who has no login asks for one as nobody. ECR refuses a token that has ended by 403, not 401
        (aws/aws-cli#2351), and says so in a body that a HEAD has not.
        """
        bearer = challenge.lower().startswith("bearer")
        renewed = bearer and self._authorization is not None and self._worked is self._authorization
        if not renewed:
            login = self._logins.next()
            if login is None and not (bearer and self._authorization is None):
                raise self._login_failed()
            self._login = login
        self._authorization = self._authorize(challenge or "Basic")

    def _once(self, method: str, url: str, body: bytes, headers: Mapping[str, str] | None, preload: bool) -> Any:
        given = dict(headers or {})
        if self._authorization and urlsplit(url).netloc == urlsplit(self._root).netloc:
            given["Authorization"] = self._authorization  # an upload elsewhere (S3 behind ECR) has its own signature
        return self._asked(method, url, body, given, preload)

    def _asked(self, method: str, url: str, body: bytes, headers: Mapping[str, str], preload: bool) -> Any:
        """What a server answers; a body that is to be here at once is read up to MANIFEST_LIMIT and no further. Raises RegistryError."""
        try:
            answer = self._pool.request(method, url, body=body or None, headers=headers, preload_content=False)
            if not preload:
                return answer
            data = answer.read(MANIFEST_LIMIT + 1)
            if len(data) > MANIFEST_LIMIT:
                answer.close()
                raise malformed(self.reference, f"more than {MANIFEST_LIMIT} bytes")
            answer.drain_conn()
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(self.reference, error) from error
        return Answered(status=answer.status, reason=answer.reason or "", headers=answer.headers, data=data)

    def _authorize(self, challenge: str) -> str:
        """What a 401 asks for (RFC 9110 section 11; distribution's token authentication). Raises RegistryError."""
        scheme, _, rest = challenge.partition(" ")
        asked = dict(CHALLENGE.findall(rest))
        basic = urllib3.make_headers(basic_auth=":".join(self._login))["authorization"] if self._login else None
        if scheme.lower() == "basic" and basic:
            return basic
        if scheme.lower() == "bearer" and "realm" in asked:
            scope = asked.get("scope") or f"repository:{self.reference.name}:pull,push"
            query = urlencode(
                {key: value for key, value in (("service", asked.get("service")), ("scope", scope)) if value}
            )
            refuse_plain(self.reference, asked["realm"])
            given = {"Authorization": basic} if basic else {}
            answer = self._asked("GET", f"{asked['realm']}?{query}", b"", given, preload=True)
            if answer.status == 200:
                granted = self._parsed(answer.data)
                return f"Bearer {granted.get('token') or granted.get('access_token')}"
        raise self._login_failed()

    def _login_failed(self) -> RegistryError:
        host = self.reference.host
        ways = f"`docker login {host}` or `podman login {host}`"
        if self.reference.ecr is not None:
            ways = "look at your AWS credentials (`aws sts get-caller-identity`) and their rights in the repository"
        return RegistryError(
            "registry-login-failed",
            f"{host} does not let us at {self.reference.name}",
            ways if self.reference.ecr else f"log in first: {ways}",
        )

    def _expect(self, answer: Any, *statuses: int) -> None:
        if answer.status not in statuses:
            body = answer.data.decode(errors="replace")[:300] if answer.data else ""
            raise RegistryError(
                "registry-refused",
                f"{self.reference.host} answered {answer.status} about {self.reference.name}: {body or answer.reason}",
                "look at the repository's name and your rights in it"
                if answer.status in {401, 403, 404}
                else "try again; what has arrived is not sent twice",
            )


def _asked_pause(answer: Any) -> float:
    seconds = answer.headers.get("retry-after", "")
    return min(float(seconds), PAUSE_LIMIT_S) if seconds.isdecimal() else 0.0


def _offset(answer: Any) -> int:
    last = answer.headers.get("range", "").rpartition("-")[2]
    return int(last) + 1 if last.isdecimal() and last != "0" else 0


def _corrupt(expected: str, actual: str) -> RegistryError:
    return RegistryError(
        "digest-mismatch",
        f"the bytes are not those of {expected}: found {actual}",
        "try again; if it stays, the registry's copy is damaged: nothing of it was kept",
    )


def refuse_plain(reference: Reference, url: str) -> None:
    """A password, and a blob, go over plain HTTP from this machine to itself alone. Raises RegistryError (`registry-insecure`)."""
    parts = urlsplit(url)
    loopback = reference.local and parts.hostname in LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise RegistryError(
            "registry-insecure",
            f"{reference.host} sends us to {parts.scheme}://{parts.hostname}, where everybody could listen",
            "use a registry with TLS",
        )


def malformed(reference: Reference, reason: object) -> RegistryError:
    """A registry that answers what is no registry's answer."""
    return RegistryError(
        "registry-malformed",
        f"{reference.host} gave about {reference.name} what no registry gives: {reason}",
        "look whether the address is a registry's, and not a page's or a proxy's",
    )


def _unreachable(reference: Reference, error: Exception) -> RegistryError:
    return RegistryError(
        "registry-unreachable",
        f"{reference.host} cannot be reached: {getattr(error, 'reason', error)}",
        "look at the network and the name; `fogbank base` makes a base without a registry",
    )
