"""HttpApi: an endpoint behind an HTTP API, for callers that sign (IAM) or bring a token (JWT), as many a second as it lets through.

In: an endpoint and values that refuse what API Gateway would; out: the address. Without more it takes signed requests alone, answers no page of
another site, lets 50 requests a second through, and its function may invoke that endpoint and write its own log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pulumi
import pulumi_aws as aws

from fogbank.components.endpoint import Endpoint
from fogbank.components.function import Code, function
from fogbank.components.others import addressed
from fogbank.components.refusals import refuse
from fogbank.contracts.tokens import HTTP_API

FORWARDING = Path(__file__).with_name("api_handler.py")
"""What runs where a project has no handler of its own."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*")
LONGEST_S, LONGEST_AGE_S = 30, 86400
MOST_RATE, MOST_BURST = 10000, 5000


@dataclass(frozen=True, kw_only=True)
class Jwt:
    """Tokens of an `issuer` (its https address) for one of `audience`; with `scopes`, tokens that have one of them."""

    issuer: str
    audience: Sequence[str]
    scopes: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what API Gateway would."""
        place = urlparse(self.issuer)
        local = place.scheme == "http" and place.hostname in {"127.0.0.1", "localhost"}
        problems = [] if place.scheme == "https" or local else [f"issuer must be an https address, not {self.issuer!r}"]
        refuse([*problems, *([] if self.audience else ["audience must name who the tokens are for"])])


SIGNED = ("x-amz-content-sha256", "x-amz-date", "x-amz-security-token")
"""What a signature of IAM travels in, beside `authorization`."""


@dataclass(frozen=True, kw_only=True)
class Cors:
    """Pages of `origins` may call the API from a browser, with these `headers`: a token's, or those of a request that is signed with SigV4."""

    origins: Sequence[str]
    headers: Sequence[str] = ("authorization", "content-type", *SIGNED)
    methods: Sequence[str] = ("POST",)
    max_age_s: int = 300

    def __post_init__(self) -> None:
        """Refuse what API Gateway would."""
        problems = [] if self.origins else ["origins must name the sites whose pages may call"]
        problems += [
            f"an origin is a scheme and a host, such as https://shop.example, not {origin!r}"
            for origin in self.origins
            if origin != "*" and (not urlparse(origin).netloc or urlparse(origin).path)
        ]
        problems += [f"methods has {method!r}, which is none" for method in self.methods if method not in METHODS]
        if not 0 <= self.max_age_s <= LONGEST_AGE_S:
            problems.append(f"max_age_s must be 0 to {LONGEST_AGE_S}, not {self.max_age_s}")
        refuse(problems)

    def args(self) -> dict[str, Any]:
        """As pulumi-aws takes it."""
        return {
            "allow_origins": list(self.origins),
            "allow_headers": list(self.headers),
            "allow_methods": list(self.methods),
            "max_age": self.max_age_s,
        }


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """At most `rate` requests a second in the long run, and `burst` at once."""

    rate: float = 50
    burst: int = 100

    def __post_init__(self) -> None:
        """Refuse what an account has not, or what would let nobody in."""
        problems = []
        if not 0 < self.rate <= MOST_RATE:
            problems.append(f"rate must be above 0 and at most {MOST_RATE}, not {self.rate}")
        if not 1 <= self.burst <= MOST_BURST:
            problems.append(f"burst must be 1 to {MOST_BURST}, not {self.burst}")
        refuse(problems)


