"""A provider's configuration: what pulumi-aws's settings mean for a local stack. It belongs to one provider of one stack.

In: the configuration as the engine has it (nested values may be JSON text); out: frozen `Settings`, or what is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.provider.resource import Failure, Properties

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MEANT = frozenset({"region", "endpoints", "defaultTags", "ignoreTags", "allowedAccountIds", "forbiddenAccountIds"})
WITHOUT_EFFECT = frozenset(
    {
        "accessKey", "secretKey", "token", "profile", "version", "maxRetries", "retryMode", "s3UsePathStyle",
        "skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId",
        "s3UsEast1RegionalEndpoint", "stsRegion", "useDualstackEndpoint", "useFipsEndpoint", "userAgents",
        "sharedConfigFiles", "sharedCredentialsFiles", "tokenBucketRateLimiterCapacity", "httpProxy", "httpsProxy",
        "noProxy", "customCaBundle", "ec2MetadataServiceEndpoint", "ec2MetadataServiceEndpointMode", "insecure", "__internal",
    }
)  # fmt: skip
"""How to reach AWS, and with which credentials: the local cloud takes any."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one provider means. `program` is the folder that relative paths of its program start from, where it is known."""

    region: str = "us-east-1"
    default_tags: Mapping[str, str] = field(default_factory=dict)
    ignored_keys: frozenset[str] = frozenset()
    ignored_prefixes: tuple[str, ...] = ()
    program: Path | None = None

    def tags(self, own: Mapping[str, str] | None) -> dict[str, str]:
        """All tags of a resource: the provider's, and over them its own."""
        return {**self.default_tags, **(own or {})}

    def tag_changes(self, old: Properties, new: Properties) -> tuple[list[str], dict[str, str]]:
        """What an update of inputs does to the tags: keys that go, and pairs that come or change; those of others stay."""
        before, after = old.get("tagsAll") or old.get("tags") or {}, self.tags(new.get("tags"))
        gone = sorted(key for key in set(before) - set(after) if not self.is_ignored(key))
        return gone, {key: value for key, value in after.items() if before.get(key) != value}

    def seen(self, live: Mapping[str, str]) -> dict[str, str]:
        """The tags of a live resource that this provider looks at."""
        return {key: value for key, value in live.items() if not self.is_ignored(key)}

    def is_ignored(self, key: str) -> bool:
        """Whether tags of this key are somebody else's business."""
        return key in self.ignored_keys or key.startswith(self.ignored_prefixes or ("\0",))


def settings(config: Properties, program: Path | None) -> Settings:
    """The settings of a configuration that was checked."""
    values = {key: _value(value) for key, value in config.items()}
    ignored = values.get("ignoreTags") or {}
    return Settings(
        region=values.get("region") or "us-east-1",
        default_tags={key: str(value) for key, value in ((values.get("defaultTags") or {}).get("tags") or {}).items()},
        ignored_keys=frozenset(ignored.get("keys") or ()),
        ignored_prefixes=tuple(ignored.get("keyPrefixes") or ()),
        program=program,
    )


def refusals(config: Properties, account: str = LOCAL_ACCOUNT) -> list[Failure]:
    """What of a configuration is refused: one that means AWS, another account, and what the stand-in lacks."""
    failures = [Failure("endpoints", reason)] if (reason := foreign(config)) else []
    for key, value in config.items():
        if key not in MEANT | WITHOUT_EFFECT and _value(value) not in (None, False, "", [], {}):
            failures.append(
                Failure(
                    key, "is not implemented by the local cloud's stand-in for pulumi-aws; it is refused, not ignored"
                )
            )
    allowed = [str(item) for item in _value(config.get("allowedAccountIds")) or []]
    forbidden = [str(item) for item in _value(config.get("forbiddenAccountIds")) or []]
    if (allowed and account not in allowed) or account in forbidden:
        key = "allowedAccountIds" if allowed else "forbiddenAccountIds"
        failures.append(Failure(key, f"AWS account ID not allowed: {account}, which is the local cloud's"))
    return failures


def foreign(config: Properties) -> str | None:
    """Why a provider configuration is not a local stack's; None where it is."""
    urls = [
        url for group in _value(config.get("endpoints")) or [] for url in group.values() if isinstance(url, str) and url
    ]
    if not urls:
        return "this stack has no aws:endpoints, so it means AWS; the local cloud's stand-in serves local stacks only (unset PULUMI_DEBUG_PROVIDERS)"
    outside = [url for url in urls if urlparse(url).hostname not in LOOPBACK]
    return (
        f"aws:endpoints names {outside[0]}, which is not this machine; the local cloud's stand-in serves local stacks only"
        if outside
        else None
    )


def _value(value: Any) -> Any:
    """A setting, whose nested values and booleans the engine may hand on as JSON text."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        return json.loads(value)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
