"""The cloud's own calls, below /_fogbank: what AWS has no API for. JSON in, JSON out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.roles import PATH as CREDENTIALS
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer

PREFIX = "/_fogbank/"
READS = frozenset({"status", "events"})
"""What may be asked with GET: it changes nothing."""
Call = Callable[[dict[str, Any]], object]


class Admin:
    """Calls by name: `POST /_fogbank/<name>` with a JSON object; `GET`, with a query, for those of `reads`."""

    def __init__(self, calls: Mapping[str, Call], reads: frozenset[str] = READS) -> None:
        self._calls, self._reads = calls, reads

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether the path is one of ours."""
        return request.path.startswith(PREFIX) and request.path != CREDENTIALS

    def handle(self, request: Request) -> Answer:
        """Answer, or 404 with the names there are."""
        name = request.path.removeprefix(PREFIX)
        call = self._calls.get(name)
        if call is None:
            return error_answer(
                request, 404, "NotFound", f"no call {name!r}; there are {', '.join(sorted(self._calls))}"
            )
        if request.method != "POST" and not (request.method == "GET" and name in self._reads):
            return error_answer(
                request, 405, "MethodNotAllowed", f"{name} is asked for with POST, not {request.method}"
            )
        try:
            asked = json.loads(request.body) if request.body else dict(parse_qsl(request.query))
            return json_answer(call(asked), content_type="application/json")
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            return error_answer(request, 400, "BadRequest", f"{name}: {error!r}")
