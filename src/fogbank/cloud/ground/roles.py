"""Temporary credentials of roles, for what the cloud itself runs: instances and jobs get a grant, and with it credentials that end.

In: a role; out: a grant, whose variables are those that AWS's SDKs know from containers (AWS_CONTAINER_CREDENTIALS_FULL_URI), and for its
token, as long as the grant lasts, an access key, a secret and a session token. All of it is in memory: no grant outlives the cloud.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

PATH = "/_fogbank/credentials"
TEMPORARY = "ASIA"
"""What the access keys of temporary credentials begin with."""
LIFE_S = 3600.0
FRESH_S = 1800.0
"""Credentials that last for less are not given out again: SDKs ask anew when a quarter of an hour is left."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, kw_only=True)
class Issued:
    """Credentials of a role. `ends` is in seconds since 1970, by the machine's clock; `policies` are the session's own, which bound what the
    role may do in it: None where it was given none."""

    role: str
    session: str
    access_key: str
    secret: str
    token: str
    ends: float
    policies: Sequence[str] | None = None

    def document(self) -> Mapping[str, str]:
        """As the SDKs' container provider reads it."""
        return {
            "RoleArn": self.role,
            "AccessKeyId": self.access_key,
            "SecretAccessKey": self.secret,
            "Token": self.token,
            "Expiration": datetime.fromtimestamp(self.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one instance or job may ask credentials with. `end` it with what it was given to."""

    environment: Mapping[str, str]
    end: Callable[[], None]


NO_GRANT = Grant(environment={}, end=lambda: None)
"""Of what has no role, or no network to ask by."""
Grants = Callable[[str, str, str], Grant]
"""Grants a role to a session's name, in a region."""


class Roles:
    """Grants and what was issued for them; safe from many threads. `url` says where the cloud is."""

    def __init__(self, url: Callable[[], str], wall: Callable[[], float] = time.time) -> None:
        self._url, self._wall = url, wall
        self._lock = threading.Lock()
        self._granted: dict[str, tuple[str, str, Issued | None]] = {}
        self._issued: dict[str, Issued] = {}

    def grant(self, role: str, session: str, region: str) -> Grant:
        """A grant of a role."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._granted[token] = (role, session, None)
        environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._url()}{PATH}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
            "AWS_ENDPOINT_URL": self._url(),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }
        return Grant(environment=environment, end=lambda: self._end(token))

    def credentials(self, token: str) -> Issued | None:
        """Those of a grant; None where there is no such grant."""
        now = self._wall()
        with self._lock:
            if token not in self._granted:
                return None
            role, session, issued = self._granted[token]
            if issued is None or issued.ends - now < FRESH_S:
                issued = _issue(role, session, now + LIFE_S)
                self._granted[token] = (role, session, issued)
                self._issued = {key: each for key, each in self._issued.items() if each.ends > now - LIFE_S}
                self._issued[issued.access_key] = issued
            return issued

    def find(self, access_key: str) -> Issued | None:
        """What was issued under an access key, though its time be over."""
        return self._issued.get(access_key)

    def _end(self, token: str) -> None:
        """The grant is over, and with it all that was issued for it last."""
        with self._lock:
            _, _, issued = self._granted.pop(token, ("", "", None))
            if issued is not None:
                self._issued.pop(issued.access_key, None)


def _issue(role: str, session: str, ends: float) -> Issued:
    return Issued(
        role=role,
        session=session,
        access_key=TEMPORARY + "".join(secrets.choice(LETTERS) for _ in range(16)),
        secret=secrets.token_urlsafe(30),
        token=secrets.token_urlsafe(96),
        ends=ends,
    )
