"""Stateful sessions: requests of one SessionId go to the one instance whose container gave it, until it expires or is closed.

In: a request's SessionId, and what a container's reply says of sessions; out: the instance to ask, or the error of a session that is not
there. A session lives in its container, and ends with it. Sources: AWS Developer Guide, "Stateful sessions with Amazon SageMaker AI
models"; the header of a reply is named differently by containers (DJL-LMI: Session-Id; vLLM's adapters: New-Session-Id), and both are heard.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.hosting.streams import HEADER
from fogbank.cloud.hosting.variant import Variant

SESSION, NEW, CLOSED = HEADER + "session-id", HEADER + "new-session-id", HEADER + "closed-session-id"
NEW_SESSION = "NEW_SESSION"
GIVEN = re.compile(r"(?P<id>[a-zA-Z0-9](-*[a-zA-Z0-9])*);\s(?i:Expires)=(?P<ends>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
"""What a container says of a new session, as botocore's model has it."""
MOST = 10_000
"""Sessions beyond which those that have expired are looked for."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """Where a session's requests go. `ends` is in seconds since 1970, by the container's clock, which is the machine's."""

    variant: Variant
    instance: str
    ends: float


class Sessions:
    """The sessions of every endpoint; on the event loop alone."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._sessions: dict[tuple[str, str, str], Session] = {}

    def find(self, request: Request, endpoint: str, *, streamed: bool) -> Session | None:
        """The session that a request is of; None for one of none, or of a new one. Raises ValidationError."""
        named = request.headers.get(SESSION)
        if named is None or (named == NEW_SESSION and not streamed):
            return None
        if named == NEW_SESSION:
            raise ApiError("ValidationError", "A session cannot be created by InvokeEndpointWithResponseStream.")
        session = self._sessions.get((request.region, endpoint, named))
        if session is None or session.ends <= self._wall():
            raise gone(named)
        return session

    def heard(self, headers: Mapping[str, str], variant: Variant, instance: str, *, new: bool) -> dict[str, str]:
        """What the caller is told of sessions, of a reply's headers; a `new` one that was asked for, and given, is remembered."""
        told: dict[str, str] = {}
        source = variant.plan.source
        given = (headers.get(NEW) or headers.get(SESSION)) if new else None
        if given and (said := GIVEN.fullmatch(given)):
            ends = datetime.strptime(said["ends"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
            self._prune()
            session = Session(variant=variant, instance=instance, ends=ends)
            self._sessions[source.region, source.endpoint, said["id"]] = session
            told["X-Amzn-SageMaker-New-Session-Id"] = given
        if closed := headers.get(CLOSED):
            self._sessions.pop((source.region, source.endpoint, closed), None)
            told["X-Amzn-SageMaker-Closed-Session-Id"] = closed
        return told

    def _prune(self) -> None:
        if len(self._sessions) >= MOST:
            now = self._wall()
            self._sessions = {key: session for key, session in self._sessions.items() if session.ends > now}


def gone(name: str) -> ApiError:
    """The error of a session that is not there."""
    return ApiError(
        "ValidationError", f"The session {name} is not found: it has expired, was closed, or its instance has gone."
    )
