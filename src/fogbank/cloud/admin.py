"""The cloud's own calls, below /_fogbank: what AWS has no API for. JSON in, JSON out.

moto's clients in server mode reset by a path of moto's: it resets the cloud, ours and moto's alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer

PREFIX = "/_fogbank/"
MOTO_RESET = "/moto-api/reset"
Call = Callable[[dict[str, Any]], object]


class Admin:
    """Calls by name: `POST /_fogbank/<name>` with a JSON object; `GET`, with a query, for those that only read."""

    def __init__(self, calls: Mapping[str, Call]) -> None:
        self._calls = calls

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether the path is one of ours."""
        return request.path.startswith(PREFIX) or request.path == MOTO_RESET

    def handle(self, request: Request) -> Answer:
        """Answer, or 404 with the names there are."""
        name = "reset" if request.path == MOTO_RESET else request.path.removeprefix(PREFIX)
        call = self._calls.get(name)
        if call is None:
            return error_answer(
                request, 404, "NotFound", f"no call {name!r}; there are {', '.join(sorted(self._calls))}"
            )
        try:
            asked = json.loads(request.body) if request.body else dict(parse_qsl(request.query))
            return json_answer(call(asked), content_type="application/json")
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message)
        except (ValueError, KeyError, TypeError) as error:
            return error_answer(request, 400, "BadRequest", f"{name}: {error!r}")
