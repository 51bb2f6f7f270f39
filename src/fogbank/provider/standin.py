"""The stand-in for `aws`: the table of resource types, and the verbs over it in plain dictionaries.

The gRPC server and the engine's mocks are two thin ends of this. In: Pulumi properties; out: Pulumi properties.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlparse

from fogbank.contracts import tokens
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.provider import iam, s3, sagemaker, scheduler
from fogbank.provider.resource import AutoName, Clients, Difference, Failure, Properties, ResourceType, UnknownTypeError
from fogbank.provider.shapes import UNKNOWN

ROWS: tuple[ResourceType, ...] = (
    s3.Bucket(),
    s3.PublicAccessBlock(),
    s3.BucketObject(),
    iam.Role(),
    iam.RolePolicy(),
    *sagemaker.ROWS,
    *scheduler.ROWS,
)
TABLE: Mapping[str, ResourceType] = {row.token: row for row in ROWS}
NAMES: Mapping[str, AutoName] = {
    tokens.BUCKET: AutoName(key="bucket", prefix_key="bucketPrefix"),
    tokens.BUCKET_OBJECT: AutoName(key="key", prefix_key=None, longest=1024),
    tokens.ROLE: AutoName(longest=64),
    tokens.ROLE_POLICY: AutoName(longest=128),
    tokens.SCHEDULE: AutoName(longest=64),
    tokens.MODEL: AutoName(prefix_key=None),
    tokens.ENDPOINT_CONFIGURATION: AutoName(),
    tokens.ENDPOINT: AutoName(prefix_key=None),
    tokens.DATA_QUALITY_JOB_DEFINITION: AutoName(prefix_key=None),
    tokens.MONITORING_SCHEDULE: AutoName(prefix_key=None),
}
VERSION = "7.51.1"
"""The version of pulumi-aws whose types and replacements the table follows."""
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
COMPUTED = ("arn", "id", "tagsAll", "region", "etag", "uniqueId", "bucketDomainName", "bucketRegionalDomainName")


@dataclass(frozen=True)
class StandIn:
    """The table over the clients of one cloud. `clients(service, region)` gives a boto3 client."""

    clients: Callable[[str, str], Any]
    region: str = "us-east-1"
    account: str = LOCAL_ACCOUNT
    version: str = VERSION

    def refuses(self, config: Properties) -> str | None:
        """Why a provider configuration is not a local stack's: one that means AWS is never provided from here by accident."""
        return foreign(config)

    def in_region(self, region: str) -> StandIn:
        """The same for another region."""
        return replace(self, region=region)

    def check(
        self, token: str, inputs: Properties, old: Properties, logical: str, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Named inputs, and what is refused. Raises UnknownTypeError."""
        row = _row(token)
        named = NAMES[token].apply(inputs, old, logical, seed) if token in NAMES else inputs
        return named, row.check(named)

    def diff(self, token: str, old: Properties, new: Properties) -> Difference:
        """What an update would do."""
        return _row(token).diff(old, new)

    def preview(self, token: str, inputs: Properties) -> Properties:
        """A state in which what the cloud will compute is unknown."""
        _row(token)
        return {**dict.fromkeys(COMPUTED, UNKNOWN), **inputs}

    def create(self, token: str, inputs: Properties) -> tuple[str, Properties]:
        """Id and state. Raises ProvisionError."""
        return _row(token).create(self._in_region(inputs), inputs)

    def read(self, token: str, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Inputs and state as they are; None where it is gone."""
        return _row(token).read(self._in_region(inputs), id_, inputs)

    def update(self, token: str, id_: str, old: Properties, new: Properties) -> Properties:
        """The new state."""
        return _row(token).update(self._in_region(new), id_, old, new)

    def delete(self, token: str, id_: str, state: Properties) -> None:
        """Delete."""
        _row(token).delete(self._in_region(state), id_, state)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """The data sources that need no cloud."""
        answers: dict[str, Properties] = {
            "aws:index/getRegion:getRegion": {
                "name": self.region,
                "region": self.region,
                "id": self.region,
                "description": self.region,
            },
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "accountId": self.account,
                "arn": f"arn:aws:iam::{self.account}:root",
                "userId": self.account,
                "id": self.account,
            },
            "aws:index/getPartition:getPartition": {
                "partition": "aws",
                "dnsSuffix": "amazonaws.com",
                "id": "aws",
                "reverseDnsPrefix": "com.amazonaws",
            },
        }
        if token not in answers:
            raise UnknownTypeError(f"the local cloud's stand-in for pulumi-aws does not have the function {token}")
        return answers[token]

    def _in_region(self, inputs: Properties) -> Clients:
        region = inputs.get("region")
        return lambda service: self.clients(
            service, region if isinstance(region, str) and region != UNKNOWN else self.region
        )


def _row(token: str) -> ResourceType:
    row = TABLE.get(token)
    if row is None:
        raise UnknownTypeError(f"the local cloud's stand-in for pulumi-aws does not have the resource type {token}")
    return row


def foreign(config: Properties) -> str | None:
    """Why a provider configuration is not a local stack's; None where it is."""
    endpoints = config.get("endpoints")
    if isinstance(endpoints, str):
        endpoints = json.loads(endpoints)
    urls = [url for group in endpoints or [] for url in group.values() if isinstance(url, str)]
    if not urls:
        return "this stack has no aws:endpoints, so it means AWS; the local cloud's stand-in serves local stacks only (unset PULUMI_DEBUG_PROVIDERS)"
    outside = [url for url in urls if urlparse(url).hostname not in LOOPBACK]
    return (
        f"aws:endpoints names {outside[0]}, which is not this machine; the local cloud's stand-in serves local stacks only"
        if outside
        else None
    )
