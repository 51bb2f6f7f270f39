"""One way to call the API: an error becomes a ProvisionError that names the operation and the code, or says that the thing is gone."""

from __future__ import annotations

from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.provider.resource import ProvisionError

GONE_CODES = frozenset(
    {
        "404", "AWS.SimpleQueueService.NonExistentQueue", "LifecyclePolicyNotFoundException", "NoSuchBucket", "NoSuchEntity", "NoSuchKey",
        "NotFound", "NotFoundException", "ObjectNotFoundException", "ParameterNotFound", "QueueDoesNotExist", "RepositoryNotFoundException",
        "RepositoryPolicyNotFoundException", "ResourceNotFound", "ResourceNotFoundException", "StateMachineDoesNotExist",
    }
)  # fmt: skip
"""Codes by which services say that what a call names is not there."""

MISSING = ("Could not find", "Cannot find resource policy for", "No Such")
"""How a sentence of SageMaker's begins that says so; the second is of a model package group's policy."""


class GoneError(Exception):
    """What the call names is not there."""


def call(client: Any, operation: str, **arguments: Any) -> Any:
    """An operation's answer. Raises GoneError, ProvisionError; every other code than those of `GONE_CODES` is an error."""
    try:
        return getattr(client, xform_name(operation))(**arguments)
    except ClientError as error:
        if is_gone(error):
            raise GoneError(f"{operation}: {error}") from error
        raise ProvisionError(f"{operation}: {error}") from error
    except BotoCoreError as error:
        raise ProvisionError(f"{operation}: {error}") from error


def is_gone(error: ClientError) -> bool:
    """Whether a service says that the thing is not there: SageMaker has no code of its own for it, only a sentence or two; EC2 one a kind."""
    error_body = error.response["Error"]
    said = str(error_body.get("Message", ""))
    missing = said.startswith(MISSING) or said.endswith(" does not exist.")
    code = str(error_body["Code"])
    return code in GONE_CODES or code.endswith(".NotFound") or (code == "ValidationException" and missing)


def ensure_gone(client: Any, operation: str, **arguments: Any) -> None:
    """A call that removes something; what is gone already is no error. Raises ProvisionError."""
    try:
        call(client, operation, **arguments)
    except GoneError:
        return


def require(client: Any, operation: str, **arguments: Any) -> Any:
    """A call for something that must be there. Raises ProvisionError."""
    try:
        return call(client, operation, **arguments)
    except GoneError as error:
        raise ProvisionError(str(error)) from error
