"""The invocation data plane on the event loop: InvokeEndpoint, from the caller's headers to an instance and back.

What ends in one turn of the loop is counted, and captured in one write, before any of it is answered. Errors are SageMaker's:
ValidationError for what the caller named wrongly, ModelError (424) with the container's own status and words for what the model
answered, and status 0 for a model that did not answer in time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from urllib.parse import unquote

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.wire import Answer, Request, error_answer, new_id
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.invocation import Invocation, Outcome
from fogbank.cloud.hosting.router import NoTrafficError, Router
from fogbank.cloud.hosting.variant import Variant
from fogbank.cloud.observe.capture import Recorder
from fogbank.cloud.observe.metrics import Invocation as Sample
from fogbank.cloud.observe.metrics import Metrics
from fogbank.contracts.container import HOSTING_PAYLOAD_LIMIT
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
LOOK_S = 0.02
"""How often who waits for an instance is looked after."""
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
UNSUPPORTED = tuple(
    HEADER + name for name in ("target-model", "target-container-hostname", "inference-component", "session-id")
)
LONGEST_QUOTE = 1024


class Runtime:
    """Invokes endpoints, records what was captured and counts. All of it runs on the event loop."""

    def __init__(self, endpoints: Endpoints, recorder: Recorder, metrics: Metrics) -> None:
        self._endpoints = endpoints
        self._recorder = recorder
        self._metrics = metrics
        self._waiting: list[Invocation] = []
        self._ended: list[Invocation] = []

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether the path is one of the runtime's."""
        return request.path.startswith(PREFIX) and request.service in {"sagemaker", ""}

    def start(self, request: Request, done: Done) -> None:
        """Begin to answer a runtime call."""
        if not request.path.endswith(SUFFIX) or request.method != "POST":
            what = f"sagemaker-runtime {request.method} {request.path.rpartition('/')[2]}"
            done(error_answer(request, 501, "NotImplemented", f"fogbank does not have {what} yet"))
            return
        try:
            check_request(request)
        except ApiError as error:
            done(_refusal(request, error))
            return
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        name = unquote(request.path[len(PREFIX) : -len(SUFFIX)])
        Invocation(request, headers, partial(self._choose, request, name), self, done).begin()

    def wait(self, invocation: Invocation) -> None:
        """Look after it in a moment."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(LOOK_S, self._look)
        self._waiting.append(invocation)

    def ended(self, invocation: Invocation) -> None:
        """Answer it with all others that end in this turn of the loop."""
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._finish)
        self._ended.append(invocation)

    def _look(self) -> None:
        waiting, self._waiting = self._waiting, []
        for invocation in waiting:
            invocation.begin()

    def _finish(self) -> None:
        ended, self._ended = self._ended, []
        answers = [(invocation.done, self._answer(invocation)) for invocation in ended]
        self._recorder.write()
        for done, answer in answers:
            try:
                done(answer)
            except Exception:  # one peer's answer that cannot be written must not keep the others waiting for theirs
                log.exception("an answer could not be written")

    def _answer(self, invocation: Invocation) -> Answer:
        request = invocation.request
        try:
            variant, outcome = invocation.variant, invocation.outcome
            if variant is None or outcome is None:
                return _refusal(request, invocation.error or ApiError("InternalFailure", "it has no outcome", 500))
            self._count(invocation, variant, outcome)
            source = variant.plan.source
            if not 200 <= outcome.status < 300:
                said = outcome.body.decode(errors="replace")
                return _refusal(request, _model_error(outcome.status, said, source.region, source.endpoint))
            if capture := variant.plan.capture:
                observed = outcome.headers.get("content-type", "")
                self._recorder.record(request, source, capture, outcome.body, observed)
            return _answer(outcome, source.variant)
        except Exception as error:  # whoever asked is answered, whatever happens
            log.exception("%s", request.path)
            return error_answer(request, 500, "InternalFailure", f"the local cloud failed: {error!r}")

    def _count(self, invocation: Invocation, variant: Variant, outcome: Outcome) -> None:
        source = variant.plan.source
        whole_s = time.perf_counter() - invocation.started
        self._metrics.add(
            Sample(
                region=source.region,
                endpoint=source.endpoint,
                variant=source.variant,
                instances=max(1, variant.pool.running),
                status=outcome.status,
                model_us=outcome.model_s * 1e6,
                overhead_us=max(0.0, (whole_s - outcome.model_s) * 1e6),
            )
        )

    def _choose(self, request: Request, name: str) -> Variant:
        """The variant that gets the request. Raises ComingError, ApiError."""
        router = self._endpoints.router(request.region, name)
        if router is None:
            raise self._not_serving(request.region, name)
        return _route(router, request, name)

    def _not_serving(self, region: str, name: str) -> ApiError:
        record = self._endpoints.find(region, name)
        if record is None:
            return ApiError("ValidationError", f"Endpoint {name} of account {LOCAL_ACCOUNT} not found.")
        status = record.public["EndpointStatus"]
        return ApiError(
            "ValidationError", f"Endpoint {name} of account {LOCAL_ACCOUNT} is not InService (it is {status})."
        )


def _refusal(request: Request, error: ApiError) -> Answer:
    return error_answer(request, error.status, error.code, error.message, **error.members)


def check_request(request: Request) -> None:
    """Refuse a body that is too large, and what the local cloud lacks. Raises ValidationError."""
    if request.payload.temporary is not None and request.payload.size > HOSTING_PAYLOAD_LIMIT:
        raise ApiError(
            "ValidationError",
            f"The request body of {request.payload.size} bytes is over the limit of {HOSTING_PAYLOAD_LIMIT} bytes.",
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


def _answer(outcome: Outcome, variant: str) -> Answer:
    headers = {
        "Content-Type": outcome.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant,
        "x-amzn-RequestId": new_id(),
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
