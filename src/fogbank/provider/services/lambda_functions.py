"""Lambda: a function of a zip, which the local cloud really runs.

What is updated in place: Terraform's aws_lambda_function (all but function_name and package_type). A published version is made after the
code and the configuration are what they are to be.
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.lambda_code import CODE, LACKS, code_failures, code_of, invoke_arn, runtime_failures
from fogbank.provider.shapes import UNKNOWN, to_api

CONFIGURED = frozenset({"description", "environment", "handler", "layers", "memorySize", "role", "runtime", "timeout"})
"""The inputs of UpdateFunctionConfiguration."""
NOTHING = {"description": "", "environment": {"variables": {}}, "layers": [], "memorySize": 128, "timeout": 3}
"""What Lambda has where a program says nothing."""
LIMITS = {"memorySize": (128, 10240), "timeout": (1, 900)}
NEWS = frozenset({*CONFIGURED, *CODE, "codeSha256", "publish"})
"""A change of these is a new version of a function that publishes its versions."""
NO_NETWORK = "the local cloud's functions run on this machine and have its network"
HERE = "the local cloud's functions have this machine's"


def failures(inputs: Properties) -> list[Failure]:
    """What Lambda would refuse, or the local cloud would not run."""
    found = code_failures(inputs) + runtime_failures(inputs)
    found += [
        Failure(key, "is required of a function that is a zip") for key in ("handler", "runtime") if not inputs.get(key)
    ]
    for key, (least, most) in LIMITS.items():
        value = inputs.get(key)
        if value not in (None, UNKNOWN) and not least <= float(value) <= most:
            found.append(Failure(key, f"must be {least} to {most}, not {value:g}"))
    return found


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateFunction, and what is reserved for it; the id is the name."""
    name, tags = inputs["name"], session.settings.tags(inputs.get("tags"))
    request = {
        "FunctionName": name,
        "Code": code_of(session, inputs),
        "Publish": inputs.get("publish") is True,
        "Tags": tags,
    }
    require(session.client("lambda"), "CreateFunction", **request, **_configuration(row, "create", inputs))
    if inputs.get("reservedConcurrentExecutions") is not None:
        _reserve(session, name, inputs)
    return name, _state(row, session, inputs)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetFunction and GetFunctionConcurrency. What the code is, AWS does not say: only its digest."""
    client = session.client("lambda")
    try:
        found = call(client, "GetFunction", FunctionName=id_)
        reserved = call(client, "GetFunctionConcurrency", FunctionName=id_).get("ReservedConcurrentExecutions")
    except GoneError:
        return None
    live = {
        **_live(found["Configuration"]),
        "name": id_,
        "reservedConcurrentExecutions": -1 if reserved is None else reserved,
    }
    if not inputs:
        live["codeSha256"] = None
    fresh = row.found(session, inputs, live, found.get("Tags", {}))
    for key in CODE | {"publish", "skipDestroy"}:
        if inputs.get(key) is not None:
            fresh[key] = inputs[key]
    return fresh, _state(row, session, {**fresh, "name": id_})


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateFunctionConfiguration, UpdateFunctionCode, what is reserved, a version, and the tags: what of them has changed."""
    client, changed = session.client("lambda"), set(row.diff(old, new).changed)
    if changed & CONFIGURED:
        require(
            client, "UpdateFunctionConfiguration", FunctionName=id_, **_configuration(row, "update", {**NOTHING, **new})
        )
    if changed & (CODE | {"codeSha256"}):
        require(client, "UpdateFunctionCode", FunctionName=id_, **code_of(session, new))
    if "reservedConcurrentExecutions" in changed:
        _reserve(session, id_, new)
    if new.get("publish") is True and changed & NEWS:
        require(client, "PublishVersion", FunctionName=id_)
    state = _state(row, session, new)
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(client, "UntagResource", Resource=state["arn"], TagKeys=gone)
    if come:
        require(client, "TagResource", Resource=state["arn"], Tags=come)
    return state


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteFunction, of all its versions, unless it is to outlive its stack."""
    del row
    if not state.get("skipDestroy"):
        ensure_gone(session.client("lambda"), "DeleteFunction", FunctionName=id_)


def _configuration(row: Row, verb: str, inputs: Properties) -> dict[str, Any]:
    said = {key: value for key, value in inputs.items() if key in CONFIGURED and value is not None}
    if "environment" in said:
        said["environment"] = {"variables": (said["environment"] or {}).get("variables") or {}}
    request: dict[str, Any] = to_api(said, {key: row.inputs[key] for key in said}, row.shape(verb), {})
    return request


def _reserve(session: Session, name: str, inputs: Properties) -> None:
    """Executions at once, -1 for as many as there are."""
    given = inputs.get("reservedConcurrentExecutions")
    reserved = -1 if given is None else int(given)
    if reserved < 0:
        ensure_gone(session.client("lambda"), "DeleteFunctionConcurrency", FunctionName=name)
    else:
        arguments = {"FunctionName": name, "ReservedConcurrentExecutions": reserved}
        require(session.client("lambda"), "PutFunctionConcurrency", **arguments)


def _live(configuration: dict[str, Any]) -> Properties:
    variables = configuration.get("Environment", {}).get("Variables")
    return {
        "role": configuration["Role"],
        "handler": configuration.get("Handler"),
        "runtime": configuration.get("Runtime"),
        "description": configuration.get("Description") or "",
        "timeout": configuration["Timeout"],
        "memorySize": configuration["MemorySize"],
        "layers": [layer["Arn"] for layer in configuration.get("Layers", [])] or None,
        "environment": {"variables": variables} if variables else None,
        "codeSha256": configuration["CodeSha256"],
        "packageType": configuration["PackageType"],
    }


def _state(row: Row, session: Session, inputs: Properties) -> Properties:
    """Inputs, and what Lambda computes of them; `version` is the newest that was published."""
    client, name = session.client("lambda"), inputs["name"]
    found = require(client, "GetFunctionConfiguration", FunctionName=name)
    arn, version = found["FunctionArn"], "$LATEST"
    if inputs.get("publish") is True:
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        numbers = [int(each["Version"]) for page in pages for each in page["Versions"] if each["Version"].isdecimal()]
        version = str(max(numbers, default="$LATEST"))
    return {
        **{key: value for key, value in NOTHING.items() if key in LIMITS},
        "packageType": "Zip",
        "reservedConcurrentExecutions": -1,
        **inputs,
        "arn": arn,
        "invokeArn": invoke_arn(arn),
        "version": version,
        "qualifiedArn": f"{arn}:{version}",
        "qualifiedInvokeArn": invoke_arn(f"{arn}:{version}"),
        "codeSha256": found["CodeSha256"],
        "sourceCodeSize": found["CodeSize"],
        "lastModified": found["LastModified"],
        **common_state(session, row, inputs),
    }


ROWS = (
    Row(
        token="aws:lambda/function:Function",
        service="lambda",
        calls={"create": "CreateFunction", "update": "UpdateFunctionConfiguration"},
        outputs={"arn": "FunctionArn"},
        computed=("invokeArn", "version", "qualifiedArn", "qualifiedInvokeArn", "codeSha256", "sourceCodeSize", "lastModified"),
        auto_name=AutoName(prefix_key=None, longest=64),
        defaults={
            "architectures": ["x86_64"],
            "description": "",
            "memorySize": 128,
            "packageType": "Zip",
            "publish": False,
            "reservedConcurrentExecutions": -1,
            "skipDestroy": False,
            "timeout": 3,
        },
        in_place=frozenset({*CONFIGURED, *CODE, "codeSha256", "publish", "reservedConcurrentExecutions", "skipDestroy"}),
        unasked=frozenset({"codeSha256"}),
        only=frozenset({*CONFIGURED, *CODE, "name", "codeSha256", "publish", "reservedConcurrentExecutions", "skipDestroy"}),
        lacks={
            **LACKS,
            "architectures": f"{HERE} processor",
            "codeSigningConfigArn": "the local cloud checks no signatures",
            "deadLetterConfig": "the local cloud has destinations of failures (an event invoke config), no dead letters of functions",
            "ephemeralStorage": f"{HERE} /tmp",
            "fileSystemConfigs": "the local cloud has no EFS",
            "imageConfig": "the local cloud runs functions of zips, not images",
            "imageUri": "the local cloud runs functions of zips, not images",
            "kmsKeyArn": "the local cloud encrypts no environments",
            "loggingConfig": "the local cloud writes text to /aws/lambda/<name> alone",
            "packageType": "the local cloud runs functions of zips, not images",
            "snapStart": "the local cloud starts Python afresh",
            "tracingConfig": "the local cloud has no X-Ray",
            "vpcConfig": NO_NETWORK,
        },
        checks=failures,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)  # fmt: skip
