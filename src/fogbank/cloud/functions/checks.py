"""What Lambda refuses of a function when it is made or changed, and moto keeps: code that is no zip, too much of it, variables of Lambda's own.

In: a request; out: nothing, or Lambda's refusal. Sources: the Lambda API reference (CreateFunction, Environment), the Developer Guide
("Lambda quotas", "Defined runtime environment variables").
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.code import MOST_UNPACKED
from fogbank.cloud.ground.wire import Request

MOST_VARIABLES, LONGEST_S = 4096, 900
"""Bytes of a function's environment variables together, and seconds of a call."""
STRUCTURES = ("Code", "Environment", "SnapStart")
RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
})  # fmt: skip
NO_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


def members_of(request: Request) -> Mapping[str, Any]:
    """A request's members, its structures of the kind that they are; none of a body that moto refuses. Raises ApiError."""
    try:
        members = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(members, dict):
        return {}
    for name in STRUCTURES:
        _check_structure(name, members.get(name))
    variables = (members.get("Environment") or {}).get("Variables")
    _check_structure("Variables", variables)
    for name, value in (variables or {}).items():
        if not isinstance(value, str):
            raise ApiError("SerializationException", f"the value of the variable {name} is no string", Type="User")
    return members


def _check_structure(name: str, value: object) -> None:
    if value is not None and not isinstance(value, dict):
        raise ApiError("SerializationException", f"{name} is no structure, and no map", Type="User")


def check_function(request: Request, members: Mapping[str, Any]) -> None:
    """Refuse what Lambda refuses of a function's members. Raises ApiError."""
    if "/event-source-mappings" in request.path:
        return
    _check_variables((members.get("Environment") or {}).get("Variables") or {})
    timeout = members.get("Timeout")
    if isinstance(timeout, int) and not 0 < timeout <= LONGEST_S:
        raise _invalid(
            f"1 validation error detected: Value '{timeout}' at 'timeout' failed to satisfy constraint: Member must have value less than or "
            f"equal to {LONGEST_S} and greater than or equal to 1"
        )
    zipped = (members.get("Code") or members).get("ZipFile")
    if zipped:
        _check_zip(zipped)


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message, Type="User")


def _check_variables(variables: Mapping[str, Any]) -> None:
    if reserved := sorted(RESERVED & variables.keys()):
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved "
            f"keys that are currently not supported for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    size = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"))
    if size > MOST_VARIABLES:  # Lambda's sentence, without their values
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB "
            f"limit. {size} bytes were measured"
        )


def _check_zip(encoded: str) -> None:
    """What is in it is looked at by its directory alone: nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(encoded))) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, binascii.Error, ValueError, TypeError, NotImplementedError) as error:
        raise _invalid(NO_ZIP) from error
    if size > MOST_UNPACKED:
        raise _invalid(f"Unzipped size must be smaller than {MOST_UNPACKED} bytes")
