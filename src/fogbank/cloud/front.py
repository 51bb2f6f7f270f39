"""The whole life of a request, on one screen: guard, ours, moto, loud error.

In: WSGI; out: WSGI. Nothing here knows a resource.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlparse
from wsgiref.types import StartResponse

from fogbank.cloud.api.errors import NotOursError
from fogbank.cloud.ground.server import BadRequestError, read_request, write_answer
from fogbank.cloud.ground.wire import Answer, Request, error_answer

log = logging.getLogger("fogbank.cloud")
LOOPBACK = re.compile(r"(127(\.\d+){3}|localhost|\[::1\]|(?P<bucket>[a-z0-9.-]+)\.localhost)(:\d+)?", re.IGNORECASE)
CLOUDWATCH_READS = ("GetMetric", "ListMetrics")


class Door(Protocol):
    """A room that answers requests of its own."""

    def takes(self, request: Request) -> bool:
        """Whether the request is for this room."""

    def handle(self, request: Request) -> Answer:
        """Answer it. Raises NotOursError where it turns out to be about something that moto has."""


class Front:
    """The WSGI application on the cloud's one port: the first of `doors` that takes a request answers it, else moto does."""

    def __init__(
        self,
        doors: Sequence[Door],
        moto: Callable[[Request], Answer],
        before_metrics: Callable[[], None],
        incoming: Path,
    ) -> None:
        self._incoming = incoming
        self._doors = doors
        self._moto = moto
        self._before_metrics = before_metrics

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            request = read_request(environ, self._incoming)
        except BadRequestError as error:
            return write_answer(error.answer, error.request, start_response)
        try:
            answer = self.handle(request)
        except Exception as error:  # a full disk, a bug: the caller gets an AWS error, the log the traceback
            log.exception("%s %s", request.method, request.path)
            answer = error_answer(
                request, 500, "InternalFailure", f"the local cloud failed: {error!r}; see `fogbank cloud logs`"
            )
        return write_answer(answer, request, start_response)

    def handle(self, request: Request) -> Answer:
        """Guard, ours first, moto second."""
        refusal = guard(request)
        if refusal:
            return refusal
        request = path_style(request)
        door = next((door for door in self._doors if door.takes(request)), None)
        if door is not None:
            with contextlib.suppress(NotOursError):
                return door.handle(request)
        if request.service == "monitoring" and _reads_metrics(request):
            self._before_metrics()
        return self._moto(request)


def _reads_metrics(request: Request) -> bool:
    operation = (
        request.headers.get("x-amz-target", "").rpartition(".")[2]
        or request.path.rpartition("/")[2]
        or request.body[:200].decode(errors="replace")
    )
    return any(name in operation for name in CLOUDWATCH_READS)


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
    return replace(request, path=f"/{match['bucket']}{request.path}", headers={**request.headers, "host": host})
