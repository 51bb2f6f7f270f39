"""A server's answer in memory (`fogbank.cloud.jobs.scoring.Reply`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FakeReply:
    """A status, a body and headers."""

    status: int = 200
    data: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/plain"})
