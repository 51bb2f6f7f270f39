"""What else asks about scalable targets: hosting, before an endpoint is updated or deleted, and IAM, of whom a call asks more.

In: the book; out: the variants that are registered, what a call needs besides its own action, and targets that go with their endpoint.
Sources: SageMaker Developer Guide, "Delete endpoints configured for auto scaling"; Application Auto Scaling User Guide, "Permissions
validation for Application Auto Scaling API calls on target resources" and its identity-based policy for SageMaker endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fogbank.cloud.enforcement.actions import operation_of
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.scaling.book import Book

OF_VARIANTS = "sagemaker:variant:"
NEEDED = (
    "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpointWeightsAndCapacities",
    "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms",
)  # fmt: skip
"""What who registers a variant must be allowed, of any resource: it is tried by calls that name none."""
LACKS_SOME = "User is missing the following permissions: {missing}"
LACKS_DEREGISTERING = (
    "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used to invoke DeleteEndpoint "
    "does not have application-autoscaling:DeregisterScalableTarget permission to deregister the scalable target."
)
"""As a user of AWS quotes it (awslabs/stable-diffusion-aws-extension#161)."""
Need = tuple[str, str, str]
"""An action, a resource, and what AWS says where it is lacking."""


class Dependents:
    """Reads the book for others. `end` deregisters a target, as the call does."""

    def __init__(self, book: Book, end: Callable[[str, Mapping[str, Any]], Any]) -> None:
        self._book, self._end = book, end

    def registered(self, region: str, endpoint: str) -> frozenset[str]:
        """The variants of an endpoint that are scalable targets."""
        return frozenset(target["ResourceId"].rpartition("/")[2] for target in self._targets(region, endpoint))

    def deregister(self, region: str, endpoint: str) -> None:
        """Deregister all of an endpoint that goes; nobody is told."""
        for target in self._targets(region, endpoint):
            self._end(region, target)

    def needs(self, request: Request) -> Iterator[Need]:
        """What a request asks of IAM besides its own action."""
        operation, params = operation_of(request)
        if request.service == "sagemaker" and operation == "DeleteEndpoint":
            for target in self._targets(request.region, str(params.get("EndpointName"))):
                arn = target["ScalableTargetARN"]
                yield "application-autoscaling:DeregisterScalableTarget", arn, LACKS_DEREGISTERING
        if operation == "RegisterScalableTarget" and str(params.get("ScalableDimension")).startswith(OF_VARIANTS):
            yield from ((action, "*", LACKS_SOME) for action in NEEDED)

    def _targets(self, region: str, endpoint: str) -> list[Document]:
        start = f"endpoint/{endpoint}/variant/"
        return [target for _, target in self._book.targets(region) if target["ResourceId"].startswith(start)]
