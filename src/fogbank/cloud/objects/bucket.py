"""Buckets as objects see them: frozen values that whoever owns buckets makes. In: nothing; out: words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

ENABLED, SUSPENDED = "Enabled", "Suspended"
PARTITIONS: Mapping[str, str] = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
"""By how a region's name begins; `aws` for all others."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One enabled rule of a lifecycle; days are of age, `date` is an epoch. It is for objects of more than `larger` and less than
    `smaller` bytes; the newest `noncurrent_kept` versions below the latest stay."""

    id: str
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    larger: int | None = None
    smaller: int | None = None
    days: int | None = None
    date: float | None = None
    noncurrent_days: int | None = None
    noncurrent_kept: int = 0
    abort_days: int | None = None
    markers: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where events go: `arn` of a queue, a topic or a function; EventBridge has none."""

    id: str
    arn: str
    events: Sequence[str]
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """What a bucket is set to."""

    name: str
    region: str
    account: str = ""
    versioning: str = ""
    lock_enabled: bool = False
    default_lock: tuple[str, int] | None = None
    """Mode and days."""
    encryption: Mapping[str, str] = field(default_factory=dict)
    rules: Sequence[Rule] = ()
    targets: Sequence[Target] = ()
    event_bridge: bool = False
    public_read: bool = False

    @property
    def arn(self) -> str:
        """Its ARN, in its region's partition."""
        partition = next((name for start, name in PARTITIONS.items() if self.region.startswith(start)), "aws")
        return f"arn:{partition}:s3:::{self.name}"


class Buckets(Protocol):
    """Who owns the buckets."""

    def find(self, name: str) -> Bucket | None:
        """A bucket; None where there is none of that name."""

    def names(self) -> Sequence[str]:
        """Every bucket."""

    def allows_everyone(self, name: str, action: str, key: str) -> bool:
        """Whether a bucket's policy lets anybody do this to a key."""

    def denies_everyone(self, name: str, action: str, key: str) -> bool:
        """Whether a bucket's policy denies everybody this of a key, whoever signed it."""
