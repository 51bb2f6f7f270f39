"""What API Gateway refuses of an HTTP API's parts, before they are kept. Pure, but for an issuer, which is asked for its keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fogbank.cloud.access.issuers import IssuerError, Issuers
from fogbank.cloud.access.kinds import AUTHORIZER, INTEGRATION, ROUTE, STAGE
from fogbank.cloud.access.routes import problem
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.store import Document

STAGE_NAME = re.compile(r"\$default|[A-Za-z0-9_-]{1,128}")
SOURCE = re.compile(r"\$request\.(header|querystring)\.([A-Za-z0-9._-]+)")
FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
BY_PATH = re.compile(r"arn:aws[\w-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(?P<arn>.+)/invocations")
SHORTEST_MS, LONGEST_MS = 50, 30000
Parts = Mapping[str, Sequence[Document]]
"""The other parts of an API, by noun."""


def check(noun: str, members: Mapping[str, Any], parts: Parts, issuers: Issuers) -> None:
    """Raises ApiError."""
    checks: Mapping[str, Callable[[], None]] = {
        ROUTE.noun: lambda: _route(members, parts),
        INTEGRATION.noun: lambda: _integration(members),
        STAGE.noun: lambda: _stage(members, parts),
        AUTHORIZER.noun: lambda: _authorizer(members, issuers),
    }
    if noun in checks:
        checks[noun]()


def function_arn(uri: str) -> str:
    """The function that an integration's URI names; empty where it names none."""
    match = BY_PATH.fullmatch(uri)
    arn = match["arn"] if match else uri
    return arn if FUNCTION.fullmatch(arn) else ""


def used_by(noun: str, key: str, parts: Parts) -> str | None:
    """The key of a route that needs a part; None where none does."""
    for route in parts[ROUTE.noun]:
        if noun == INTEGRATION.noun and route.get("Target") == f"integrations/{key}":
            return str(route["RouteKey"])
        if noun == AUTHORIZER.noun and route.get("AuthorizerId") == key:
            return str(route["RouteKey"])
    return None


def bad(message: str) -> ApiError:
    """A BadRequestException."""
    return ApiError("BadRequestException", message, 400)


def _route(members: Mapping[str, Any], parts: Parts) -> None:
    key = str(members.get("RouteKey", ""))
    if (wrong := problem(key)) is not None:
        raise bad(f"The provided route key {key!r} is not properly formatted for HTTP protocol: it {wrong}")
    target = members.get("Target")
    if target and target.removeprefix("integrations/") not in [each["IntegrationId"] for each in parts["Integration"]]:
        raise bad(f"Integration not found: {target}")
    authorizer = members.get("AuthorizerId")
    if (members.get("AuthorizationType") == "JWT") != bool(authorizer):
        raise bad("AuthorizerId is needed where AuthorizationType is JWT, and only there")
    if authorizer and authorizer not in [each["AuthorizerId"] for each in parts["Authorizer"]]:
        raise bad(f"Authorizer not found: {authorizer}")
    if members.get("AuthorizationScopes") and not authorizer:
        raise bad("AuthorizationScopes are of routes whose AuthorizationType is JWT")


def _integration(members: Mapping[str, Any]) -> None:
    if not members.get("IntegrationType"):
        raise bad("IntegrationType is required")
    if not members.get("PayloadFormatVersion"):
        raise bad("PayloadFormatVersion is a required parameter for integration")
    uri = str(members.get("IntegrationUri") or "")
    if not function_arn(uri):
        raise bad(f"Invalid function ARN or invalid URI: {uri}")
    if not SHORTEST_MS <= members["TimeoutInMillis"] <= LONGEST_MS:
        raise bad(f"Timeout should be between {SHORTEST_MS} ms and {LONGEST_MS} ms")


def _stage(members: Mapping[str, Any], parts: Parts) -> None:
    if not STAGE_NAME.fullmatch(str(members.get("StageName", ""))):
        raise bad("StageName must be $default, or letters, digits, hyphens and underscores")
    deployment = members.get("DeploymentId")
    if deployment and deployment not in [each["DeploymentId"] for each in parts["Deployment"]]:
        raise bad(f"Deployment with id: {deployment} does not exist")
    keys = {route["RouteKey"] for route in parts["Route"]}
    if unknown := sorted(set(members.get("RouteSettings") or {}) - keys):
        raise ApiError(
            "NotFoundException", f"Unable to find Route by key {unknown[0]} within the provided RouteSettings", 404
        )


def _authorizer(members: Mapping[str, Any], issuers: Issuers) -> None:
    sources = members.get("IdentitySource") or []
    if len(sources) != 1 or not SOURCE.fullmatch(sources[0]):
        raise bad("IdentitySource must be one of $request.header.NAME and $request.querystring.NAME")
    jwt = members.get("JwtConfiguration") or {}
    if not jwt.get("Issuer") or not jwt.get("Audience"):
        raise bad("JwtConfiguration needs an Issuer and an Audience")
    try:
        issuers.keys(jwt["Issuer"])
    except IssuerError as error:
        raise bad(str(error)) from error
