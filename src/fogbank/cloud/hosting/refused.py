"""What the runtime refuses, in SageMaker's words: errors of the data plane, and answers that carry them."""

from __future__ import annotations

from typing import Any

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import Record
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.ground.aws import LOCAL_ACCOUNT


def refusal(request: Request, error: ApiError) -> Answer:
    """The answer that an error is."""
    return error_answer(request, error.status, error.code, error.message, **error.members)


def not_serving(record: Record[Any] | None, name: str) -> ApiError:
    """An endpoint that is not there, or takes no traffic."""
    if record is None:
        return invalid(f"Endpoint {name} of account {LOCAL_ACCOUNT} not found.")
    return invalid(
        f"Endpoint {name} of account {LOCAL_ACCOUNT} is not InService (it is {record.public['EndpointStatus']})."
    )


def invalid(message: str) -> ApiError:
    """The runtime's ValidationError, which is not the control plane's ValidationException."""
    return ApiError("ValidationError", message)
