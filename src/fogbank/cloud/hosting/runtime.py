"""The invocation data plane: InvokeEndpoint, from the caller's headers to an instance and back.

Errors are SageMaker's: ValidationError for what the caller named wrongly, ModelError (424) with the container's own status
and words for what the model answered, and status 0 for a model that did not answer in time.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.hosting.endpoints import KIND, Endpoints
from fogbank.cloud.hosting.fleets import Fleet
from fogbank.cloud.hosting.instance import InstanceDownError, InstanceTimeoutError
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
RESUME_WAIT_S = 60.0
UNSUPPORTED = tuple(
    HEADER + name for name in ("target-model", "target-container-hostname", "inference-component", "session-id")
)
LONGEST_QUOTE = 1024


class Runtime:
    """Invokes endpoints, records what was captured and counts."""

    def __init__(
        self,
        store: Store,
        endpoints: Endpoints,
        recorder: Recorder,
        metrics: Metrics,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store, self._endpoints, self._recorder, self._metrics, self._sleep = (
            store,
            endpoints,
            recorder,
            metrics,
            sleep,
        )

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether the path is one of the runtime's."""
        return request.path.startswith(PREFIX)

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
        document = self._store.get(KIND, request.region, name)
        if document is None:
            raise ApiError("ValidationError", f"Endpoint {name} of account {LOCAL_ACCOUNT} not found.")
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
        fleet = self._serving(request.region, name)
        target = request.headers.get(HEADER + "target-variant")
        try:
            variant = fleet.route(target)
        except KeyError as error:
            raise ApiError("ValidationError", f"Variant {target} of endpoint {name} not found.") from error
        started = time.perf_counter()
        status, body, headers, model_s = _ask(variant.invoke, request)
        self._metrics.add(
            Invocation(
                region=request.region,
                endpoint=name,
                variant=variant.plan.name,
                instances=max(1, len(variant.instances)),
                status=status,
                model_us=model_s * 1e6,
                overhead_us=max(0.0, (time.perf_counter() - started - model_s) * 1e6),
            )
        )
        if not 200 <= status < 300:
            raise _model_error(status, body.decode(errors="replace"), request.region, name)
        capture = document["_config"].get("DataCaptureConfig")
        if capture and capture.get("EnableCapture", True):
            self._recorder.record(request, name, variant.plan.name, capture, body, headers.get("content-type", ""))
        answer = {
            "Content-Type": headers.get("content-type", "application/octet-stream"),
            "x-Amzn-Invoked-Production-Variant": variant.plan.name,
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        if attributes := headers.get(HEADER + "custom-attributes"):
            answer["X-Amzn-SageMaker-Custom-Attributes"] = attributes
        return Answer(headers=answer, body=body)

    def _serving(self, region: str, name: str) -> Fleet:
        """The endpoint's fleet; after a restart of the cloud, wait for it to come up again."""
        deadline = time.monotonic() + RESUME_WAIT_S
        while True:
            fleet = self._endpoints.fleet(region, name)
            if fleet is not None:
                return fleet
            document = self._store.get(KIND, region, name)
            if not _resuming(document) or time.monotonic() > deadline:
                status = document["EndpointStatus"] if document else "deleted"
                raise ApiError(
                    "ValidationError", f"Endpoint {name} of account {LOCAL_ACCOUNT} is not InService (it is {status})."
                )
            self._sleep(0.02)


def _resuming(document: Document | None) -> bool:
    return document is not None and document["EndpointStatus"] == "Updating"


def _ask(invoke: Callable[..., object], request: Request) -> tuple[int, bytes, Mapping[str, str], float]:
    headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
    started = time.perf_counter()
    try:
        reply = invoke(request.body, headers)
        answered = {name.lower(): value for name, value in reply.headers.items()}  # type: ignore[attr-defined]  # a urllib3 response
        return reply.status, reply.data, answered, time.perf_counter() - started  # type: ignore[attr-defined]  # as above
    except InstanceTimeoutError:
        return 0, TIMED_OUT.encode(), {}, time.perf_counter() - started
    except InstanceDownError as error:
        return 0, f"the container died while it answered: {error}".encode(), {}, time.perf_counter() - started


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
