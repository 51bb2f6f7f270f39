"""The whole life of a request, on one screen: guard, ours, moto, loud error.

In: WSGI; out: WSGI. Nothing here knows a resource.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlparse
from wsgiref.types import StartResponse

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY
from werkzeug.http import HTTP_STATUS_CODES

from fogbank.cloud.admin import Admin
from fogbank.cloud.api.control import ControlPlane
from fogbank.cloud.api.errors import NotOursError
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.hosting.runtime import Runtime
from fogbank.cloud.moto.gateway import MotoGateway

log = logging.getLogger("fogbank.cloud")
LOOPBACK = re.compile(r"(127(\.\d+){3}|localhost|\[::1\]|(?P<bucket>[a-z0-9.-]+)\.localhost)(:\d+)?", re.IGNORECASE)
CLOUDWATCH_READS = ("GetMetric", "ListMetrics")


class Front:
    """The WSGI application on the cloud's one port."""

    def __init__(
        self,
        admin: Admin,
        runtime: Runtime,
        control: ControlPlane,
        moto: MotoGateway,
        before_metrics: Callable[[], None],
    ) -> None:
        self._admin, self._runtime, self._control, self._moto, self._before_metrics = (
            admin,
            runtime,
            control,
            moto,
            before_metrics,
        )

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = read_request(environ)
        try:
            answer = self.handle(request)
        except Exception as error:  # a full disk, a bug: the caller gets an AWS error, the log the traceback
            log.exception("%s %s", request.method, request.path)
            answer = error_answer(
                request, 500, "InternalFailure", f"the local cloud failed: {error!r}; see `fogbank cloud logs`"
            )
        phrase = HTTP_STATUS_CODES.get(answer.status, "Unknown")
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in {"connection", "transfer-encoding"}
        }
        if not any(name.lower() == "content-length" for name in headers):
            headers["Content-Length"] = str(len(answer.body))
        start_response(f"{answer.status} {phrase}", list(headers.items()))
        return [] if request.method == "HEAD" else [answer.body]

    def handle(self, request: Request) -> Answer:
        """Guard, ours first, moto second."""
        refusal = guard(request)
        if refusal:
            return refusal
        request = path_style(request)
        if self._admin.takes(request):
            return self._admin.handle(request)
        if self._runtime.takes(request) and request.service in {"sagemaker", ""}:
            return self._runtime.handle(request)
        target = request.headers.get("x-amz-target", "")
        if target.startswith("SageMaker.") and self._control.has(target.removeprefix("SageMaker.")):
            with contextlib.suppress(NotOursError):
                return self._control.handle(request)
        if request.service == "monitoring" and _reads_metrics(request):
            self._before_metrics()
        return self._moto.handle(request)


def _reads_metrics(request: Request) -> bool:
    said = (
        request.headers.get("x-amz-target", "").rpartition(".")[2]
        or request.path.rpartition("/")[2]
        or request.body[:200].decode(errors="replace")
    )
    return any(name in said for name in CLOUDWATCH_READS)


def guard(request: Request) -> Answer | None:
    """Refuse what does not come from this machine: a foreign Host (DNS rebinding) or a foreign Origin (a web page)."""
    if not LOOPBACK.fullmatch(request.headers.get("host", "")):
        return error_answer(
            request, 403, "AccessDenied", "the local cloud answers on loopback names only (127.0.0.1, localhost)"
        )
    origin = request.headers.get("origin")
    if origin is not None and not LOOPBACK.fullmatch(urlparse(origin).netloc):
        return error_answer(request, 403, "AccessDenied", f"the local cloud does not answer pages of {origin}")
    return None


def path_style(request: Request) -> Request:
    """`bucket.localhost/key` as `localhost/bucket/key`: boto3 addresses buckets so when the endpoint is called localhost."""
    match = LOOPBACK.fullmatch(request.headers["host"])
    if match is None or not match["bucket"] or request.service not in {"s3", ""}:
        return request
    host = "localhost" + (match[4] or "")
    return Request(
        method=request.method,
        path=f"/{match['bucket']}{request.path}",
        query=request.query,
        headers={**request.headers, "host": host},
        body=request.body,
    )


def read_request(environ: dict[str, Any]) -> Request:
    """A Request from a WSGI environment, body and all."""
    preserved = environ.get(PRESERVED_HEADER_NAMES_ENVIRON_KEY, {})  # S3 metadata keys keep their underscores
    headers = {
        preserved.get(key, key[5:].replace("_", "-")).lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.replace("_", "-").lower()] = environ[key]
    length = headers.get("content-length")
    body = (
        environ["wsgi.input"].read(int(length))
        if length
        else environ["wsgi.input"].read()
        if environ.get("wsgi.input_terminated")
        else b""
    )
    path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
    return Request(
        method=environ["REQUEST_METHOD"], path=path, query=environ.get("QUERY_STRING", ""), headers=headers, body=body
    )
