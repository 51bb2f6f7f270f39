"""The invocation data plane: InvokeEndpoint, from the caller's headers to an instance and back.

Errors are SageMaker's: ValidationError for what the caller named wrongly, ModelError (424) with the container's own status
and words for what the model answered, and status 0 for a model that did not answer in time.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.instance import FleetGoneError, InstanceDownError, InstanceTimeoutError
from fogbank.cloud.hosting.router import NoTrafficError, Router
from fogbank.cloud.hosting.variant import Variant
from fogbank.cloud.observe.capture import Recorder
from fogbank.cloud.observe.metrics import Invocation, Metrics
from fogbank.contracts.container import HOSTING_PAYLOAD_LIMIT
from fogbank.ground.aws import LOCAL_ACCOUNT

PREFIX, SUFFIX = "/endpoints/", "/invocations"
HEADER = "x-amzn-sagemaker-"
FORWARDED = (
    "content-type",
    "accept",
    HEADER + "custom-attributes",
    HEADER + "inference-id",
    "traceparent",
    "tracestate",
)
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each "
    "container in Amazon CloudWatch, resolve the issue, and try again."
)
UNSUPPORTED = tuple(
    HEADER + name for name in ("target-model", "target-container-hostname", "inference-component", "session-id")
)
LONGEST_QUOTE = 1024


class Runtime:
    """Invokes endpoints, records what was captured and counts."""

    def __init__(self, endpoints: Endpoints, recorder: Recorder, metrics: Metrics) -> None:
        self._endpoints = endpoints
        self._recorder = recorder
        self._metrics = metrics

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether the path is one of the runtime's."""
        return request.path.startswith(PREFIX) and request.service in {"sagemaker", ""}

    def handle(self, request: Request) -> Answer:
        """Answer a runtime call."""
        if not request.path.endswith(SUFFIX) or request.method != "POST":
            return error_answer(
                request,
                501,
                "NotImplemented",
                f"fogbank does not have sagemaker-runtime {request.method} {request.path.rpartition('/')[2]} yet",
            )
        try:
            return self._invoke(request, unquote(request.path[len(PREFIX) : -len(SUFFIX)]))
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message, **error.members)

    def _invoke(self, request: Request, name: str) -> Answer:
        check_request(request)
        started = time.perf_counter()
        variant, outcome = self._ask(request, name)
        source = variant.plan.source
        self._metrics.add(
            Invocation(
                region=source.region,
                endpoint=source.endpoint,
                variant=source.variant,
                instances=max(1, variant.pool.running),
                status=outcome.status,
                model_us=outcome.model_s * 1e6,
                overhead_us=max(0.0, (time.perf_counter() - started - outcome.model_s) * 1e6),
            )
        )
        if not 200 <= outcome.status < 300:
            raise _model_error(outcome.status, outcome.body.decode(errors="replace"), source.region, name)
        if capture := variant.plan.capture:
            self._recorder.record(request, source, capture, outcome.body, outcome.headers.get("content-type", ""))
        return _answer(outcome, source.variant)

    def _ask(self, request: Request, name: str) -> tuple[Variant, Outcome]:
        """Route the request and ask; where the fleet went while the request came, route it again."""
        while True:
            router = self._endpoints.router(request.region, name)
            if router is None:
                raise self._not_serving(request.region, name)
            variant = _route(router, request, name)
            try:
                return variant, _ask(variant, request)
            except FleetGoneError:
                continue

    def _not_serving(self, region: str, name: str) -> ApiError:
        record = self._endpoints.find(region, name)
        if record is None:
            return ApiError("ValidationError", f"Endpoint {name} of account {LOCAL_ACCOUNT} not found.")
        status = record.public["EndpointStatus"]
        return ApiError(
            "ValidationError", f"Endpoint {name} of account {LOCAL_ACCOUNT} is not InService (it is {status})."
        )


def check_request(request: Request) -> None:
    """Refuse a body that is too large, and what the local cloud lacks. Raises ValidationError."""
    if len(request.body) > HOSTING_PAYLOAD_LIMIT:
        raise ApiError(
            "ValidationError",
            f"The request body of {len(request.body)} bytes is over the limit of {HOSTING_PAYLOAD_LIMIT} bytes.",
        )
    for header in UNSUPPORTED:
        if header in request.headers:
            raise ApiError(
                "ValidationError", f"The local cloud does not have {header} yet; it is refused, not ignored."
            )


def _route(router: Router[Variant], request: Request, name: str) -> Variant:
    target = request.headers.get(HEADER + "target-variant")
    try:
        return router.pick(target)
    except KeyError as error:
        raise ApiError("ValidationError", f"Variant {target} of endpoint {name} not found.") from error
    except NoTrafficError as error:
        raise ApiError(
            "ValidationError", f"No variant of endpoint {name} has a weight above 0: name one as the TargetVariant."
        ) from error


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a request to a container; `status` 0 where it did not answer. Header names are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    model_s: float


def _ask(variant: Variant, request: Request) -> Outcome:
    headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
    answered: Mapping[str, str] = {}
    started = time.perf_counter()
    try:
        reply = variant.invoke(request.body, headers)
        status, body = reply.status, reply.data
        answered = {name.lower(): value for name, value in reply.headers.items()}
    except InstanceTimeoutError:
        status, body = 0, TIMED_OUT.encode()
    except InstanceDownError as error:
        status, body = 0, f"the container died while it answered: {error}".encode()
    return Outcome(status=status, body=body, headers=answered, model_s=time.perf_counter() - started)


def _answer(outcome: Outcome, variant: str) -> Answer:
    headers = {
        "Content-Type": outcome.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    if attributes := outcome.headers.get(HEADER + "custom-attributes"):
        headers["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    return Answer(headers=headers, body=outcome.body)


def _model_error(status: int, said: str, region: str, endpoint: str) -> ApiError:
    kind = "client" if 400 <= status < 500 else "server"
    quoted = (
        f'message "{said}"'
        if len(said) <= LONGEST_QUOTE
        else f'message "{said[:LONGEST_QUOTE]}" and could not load the entire response body'
    )
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group}"
    return ApiError(
        "ModelError",
        f"Received {kind} error ({status}) from primary with {quoted}. See {console} in account {LOCAL_ACCOUNT} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=said,
        LogStreamArn=f"arn:aws:logs:{region}:{LOCAL_ACCOUNT}:log-group:{group}",
    )
