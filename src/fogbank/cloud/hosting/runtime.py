"""The invocation data plane on the event loop: InvokeEndpoint, from the caller's headers to an instance and back.

What ends in one turn of the loop is counted, and captured in one write, before any of it is answered. Errors are SageMaker's:
ValidationError for what the caller named wrongly, ModelError (424) with the container's own status and words for what the model
answered, and status 0 for a model that did not answer in time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from urllib.parse import unquote

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.hosting import serverless
from fogbank.cloud.hosting.acceptance import Acceptance
from fogbank.cloud.hosting.address import TARGET_MODEL
from fogbank.cloud.hosting.component_traffic import INFERENCE_COMPONENT, TARGET_VARIANT, ComponentTraffic
from fogbank.cloud.hosting.components import Components
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.invocation import Invocation, Outcome
from fogbank.cloud.hosting.pipeline import TARGET_CONTAINER
from fogbank.cloud.hosting.refused import invalid, not_serving, refusal
from fogbank.cloud.hosting.router import NoTrafficError, Router
from fogbank.cloud.hosting.sessions import CLOSED, NEW_SESSION, SESSION, Sessions, gone
from fogbank.cloud.hosting.shadows import Mirror
from fogbank.cloud.hosting.streams import HEADER, Stream, answer_headers, measures
from fogbank.cloud.hosting.variant import Variant
from fogbank.cloud.observe.capture import Recorder
from fogbank.cloud.observe.metrics import Counted, Metrics
from fogbank.contracts.container import HOSTING_PAYLOAD_LIMIT
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
LOOK_S = 0.02
"""How often who waits for an instance is looked after."""
PREFIX, SUFFIX, STREAM = "/endpoints/", "/invocations", "/invocations-response-stream"
FORWARDED = (
    "content-type",
    "accept",
    HEADER + "custom-attributes",
    HEADER + "inference-id",
    "traceparent",
    "tracestate",
)
EXPLANATIONS = HEADER + "enable-explanations"
LONGEST = {HEADER + "custom-attributes": ("customAttributes", 1024), HEADER + "inference-id": ("inferenceId", 64)}
"""Headers to their members, and how long a value may be (botocore's model)."""
NAMING = frozenset({TARGET_MODEL, TARGET_CONTAINER, SESSION})
LONGEST_QUOTE = 1024


class Runtime:
    """Invokes endpoints, records what was captured and counts. All of it runs on the event loop."""

    def __init__(
        self,
        endpoints: Endpoints,
        components: Components,
        acceptance: Acceptance,
        recorder: Recorder,
        metrics: Metrics,
    ) -> None:
        self._endpoints = endpoints
        self._components = ComponentTraffic(endpoints, components, metrics)
        self._acceptance = acceptance
        self._recorder = recorder
        self._metrics = metrics
        self._mirror = Mirror(self)
        self._sessions = Sessions()
        self._waiting: list[Invocation] = []
        self._ended: list[Invocation] = []

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether the path is one of the runtime's."""
        return request.path.startswith(PREFIX) and request.service in {"sagemaker", ""}

    def start(self, request: Request, done: Done) -> None:
        """Begin to answer a runtime call."""
        if self._acceptance.takes(request):
            self._acceptance.start(request, done)
            return
        stream = None
        if not request.path.endswith(SUFFIX) and request.path.endswith(STREAM):
            stream = Stream(done)
        if not (stream or request.path.endswith(SUFFIX)) or request.method != "POST":
            what = f"sagemaker-runtime {request.method} {request.path.rpartition('/')[2]}"
            done(error_answer(request, 501, "NotImplemented", f"fogbank does not have {what} yet"))
            return
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        invocation = Invocation(request, headers, self, stream or done, stream)
        try:
            check_request(request)
            if stream is not None:
                stream.takes(request.headers, headers)
            if not request.headers.keys().isdisjoint(NAMING):
                self._named(invocation)
        except ApiError as error:
            done(refusal(request, error))
            return
        invocation.begin()

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
                return refusal(request, invocation.error or ApiError("InternalFailure", "it has no outcome", 500))
            self._count(invocation, variant, outcome)
            if variant.shadow is not None:
                self._mirror.reflect(request, invocation.headers, variant.shadow, random.random)
            source = variant.plan.source
            if not 200 <= outcome.status < 300:
                said = outcome.body.decode(errors="replace")
                return refusal(request, _model_error(outcome, said, source.region, source.endpoint))
            if (capture := variant.plan.capture) and invocation.stream is None:
                observed = outcome.headers.get("content-type", "")
                self._recorder.record(request, source, capture, outcome.body, observed)
            headers = answer_headers(outcome.headers, source.variant)
            if SESSION in request.headers or CLOSED in outcome.headers:
                new = request.headers.get(SESSION) == NEW_SESSION
                headers |= self._sessions.heard(outcome.headers, variant, invocation.instance, new=new)
            return Answer(headers=headers, body=outcome.body)
        except Exception as error:  # whoever asked is answered, whatever happens
            log.exception("%s", request.path)
            return error_answer(request, 500, "InternalFailure", f"the local cloud failed: {error!r}")

    def _count(self, invocation: Invocation, variant: Variant, outcome: Outcome) -> None:
        overhead_s = time.perf_counter() - invocation.started - outcome.model_s
        source = variant.plan.source
        self._metrics.add(
            Counted(source, "" if source.component else variant.plan.config_name),
            outcome.status,
            0 if variant.plan.concurrency is not None else max(1, variant.pool.running),
            outcome.model_s * 1e6,
            max(0.0, overhead_s * 1e6),
        )
        if source.component:
            share = (variant.pool.outstanding + 1) / max(1, variant.pool.running)
            self._metrics.measure(source, {"ConcurrentRequestsPerCopy": (share, "None")})
        if invocation.stream is not None:
            self._metrics.measure(source, measures(invocation.stream, invocation.started, invocation.asked))

    def choose(self, invocation: Invocation) -> Variant:
        """The variant that gets the request. Raises ComingError, ApiError."""
        request = invocation.request
        name = endpoint_of(request)
        variant = self._pick(request, name)
        if variant.plan.asynchronous:
            raise invalid(
                f"Endpoint {name} of account {LOCAL_ACCOUNT} is asynchronous. Call InvokeEndpointAsync instead."
            )
        if variant.plan.concurrency is not None and request.payload.size > serverless.PAYLOAD_LIMIT:
            raise invalid(_too_large(request, serverless.PAYLOAD_LIMIT))
        variant.plan.address.check(invocation.headers, name)
        return variant

    def _pick(self, request: Request, name: str) -> Variant:
        """A variant by weight or by name, or an inference component. Raises ComingError, ApiError."""
        router = self._endpoints.router(request.region, name)
        if router is None or INFERENCE_COMPONENT in request.headers:
            return self._components.choose(request, name)
        return _route(router, request, name)

    def _named(self, invocation: Invocation) -> None:
        """Let the request have what it names: a model, a container, a session. Raises ApiError."""
        request, headers = invocation.request, invocation.headers
        headers.update({name: request.headers[name] for name in NAMING if name in request.headers})
        if invocation.stream is not None:
            headers.pop(TARGET_MODEL, None)  # the API has no such member, and strips what it does not have
        if SESSION not in headers:
            return
        name = endpoint_of(request)
        session = self._sessions.find(request, name, streamed=invocation.stream is not None)
        if session is not None:
            component = session.variant.plan.source.component
            if request.headers.get(INFERENCE_COMPONENT, "") != component:
                raise gone(headers[SESSION])
            if not component and self._endpoints.router(request.region, name) is None:
                raise not_serving(self._endpoints.find(request.region, name), name)
            session.variant.plan.address.check(headers, name)
            invocation.variant, invocation.only = session.variant, session.instance


def endpoint_of(request: Request) -> str:
    """The name of the endpoint that is invoked."""
    return unquote(request.path[len(PREFIX) : request.path.rindex("/")])


def _too_large(request: Request, limit: int) -> str:
    return f"The request body of {request.payload.size} bytes is over the limit of {limit} bytes."


def check_request(request: Request) -> None:
    """Refuse what is too large, and explanations, which no endpoint here has. Raises ValidationError."""
    for name, (member, most) in LONGEST.items():
        if len(request.headers.get(name, "")) > most:
            raise invalid(
                f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less than or "
                f"equal to {most}"
            )
    if EXPLANATIONS in request.headers:
        raise invalid(
            f"Endpoint {endpoint_of(request)} of account {LOCAL_ACCOUNT} has no ExplainerConfig, which the local cloud does not have yet: "
            "EnableExplanations is refused, not ignored."
        )
    if request.payload.temporary is not None and request.payload.size > HOSTING_PAYLOAD_LIMIT:
        raise invalid(_too_large(request, HOSTING_PAYLOAD_LIMIT))


def _route(router: Router[Variant], request: Request, name: str) -> Variant:
    target = request.headers.get(TARGET_VARIANT)
    try:
        return router.pick(target)
    except KeyError as error:
        raise ApiError("ValidationError", f"Variant {target} of endpoint {name} not found.") from error
    except NoTrafficError as error:
        raise ApiError(
            "ValidationError", f"No variant of endpoint {name} has a weight above 0: name one as the TargetVariant."
        ) from error


def _model_error(outcome: Outcome, said: str, region: str, endpoint: str) -> ApiError:
    status = outcome.status
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
        f"Received {kind} error ({status}) from {outcome.container} with {quoted}. See {console} in account {LOCAL_ACCOUNT} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=said,
        LogStreamArn=f"arn:aws:logs:{region}:{LOCAL_ACCOUNT}:log-group:{group}",
    )
