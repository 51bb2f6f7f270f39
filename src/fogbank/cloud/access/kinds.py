"""What an HTTP API is made of: its kinds, what of their members works here, and what API Gateway says where a program says nothing.

A member that is in no `works` is refused by name, and so is a value that is not one of `only`. Source: the API Gateway V2 API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fogbank.cloud.api.errors import ApiError

EMPTY: tuple[Any, ...] = (None, False, "", [], {})
"""Values that ask for nothing."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`key` identifies one; `only` are the values that a member may have here; `dated` ones have a CreatedDate."""

    noun: str
    key: str
    works: frozenset[str]
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    dated: bool = False

    @property
    def store(self) -> str:
        """Its documents' kind."""
        return f"http-api-{self.noun.lower()}"


API = Kind(
    noun="Api",
    key="ApiId",
    works=frozenset({"Name", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Tags", "Version"}),
    only={
        "ProtocolType": ("HTTP",),
        "RouteSelectionExpression": ("$request.method $request.path", "${request.method} ${request.path}"),
        "ApiKeySelectionExpression": ("$request.header.x-api-key",),
        "IpAddressType": ("ipv4",),
    },
    defaults={
        "RouteSelectionExpression": "$request.method $request.path",
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "IpAddressType": "ipv4",
        "DisableExecuteApiEndpoint": False,
    },
    dated=True,
)  # fmt: skip
ROUTE = Kind(
    noun="Route",
    key="RouteId",
    works=frozenset({"RouteKey", "Target", "AuthorizerId", "AuthorizationScopes", "OperationName"}),
    only={"AuthorizationType": ("NONE", "AWS_IAM", "JWT")},
    defaults={"AuthorizationType": "NONE", "ApiKeyRequired": False},
)
INTEGRATION = Kind(
    noun="Integration",
    key="IntegrationId",
    works=frozenset({"IntegrationUri", "Description", "TimeoutInMillis"}),
    only={
        "IntegrationType": ("AWS_PROXY",),
        "IntegrationMethod": ("POST",),
        "PayloadFormatVersion": ("2.0",),
        "ConnectionType": ("INTERNET",),
    },
    defaults={"IntegrationMethod": "POST", "ConnectionType": "INTERNET", "TimeoutInMillis": 30000},
)
STAGE = Kind(
    noun="Stage",
    key="StageName",
    works=frozenset(
        {"StageName", "AutoDeploy", "DeploymentId", "Description", "DefaultRouteSettings", "RouteSettings", "StageVariables", "Tags"}
    ),
    defaults={"AutoDeploy": False, "DefaultRouteSettings": {}, "RouteSettings": {}, "StageVariables": {}},
    dated=True,
)  # fmt: skip
AUTHORIZER = Kind(
    noun="Authorizer",
    key="AuthorizerId",
    works=frozenset({"IdentitySource", "JwtConfiguration", "Name"}),
    only={"AuthorizerType": ("JWT",)},
)
DEPLOYMENT = Kind(
    noun="Deployment", key="DeploymentId", works=frozenset({"Description", "StageName"}), dated=True
)  # fmt: skip
KINDS: Mapping[str, Kind] = {kind.noun: kind for kind in (API, ROUTE, INTEGRATION, STAGE, AUTHORIZER, DEPLOYMENT)}
PARTS = (ROUTE, INTEGRATION, STAGE, AUTHORIZER, DEPLOYMENT)
THROTTLES = frozenset({"ThrottlingBurstLimit", "ThrottlingRateLimit"})


def refuse_lacking(kind: Kind, members: Mapping[str, Any]) -> None:
    """What the local cloud does not have is refused by name. Raises ApiError."""
    lacking = []
    for name, value in members.items():
        if value in EMPTY or name in kind.works:
            continue
        if name not in kind.only:
            lacking.append(name)
        elif value not in kind.only[name]:
            lacking.append(f"{name} {value} (only {', '.join(str(each) for each in kind.only[name])})")
    settings = [members.get("DefaultRouteSettings") or {}, *(members.get("RouteSettings") or {}).values()]
    lacking += [
        name
        for each in settings
        for name, value in each.items()
        if value not in (*EMPTY, "OFF") and name not in THROTTLES
    ]
    if lacking:
        words = f"the local cloud does not have {', '.join(lacking)} of a {kind.noun}; it is refused, not ignored"
        raise ApiError("NotImplemented", words, 501)