class HttpApi(pulumi.ComponentResource):
    """An HTTP API in front of an endpoint.

    `authorization` is a `Jwt`; without one callers sign with IAM (`execute-api:Invoke` on `execution_arn`). `cors` lets pages of other sites call.
    `path` is where it takes POSTs. `handler` is a module of the project's `handlers/` with a function `handler`, which finds the endpoint's name in
    ENDPOINT_NAME; without one bodies are handed on as they are. The function may work for `timeout_s`; its log is kept for `log_days`.

    Outputs: `url`, `execution_arn`, `function_name`.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint: Endpoint,
        authorization: Jwt | None = None,
        cors: Cors | None = None,
        throttle: Throttle | None = None,
        path: str = "/invocations",
        handler: Path | None = None,
        timeout_s: int = 29,
        log_days: int = 30,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        refuse([*_refused(path, handler, timeout_s), *_unasked(endpoint, handler)], f"the HTTP API {name} has")
        super().__init__(HTTP_API, name, None, opts)
        child, limits = pulumi.ResourceOptions(parent=self), throttle or Throttle()
        code = Code(module=handler or FORWARDING, entry="handler", timeout_s=timeout_s, log_days=log_days)
        called = function(
            self,
            name,
            code,
            may=endpoint.endpoint_arn.apply(invoking),
            variables={"ENDPOINT_NAME": endpoint.endpoint_name},
            boundary=endpoint.service.permissions_boundary,
        )
        api = aws.apigatewayv2.Api(
            f"{name}-api",
            protocol_type="HTTP",
            cors_configuration=cors.args() if cors else None,  # type: ignore[arg-type]  # a dict of its members
            opts=child,
        )
        integration = aws.apigatewayv2.Integration(
            f"{name}-integration",
            api_id=api.id,
            integration_type="AWS_PROXY",
            integration_uri=called.arn,
            payload_format_version="2.0",
            opts=child,
        )
        route = aws.apigatewayv2.Route(
            f"{name}-route",
            api_id=api.id,
            route_key=f"POST {path}",
            target=pulumi.Output.format("integrations/{0}", integration.id),
            **_authorized(self, name, api.id, authorization),
            opts=child,
        )
        stage = aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=api.id,
            name="$default",
            auto_deploy=True,
            default_route_settings={"throttling_rate_limit": limits.rate, "throttling_burst_limit": limits.burst},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route]),
        )
        self.execution_arn = pulumi.Output.format("{0}/*/POST{1}", api.execution_arn, path)
        aws.lambda_.Permission(
            f"{name}-permission",
            function=called.name,
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            source_arn=self.execution_arn,
            opts=child,
        )
        self.url = pulumi.Output.all(api.api_endpoint, stage.id).apply(lambda known: f"{known[0]}{path}")
        self.function_name = called.name
        self.register_outputs(
            {"url": self.url, "execution_arn": self.execution_arn, "function_name": self.function_name}
        )


def invoking(endpoint: str) -> list[dict[str, Any]]:
    """Invoke one endpoint."""
    return [{"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": endpoint}]


def _refused(path: str, handler: Path | None, timeout_s: int) -> Iterator[str]:
    if not path.startswith("/") or "{" in path or " " in path:
        yield f"a path that is none: {path!r}"
    if handler is not None and not handler.is_file():
        yield f"a handler that is not there: {handler}"
    if not 1 <= timeout_s < LONGEST_S:
        yield f"timeout_s {timeout_s}: an HTTP API waits for less than {LONGEST_S} seconds"


def _unasked(endpoint: Endpoint, handler: Path | None) -> Iterator[str]:
    """What a body that is handed on does not reach."""
    if endpoint.asynchronous is not None:
        yield "an asynchronous endpoint answers in S3: there is nothing that a caller could be given"
    if handler is None and addressed(endpoint.service.others):
        yield "a request must name a model or a container: give a handler that does"


def _authorized(
    component: HttpApi, name: str, api: pulumi.Output[str], authorization: Jwt | None
) -> dict[str, Any]:  # fmt: skip
    """The route's own arguments: signatures, or tokens of an authorizer."""
    if authorization is None:
        return {"authorization_type": "AWS_IAM"}
    authorizer = aws.apigatewayv2.Authorizer(
        f"{name}-authorizer",
        api_id=api,
        authorizer_type="JWT",
        identity_sources=["$request.header.Authorization"],
        jwt_configuration={"issuer": authorization.issuer, "audiences": list(authorization.audience)},
        opts=pulumi.ResourceOptions(parent=component),
    )
    scopes = {"authorization_scopes": list(authorization.scopes)} if authorization.scopes else {}
    return {"authorization_type": "JWT", "authorizer_id": authorizer.id, **scopes}
