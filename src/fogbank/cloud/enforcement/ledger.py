"""What is asked of IAM while somebody records it, and policies that are tried in place of those that are there.

In: an administrator's wishes, and requests as the guard sees them; out: each call once, by who made it. Nothing is recorded unasked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

USER = "user"
"""Who calls from outside and is no role."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One action on one resource (None: one that has no name here) by `principal`, a role's name or USER. `passed_to` is the service that a
    role, which is then the resource, is given to; `prefix` is that of a bucket's keys that are listed; `denied` says that IAM refused it."""

    principal: str
    action: str
    resource: str | None
    passed_to: str = ""
    prefix: str = ""
    denied: bool = False


class Ledger:
    """The calls since they were last asked for, and the policies that are tried, by patterns of principals."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recording = False
        self._calls: dict[Call, None] = {}
        self._tried: Mapping[str, str] = {}

    def ask(self, wishes: Mapping[str, Any]) -> dict[str, Any]:
        """`record` (true or false) begins or ends recording; `policies` are tried from now on, by pattern, as documents: whoever has one may do
        that and nothing else, the user too. Answers the calls so far, and forgets them."""
        with self._lock:
            if "policies" in wishes:
                self._tried = {str(pattern): str(document) for pattern, document in wishes["policies"].items()}
            self._recording = bool(wishes.get("record", self._recording))
            calls, self._calls = self._calls, {}
        return {"calls": [asdict(call) for call in calls]}

    def note(self, call: Call) -> None:
        """A call that was decided."""
        if self._recording:
            with self._lock:
                self._calls[call] = None

    def tried(self, principal: str) -> str | None:
        """The document that is tried for a principal, if there is one."""
        return next((document for pattern, document in self._tried.items() if fnmatchcase(principal, pattern)), None)
