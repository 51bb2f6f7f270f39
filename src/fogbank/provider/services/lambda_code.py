"""What functions and layers of Lambda have in common: where their code comes from, and what they are called."""

from __future__ import annotations

from typing import Any

from fogbank.provider.assets import asset_bytes
from fogbank.provider.resource import Failure, Properties, ProvisionError
from fogbank.provider.row import Session
from fogbank.provider.shapes import UNKNOWN

CODE = frozenset({"code", "s3Bucket", "s3Key", "sourceCodeHash"})
"""The inputs that say what the code is, or that it is another."""
LACKS = {"s3ObjectVersion": "the local cloud takes the object's newest version"}


def code_failures(inputs: Properties) -> list[Failure]:
    """Two places of the code, or half of one."""
    failures = []
    if inputs.get("code") is not None and inputs.get("s3Bucket") is not None:
        failures.append(Failure("code", "conflicts with s3Bucket"))
    failures += [
        Failure(lacking, f"is required with {given}")
        for given, lacking in (("s3Bucket", "s3Key"), ("s3Key", "s3Bucket"))
        if inputs.get(given) is not None and inputs.get(lacking) is None
    ]
    return failures


def code_of(session: Session, inputs: Properties) -> dict[str, Any]:
    """The zip, or the object that it is, as Lambda's calls take it. Raises ProvisionError."""
    if isinstance(inputs.get("code"), dict):
        return {"ZipFile": asset_bytes(inputs["code"], session.settings.program)}
    if inputs.get("s3Bucket"):
        return {"S3Bucket": inputs["s3Bucket"], "S3Key": inputs["s3Key"]}
    raise ProvisionError("there is no code: give code, or s3Bucket and s3Key")


def runtime_failures(inputs: Properties) -> list[Failure]:
    """A runtime that the local cloud does not run."""
    runtime = inputs.get("runtime")
    if runtime in (None, UNKNOWN) or str(runtime).startswith("python3."):
        return []
    return [Failure("runtime", f"the local cloud runs functions of Python's runtimes, not {runtime}")]


def plain(function: str) -> tuple[str, str | None]:
    """The name and the qualifier of what names a function: `name`, `name:q`, a partial ARN, an ARN.

    >>> plain("arn:aws:lambda:us-east-1:123456789012:function:f:live"), plain("f")
    (('f', 'live'), ('f', None))
    """
    parts = function.split(":")
    if "function" in parts[:-1]:
        parts = parts[parts.index("function") + 1 :]
    return parts[0], parts[1] if len(parts) > 1 else None


def invoke_arn(arn: str) -> str:
    """By what API Gateway invokes a function."""
    partition, region = arn.split(":")[1], arn.split(":")[3]
    return f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"
