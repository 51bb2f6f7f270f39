"""What a request may name of a variant: a model of a multi-model container, a container of several. Pure.

In: a Model and a request's headers; out: nothing, or the error of who names what is not there. Sources: AWS Developer Guide, "Invoke a
multi-container endpoint with direct invocation"; the words about target models as aws/amazon-sagemaker-examples#1026 and
aws/sagemaker-tensorflow-serving-container#166 quote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.models import containers, is_direct
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import new_id
from fogbank.cloud.hosting.pipeline import TARGET_CONTAINER

TARGET_MODEL = "x-amzn-sagemaker-target-model"


@dataclass(frozen=True, kw_only=True)
class Address:
    """The containers of a variant by host name, with whether each has many models; `direct` where a request names one of them."""

    many: Mapping[str, bool]
    direct: bool = False

    @classmethod
    def of(cls, model: Document) -> Self:
        """What requests to a model may name."""
        return cls(many={each.hostname: each.multi_model for each in containers(model)}, direct=is_direct(model))

    @cached_property
    def _must_name(self) -> bool:
        return self.direct or any(self.many.values())

    def check(self, headers: Mapping[str, str], endpoint: str) -> None:
        """Raises ApiError (ValidationError)."""
        named, target = headers.get(TARGET_CONTAINER), headers.get(TARGET_MODEL)
        if not (named or target or self._must_name):
            return
        if self.direct and not named:
            raise _error(f"Endpoint {endpoint} is a direct invocation endpoint: TargetContainerHostname is required.")
        if named and not self.direct:
            raise _error(
                f"Endpoint {endpoint} is not a direct invocation endpoint and does not support TargetContainerHostname."
            )
        if named and named not in self.many:
            raise _error(f"Endpoint {endpoint} has no container with the host name {named}.")
        many = self.many[named] if named else any(self.many.values())
        if target and not many:
            raise _error(
                f"Endpoint {endpoint} is not a multi-model endpoint and does not support target model header.",
                "TARGET_MODEL_HEADER_NOT_SUPPORTED",
            )
        if many and not target:
            raise _error(f"Request {new_id()} is missing a target model header.")


def _error(message: str, code: str = "") -> ApiError:
    return ApiError("ValidationError", message, 400, **({"ErrorCode": code} if code else {}))
