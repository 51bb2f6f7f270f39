"""What an HTTP API answers: CORS, the stage, the route, throttling, the authorizer, the function.

In: what is declared of an API and a request; out: the function's answer, or API Gateway's own. Sources: the API Gateway Developer Guide, "Routes",
"Stages", "Control and manage access to HTTP APIs", "Working with AWS Lambda proxy integrations for HTTP APIs".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from fogbank.cloud.access import tokens
from fogbank.cloud.access.callers import May, Signer, TooLargeError, asked, foreign, iam_context, told
from fogbank.cloud.access.checks import SOURCE, function_arn
from fogbank.cloud.access.cors import Cors, is_preflight, shared
from fogbank.cloud.access.event import Asked, BadAnswerError, answer, event
from fogbank.cloud.access.issuers import Issuers
from fogbank.cloud.access.permits import gateway_may
from fogbank.cloud.access.routes import DEFAULT, Match, find
from fogbank.cloud.access.throttle import Buckets
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.invocations import Invocations
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Answer, Request, new_id
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.ground.signature import SignatureError

RATE, BURST = 10000.0, 5000.0
"""An account's own limits, where a stage says one of the two alone."""
ERROR = {"message": "Internal Server Error"}


@dataclass(frozen=True, kw_only=True)
class Served:
    """An API's stage, with what was deployed to it: routes by key, integrations and authorizers by id."""

    region: str
    api: Document
    stage: Document
    routes: Mapping[str, Document]
    integrations: Mapping[str, Document]
    authorizers: Mapping[str, Document]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A request on its route. `source` is its ARN."""

    request: Request
    served: Served
    match: Match
    source: str

    @property
    def route(self) -> Document:
        """The route."""
        return self.served.routes[self.match.key]


class ApiCalls:
    """Answers them."""

    def __init__(self, invocations: Invocations, issuers: Issuers, signer: Signer, may: May) -> None:
        self._invocations, self._issuers, self._signer, self._may = invocations, issuers, signer, may
        self.buckets = Buckets()

    def answer(self, api: Document, stages: Mapping[str, Served], request: Request) -> Answer:
        """The answer to one request."""
        cors, origin = Cors.of(api.get("CorsConfiguration")), request.headers.get("origin")
        if (refused := foreign(request, cors)) is not None:
            return told(403, {"message": "Forbidden"}, refused)
        if cors is not None and is_preflight(request.method, request.headers):
            return Answer(status=204, headers=cors.preflight(origin))
        found = self._answer(api, stages, request)
        headers = shared({"apigw-requestid": new_id(), **found.headers}, cors, origin)
        return Answer(status=found.status, headers=headers, payload=found.payload, cookies=found.cookies)

    def _answer(self, api: Document, stages: Mapping[str, Served], request: Request) -> Answer:
        first, rest = _apart(request.path)
        served, path = (stages[first], rest) if first in stages else (stages.get(DEFAULT), request.path)
        if served is None or api.get("DisableExecuteApiEndpoint"):
            return told(404, {"message": "Not Found"}, "the API has no such stage with a deployment")
        match = find(served.routes, request.method, path)
        if match is None:
            return told(404, {"message": "Not Found"}, f"no route takes {request.method} {path}")
        stage = served.stage["StageName"]
        where = DEFAULT if match.key == DEFAULT else f"{request.method}{unquote(path)}"
        source = f"arn:aws:execute-api:{served.region}:{LOCAL_ACCOUNT}:{api['ApiId']}/{stage}/{where}"
        taken = Taken(request=request, served=served, match=match, source=source)
        if not self._let_through(taken):
            return told(429, {"message": "Too Many Requests"}, f"the limit of {match.key} in the stage {stage}")
        authorizer = self._authorized(taken)
        return authorizer if isinstance(authorizer, Answer) else self._function(taken, authorizer)

    def _let_through(self, taken: Taken) -> bool:
        stage, key = taken.served.stage, taken.match.key
        own = (stage.get("RouteSettings") or {}).get(key) or {}
        settings = {**(stage.get("DefaultRouteSettings") or {}), **own}
        rate, burst = settings.get("ThrottlingRateLimit"), settings.get("ThrottlingBurstLimit")
        if rate is None and burst is None:
            return True
        name = f"{taken.served.api['ApiId']}/{stage['StageName']}/{key if own else ''}"
        return self.buckets.take(name, RATE if rate is None else rate, BURST if burst is None else burst)

    def _authorized(self, taken: Taken) -> Mapping[str, Any] | Answer:
        kind = taken.route["AuthorizationType"]
        if kind == "JWT":
            return self._by_token(taken)
        if kind == "AWS_IAM":
            return self._by_signature(taken)
        return {}

    def _by_signature(self, taken: Taken) -> Mapping[str, Any] | Answer:
        request = taken.request
        if request.access_key and request.region != taken.served.region:
            region = taken.served.region
            return told(403, {"message": f"Credential should be scoped to a valid region: '{region}'."})
        try:
            signed = self._signer(request, "execute-api")
        except SignatureError as error:
            return told(403, {"message": "Forbidden"}, str(error))
        if signed is not None and (why := self._may(signed, "execute-api:Invoke", taken.source)):
            return told(403, {"message": "Forbidden"}, why)
        return iam_context(signed, request.access_key)

    def _by_token(self, taken: Taken) -> Mapping[str, Any] | Answer:
        authorizer = taken.served.authorizers[taken.route["AuthorizerId"]]
        jwt, token = authorizer["JwtConfiguration"], _identity(authorizer["IdentitySource"][0], taken.request)
        if not token:
            reason = f"{authorizer['IdentitySource'][0]} is not there"
            return told(401, {"message": "Unauthorized"}, reason, **{"www-authenticate": "Bearer"})
        try:
            found = tokens.claims(token, jwt["Issuer"], jwt["Audience"], self._issuers.key, time.time())
        except tokens.TokenError as error:
            said = {
                "www-authenticate": 'Bearer scope="" error="invalid_token" error_description="the token is invalid"'
            }
            return told(401, {"message": "Unauthorized"}, f"the token: {error}", **said)
        held, wanted = tokens.scopes(found), taken.route.get("AuthorizationScopes") or []
        if wanted and not set(held) & set(wanted):
            return told(403, {"message": "Forbidden"}, f"the token has none of the scopes {', '.join(wanted)}")
        return {"jwt": {"claims": {name: _text(value) for name, value in found.items()}, "scopes": held or None}}

    def _function(self, taken: Taken, authorizer: Mapping[str, Any]) -> Answer:
        integration = taken.served.integrations.get(str(taken.route.get("Target", "")).removeprefix("integrations/"))
        if integration is None:
            return told(500, ERROR, f"the route {taken.match.key} has no integration")
        arn = function_arn(integration["IntegrationUri"])
        if not gateway_may(arn, taken.source):
            reason = (
                f"the policy of {arn} does not let apigateway.amazonaws.com invoke it for {taken.source}: AddPermission"
            )
            return told(500, ERROR, reason)
        began = time.monotonic()
        try:
            result = asked(self._invocations, arn.split(":")[3], arn, event(taken.request, _asked(taken, authorizer)))
            if time.monotonic() - began > integration["TimeoutInMillis"] / 1000:
                return told(503, {"message": "Service Unavailable"}, f"{arn} took longer than the integration waits")
            if result.failed:
                return told(500, ERROR, f"{arn} failed: {result.payload}")
            return answer(result.payload)
        except TooLargeError:
            return told(413, {"message": "Request Entity Too Large"})
        except BadAnswerError as error:
            return told(500, ERROR, f"{arn} answered with no HTTP answer: {error}")
        except ApiError as error:
            status = {429: 503, 501: 501}.get(error.status, 500)
            return told(status, {"message": "Service Unavailable"} if status == 503 else ERROR, error.message)


def _asked(taken: Taken, authorizer: Mapping[str, Any]) -> Asked:
    variables = taken.served.stage.get("StageVariables")
    return Asked(
        id=new_id(),
        api=taken.served.api["ApiId"],
        account=LOCAL_ACCOUNT,
        domain=taken.request.headers.get("host", ""),
        path=unquote(taken.request.path),
        at=time.time(),
        route=taken.match.key,
        stage=taken.served.stage["StageName"],
        authorizer=authorizer,
        more={
            **({"pathParameters": taken.match.parameters} if taken.match.parameters else {}),
            **({"stageVariables": variables} if variables else {}),
        },
    )


def _identity(source: str, request: Request) -> str:
    """The token, without the word Bearer."""
    match = SOURCE.fullmatch(source)
    if match is None:
        return ""
    in_header = match[1] == "header"
    said = request.headers.get(match[2].lower(), "") if in_header else parse_qs(request.query).get(match[2], [""])[0]
    scheme, _, rest = said.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else said


def _text(value: Any) -> str:
    """A claim as the event has it: a text."""
    if isinstance(value, list):
        return f"[{' '.join(str(each) for each in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _apart(path: str) -> tuple[str, str]:
    """The first part of a path, and what follows it."""
    first, slash, rest = path[1:].partition("/")
    return first, f"/{rest}" if slash else "/"
