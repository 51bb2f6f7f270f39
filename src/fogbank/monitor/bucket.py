"""A bucket of S3, read under the role of the job that reads: signed requests, pages of listings, what passes by itself waited for.

In: a job's environment; out: keys and files. The analyzer's image has no boto3. Sources: AWS SDKs Reference Guide, "Container credential
provider"; S3 API Reference, ListObjectsV2 and GetObject.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote_plus, urlencode, urlsplit

from fogbank.contracts.monitoring import S3_URL
from fogbank.ground.signature import Sent, sign
from fogbank.monitor.dataset import DatasetError

CONTAINERS = "http://169.254.170.2"
"""Where containers of AWS's ask for their role's credentials by a relative address."""
FRESH_S = 300
TRIES, PAUSE_S, TIMEOUT_S = 5, 0.2, 60.0
PASSING = frozenset({429, 500, 502, 503, 504})
Credentials = Mapping[str, str]


class Bucket:
    """One bucket, read under the job's role. Safe from several threads."""

    def __init__(self, env: Mapping[str, str], name: str) -> None:
        self._env, self._name = env, name
        self._url = (env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or env[S3_URL]).rstrip("/")
        self._credentials: tuple[float, Credentials] = (0.0, {})

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders below a prefix."""
        for page in self._pages(prefix, delimiter="/"):
            for group in re.findall(r"<CommonPrefixes>(.*?)</CommonPrefixes>", page, re.DOTALL):
                yield _texts(group, "Prefix")[0].removeprefix(prefix).rstrip("/")

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of the objects below a prefix."""
        for page in self._pages(prefix):
            yield from (key for key in _texts(page, "Key") if not key.endswith("/"))

    def download(self, key: str, place: Path) -> None:
        """An object, to a file."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self.read(key))

    def read(self, key: str) -> bytes:
        """An object's body. Raises DatasetError."""
        return self._get(f"/{self._name}/{quote(key, safe='/~')}", "")

    def _pages(self, prefix: str, **more: str) -> Iterator[str]:
        asked = {"list-type": "2", "encoding-type": "url", "prefix": prefix, **more}
        while True:
            page = self._get(f"/{self._name}", urlencode(sorted(asked.items()), quote_via=quote, safe="~")).decode()
            yield page
            following = re.search(r"<NextContinuationToken>(.*?)</NextContinuationToken>", page, re.DOTALL)
            if following is None:
                return
            asked["continuation-token"] = unescape(following[1])

    def _get(self, path: str, query: str) -> bytes:
        """What S3 answers; what passes by itself is waited for. Raises DatasetError."""
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_S * 2**attempt)
            try:
                return _read(self._signed(path, query))
            except urllib.error.HTTPError as error:
                reason = f"{error.code} {error.read(500).decode(errors='replace')}"
                if error.code not in PASSING:
                    break
            except (OSError, http.client.HTTPException) as error:
                reason = str(error)
        raise DatasetError(f"captured records in s3://{self._name} cannot be read: {reason}")

    def _signed(self, path: str, query: str) -> urllib.request.Request:
        held = self._held()
        headers = {"host": urlsplit(self._url).netloc}
        if held.get("Token"):
            headers["x-amz-security-token"] = held["Token"]
        sent = Sent(method="GET", path=path, query=query, headers=headers)
        key = (held["AccessKeyId"], held["SecretAccessKey"])
        signed = sign(sent, key, b"", self._env["AWS_REGION"], "s3", time.time())
        return urllib.request.Request(f"{self._url}{path}" + (f"?{query}" if query else ""), headers=signed)  # noqa: S310 - S3's address

    def _held(self) -> Credentials:
        """The role's credentials, asked for again before they end."""
        until, held = self._credentials
        if until < time.time():
            held = json.loads(_read(_credentials_request(self._env)))
            until = datetime.fromisoformat(held["Expiration"]).timestamp() - FRESH_S
            self._credentials = until, held
        return held


def _credentials_request(env: Mapping[str, str]) -> urllib.request.Request:
    """Where a container's role has its credentials. Raises DatasetError where there is none."""
    relative = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    url = f"{CONTAINERS}{relative}" if relative else env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    if not url:
        raise DatasetError(
            "the job has no role's credentials: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor ..._FULL_URI is set"
        )
    token = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    return urllib.request.Request(url, headers={"Authorization": token} if token else {})  # noqa: S310 - the platform's own address


def _read(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
        body: bytes = answer.read()
    return body


def _texts(page: str, name: str) -> list[str]:
    """The texts of elements of a listing, which are URL-encoded: no other sign of XML is in them."""
    return [unquote_plus(text) for text in re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)]
