"""Requests to AWS's services under the role of the job that makes them: signed, and what passes by itself waited for.

In: a job's environment; out: what a service answers. The analyzer's image has no boto3. Source: AWS SDKs Reference Guide, "Container
credential provider".
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from fogbank.ground.signature import Sent, sign
from fogbank.monitor.dataset import DatasetError

CONTAINERS = "http://169.254.170.2"
"""Where containers of AWS's ask for their role's credentials by a relative address."""
FRESH_S = 300
TRIES, PAUSE_S, TIMEOUT_S = 5, 0.2, 60.0
PASSING = frozenset({429, 500, 502, 503, 504})
Credentials = Mapping[str, str]


class RefusedError(Exception):
    """A service does not do what it is asked, with its words."""


class Role:
    """A job's role at one service, whose address the environment has under the name `address`. Safe from several threads."""

    def __init__(self, env: Mapping[str, str], service: str, address: str) -> None:
        self._env, self._service = env, service
        own = f"AWS_ENDPOINT_URL_{'CLOUDWATCH' if service == 'monitoring' else service.upper()}"
        self._url = (env.get(own) or env.get("AWS_ENDPOINT_URL") or env[address]).rstrip("/")
        self._credentials: tuple[float, Credentials] = (0.0, {})

    def get(self, path: str, query: str) -> bytes:
        """What a GET is answered. Raises RefusedError; DatasetError for a job without a role."""
        return self._asked(Sent(method="GET", path=path, query=query, headers={}), b"")

    def post(self, form: str) -> bytes:
        """What a form is answered. Raises RefusedError; DatasetError for a job without a role."""
        kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self._asked(Sent(method="POST", path="/", query="", headers=kind), form.encode())

    def _asked(self, sent: Sent, body: bytes) -> bytes:
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_S * 2**attempt)
            try:
                return _read(self._signed(sent, body))
            except urllib.error.HTTPError as error:
                reason = f"{error.code} {error.read(500).decode(errors='replace')}"
                if error.code not in PASSING:
                    break
            except (OSError, http.client.HTTPException) as error:
                reason = str(error)
        raise RefusedError(reason)

    def _signed(self, sent: Sent, body: bytes) -> urllib.request.Request:
        held = self._held()
        headers = {**sent.headers, "host": urlsplit(self._url).netloc}
        if held.get("Token"):
            headers["x-amz-security-token"] = held["Token"]
        whole = Sent(method=sent.method, path=sent.path, query=sent.query, headers=headers)
        key = (held["AccessKeyId"], held["SecretAccessKey"])
        signed = sign(whole, key, body, self._env["AWS_REGION"], self._service, time.time())
        url = f"{self._url}{sent.path}" + (f"?{sent.query}" if sent.query else "")
        return urllib.request.Request(url, data=body or None, headers=signed, method=sent.method)  # noqa: S310 - a service's address

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
