"""boto3 clients of a project's local cloud, each made once, and AWS's errors as ours.

In: the project's cloud; out: unmodified boto3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fogbank.contracts.errors import AwsError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

Clients = Callable[[str], Any]
"""A boto3 client by the name of its service."""
HINTS = {
    "ValidationError": "see `fogbank cloud status` for what there is",
    "ModelError": "mend the request, or see what the instance wrote: `fogbank logs` with the endpoint's name",
    "NoSuchBucket": "run `fogbank up` to make the stack's buckets",
}


def aws_error(error: ClientError) -> AwsError:
    """The API's own code and words; what a model said is in the latter."""
    code = error.response["Error"]["Code"]
    message = error.response.get("OriginalMessage") or error.response["Error"]["Message"]
    return AwsError(code, message, HINTS.get(code, "see `fogbank cloud status`"))
