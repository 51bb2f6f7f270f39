"""Credentials that STS gave of roles: they outlive the cloud's process, as on AWS, where moto's memory of them does not.

In: what moto has answered to AssumeRole; out: whose an access key is. Without this a role's key would be nobody's after a restart, and whoever
is nobody on this machine is its user, who may do everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from urllib.parse import parse_qsl

from fogbank.cloud.ground.roles import TEMPORARY, Issued
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.identities import managed
from fogbank.cloud.moto.internals import assumed_role

KIND, REGION = "sts-session", "aws-global"
GIVEN = re.compile(rb"<AccessKeyId>(\w+)</AccessKeyId>")
MANAGED = re.compile(r"PolicyArns\.member\.\d+\.arn")
NOTHING = '{"Statement": []}'
"""What a managed policy lets a session do that is not there."""


class Sessions:
    """Remembers them as long as they last; `wall` is the machine's clock, in seconds."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self._store, self._wall = store, wall

    def note(self, request: Request, answer: Answer) -> None:
        """Remember what an answer of STS's gives, and forget what has ended."""
        given = GIVEN.search(answer.body) if request.service == "sts" and answer.status < 300 else None
        issued = assumed_role(given[1].decode()) if given else None
        if issued is None:
            return
        for _, key, kept in self._store.named(KIND):
            if kept["ends"] <= self._wall():
                self._store.delete(KIND, REGION, key)
        bounded = replace(issued, policies=session_policies(request))
        self._store.put(KIND, REGION, issued.access_key, asdict(bounded))

    def find(self, key: str) -> Issued | None:
        """The role that a key is of; also one whose time is over, as long as it is known."""
        if not key.startswith(TEMPORARY):
            return None
        kept = self._store.get(KIND, REGION, key)
        return Issued(**kept) if kept else assumed_role(key)


def session_policies(request: Request) -> list[str] | None:
    """The documents that a request bounds a session by; None where it says none. Source: STS API reference, AssumeRole's Policy and PolicyArns."""
    form = dict(parse_qsl(request.body.decode(errors="replace") or request.query))
    arns = [value for name, value in form.items() if MANAGED.fullmatch(name)]
    said = [form["Policy"]] if "Policy" in form else []
    return [*said, *(managed(arn) or NOTHING for arn in arns)] if said or arns else None
