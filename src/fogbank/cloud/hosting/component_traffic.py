"""Who gets a request that names an inference component, and what is told to who names none, or one that is not there.

In: a request to an endpoint; out: the component's pool, or SageMaker's error. The sentences are those that others quote from AWS
(langchain-ai/langchain#14344, BerriAI/litellm#37766); that of a component that is not there is not AWS's.
"""

from __future__ import annotations

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.hosting.components import Components
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.refused import invalid, not_serving
from fogbank.cloud.hosting.streams import HEADER
from fogbank.cloud.hosting.variant import Variant
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.metrics import Metrics
from fogbank.ground.aws import LOCAL_ACCOUNT

INFERENCE_COMPONENT = HEADER + "inference-component"
TARGET_VARIANT = HEADER + "target-variant"
MISSING = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference components. Please include "
    "Inference Component Name header or consider using SageMaker models."
)
NOT_ALLOWED = (
    "Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference components. Please remove "
    "the Inference Component Name header and try again."
)
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if configured) or try to "
    "increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)


class ComponentTraffic:
    """Finds the component of a request; on the event loop alone."""

    def __init__(self, endpoints: Endpoints, components: Components, metrics: Metrics) -> None:
        self._endpoints, self._components, self._metrics = endpoints, components, metrics

    def choose(self, request: Request, endpoint: str) -> Variant:
        """What gets a request to an endpoint that has no models of its own. Raises ComingError, ApiError."""
        named = request.headers.get(INFERENCE_COMPONENT, "")
        serving = self._components.copies.find((request.region, named)) if named else None
        if serving is None or serving.variant.plan.source.endpoint != endpoint:
            raise self._refusal(request, endpoint, named)
        source = serving.variant.plan.source
        target = request.headers.get(TARGET_VARIANT)
        if target and target != source.variant:
            raise invalid(f"Variant {target} of endpoint {endpoint} does not host the inference component {named}.")
        if not serving.part.copies and not serving.variant.pool.running:
            raise self._no_capacity(source)
        return serving.variant

    def _refusal(self, request: Request, endpoint: str, named: str) -> ApiError:
        """Why a request goes nowhere."""
        record = self._endpoints.find(request.region, endpoint)
        if record is None or record.state.live is None or record.public["EndpointStatus"] == "Deleting":
            return not_serving(record, endpoint)
        if not record.state.live.hosts_components:
            return invalid(NOT_ALLOWED) if named else not_serving(record, endpoint)
        if not named:
            return ApiError("ValidationError", MISSING, 400, ErrorCode="INFERENCE_COMPONENT_NAME_MISSING")
        component = self._components.find(request.region, named)
        if component is None or component.public["EndpointName"] != endpoint:
            return invalid(
                f"Inference component {named} of account {LOCAL_ACCOUNT} not found on the endpoint {endpoint}."
            )
        return self._no_capacity(Source(request.region, endpoint, component.public["VariantName"], named))

    def _no_capacity(self, source: Source) -> ApiError:
        """It is counted, so that an alarm can have copies started."""
        self._metrics.measure(source, {"NoCapacityInvocationFailures": (1.0, "None")})
        return invalid(NO_CAPACITY)
