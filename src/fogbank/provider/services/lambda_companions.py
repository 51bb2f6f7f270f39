"""Lambda: what stands around a function: layers, aliases and permissions.

What is updated in place: Terraform's aws_lambda_alias (description, function_version, routing_config); a layer's version and a permission
are always replaced.
"""

from __future__ import annotations

import json
from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.lambda_code import CODE, LACKS, code_failures, code_of, invoke_arn, plain

LAYER = {
    "description": "Description",
    "licenseInfo": "LicenseInfo",
    "compatibleRuntimes": "CompatibleRuntimes",
    "compatibleArchitectures": "CompatibleArchitectures",
}
PERMISSION = {
    "action": "Action",
    "functionUrlAuthType": "FunctionUrlAuthType",
    "invokedViaFunctionUrl": "InvokedViaFunctionUrl",
    "principal": "Principal",
    "sourceAccount": "SourceAccount",
    "sourceArn": "SourceArn",
}


def publish_layer(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PublishLayerVersion; the id is the version's ARN."""
    said = {member: inputs[key] for key, member in LAYER.items() if inputs.get(key)}
    content, name = code_of(session, inputs), inputs["layerName"]
    layer = require(session.client("lambda"), "PublishLayerVersion", LayerName=name, Content=content, **said)
    return layer["LayerVersionArn"], _layer_state(row, session, inputs, layer)


def read_layer(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetLayerVersion. What the code is, AWS does not say."""
    name, version = _layer_place(id_)
    try:
        layer = call(session.client("lambda"), "GetLayerVersion", LayerName=name, VersionNumber=version)
    except GoneError:
        return None
    live = {**{key: layer.get(member) or None for key, member in LAYER.items()}, "layerName": name}
    fresh = row.found(session, inputs, live)
    for key in CODE | {"skipDestroy", "layerName"}:
        if inputs.get(key) is not None:
            fresh[key] = inputs[key]
    return fresh, _layer_state(row, session, fresh, layer)


def update_layer(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Whether it is to outlive its stack."""
    del old
    name, version = _layer_place(id_)
    layer = require(session.client("lambda"), "GetLayerVersion", LayerName=name, VersionNumber=version)
    return _layer_state(row, session, new, layer)


def delete_layer(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteLayerVersion, unless it is to outlive its stack."""
    del row
    name, version = _layer_place(id_)
    if not state.get("skipDestroy"):
        ensure_gone(session.client("lambda"), "DeleteLayerVersion", LayerName=name, VersionNumber=version)


def _layer_place(id_: str) -> tuple[str, int]:
    parts = id_.split(":")
    if len(parts) != 8 or not parts[7].isdecimal():
        raise ProvisionError(
            f"{id_} names no version of a layer; import it by its ARN, which ends with :layer:<name>:<version>"
        )
    return parts[6], int(parts[7])


def _layer_state(row: Row, session: Session, inputs: Properties, layer: dict[str, Any]) -> Properties:
    content = layer["Content"]
    return {
        **inputs,
        "arn": layer["LayerVersionArn"],
        "layerArn": layer["LayerArn"],
        "version": str(layer["Version"]),
        "createdDate": layer["CreatedDate"],
        "codeSha256": content["CodeSha256"],
        "sourceCodeSize": content["CodeSize"],
        **common_state(session, row, inputs),
    }


def create_alias(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateAlias; the id is the ARN."""
    arguments = {"FunctionName": inputs["functionName"], "Name": inputs["name"], **_alias(inputs)}
    alias = require(session.client("lambda"), "CreateAlias", **arguments)
    return alias["AliasArn"], _alias_state(row, session, inputs, alias)


def read_alias(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetAlias; an import's id is the ARN, or `function/alias`."""
    function, _, name = id_.partition("/") if "/" in id_ else id_.rpartition(":")
    try:
        alias = call(session.client("lambda"), "GetAlias", FunctionName=plain(function)[0], Name=name)
    except GoneError:
        return None
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
    live = {
        "functionName": inputs.get("functionName") or plain(function)[0],
        "name": name,
        "functionVersion": alias["FunctionVersion"],
        "description": alias.get("Description") or "",
        "routingConfig": {"additionalVersionWeights": weights} if weights else None,
    }
    fresh = row.found(session, inputs, live)
    return fresh, _alias_state(row, session, fresh, alias)


def update_alias(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateAlias."""
    del id_, old
    arguments = {"FunctionName": new["functionName"], "Name": new["name"], **_alias(new)}
    return _alias_state(row, session, new, require(session.client("lambda"), "UpdateAlias", **arguments))


def delete_alias(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteAlias."""
    del row, state
    function, _, name = id_.rpartition(":")
    ensure_gone(session.client("lambda"), "DeleteAlias", FunctionName=plain(function)[0], Name=name)


def _alias(inputs: Properties) -> dict[str, Any]:
    weights = (inputs.get("routingConfig") or {}).get("additionalVersionWeights") or {}
    return {
        "FunctionVersion": inputs["functionVersion"],
        "Description": inputs.get("description") or "",
        "RoutingConfig": {"AdditionalVersionWeights": {key: float(weight) for key, weight in weights.items()}},
    }


def _alias_state(row: Row, session: Session, inputs: Properties, alias: dict[str, Any]) -> Properties:
    arn = alias["AliasArn"]
    return {**inputs, "arn": arn, "invokeArn": invoke_arn(arn), **common_state(session, row, inputs)}


def permit(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """AddPermission; the id is the statement's. One that is there is not made twice, as Lambda says."""
    client, id_ = session.client("lambda"), inputs["statementId"]
    if statement_of(session, inputs, id_) is not None:
        raise ProvisionError(
            f"AddPermission: ResourceConflictException: The statement id ({id_}) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        )
    said = {member: inputs[key] for key, member in PERMISSION.items() if inputs.get(key)}
    require(client, "AddPermission", StatementId=id_, **_where(inputs), **said)
    return id_, {**inputs, **common_state(session, row, inputs)}


def read_permission(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetPolicy; an import's id is `function/statement` or `function:qualifier/statement`."""
    place, _, statement_id = id_.rpartition("/")
    given = inputs or dict(zip(("function", "qualifier"), plain(place), strict=True))
    statement = statement_of(session, given, statement_id)
    if statement is None:
        return None
    condition = statement.get("Condition", {})
    principal = statement["Principal"]
    live = {
        "function": given["function"],
        "qualifier": given.get("qualifier"),
        "statementId": statement_id,
        "action": statement["Action"],
        "principal": next(iter(principal.values())) if isinstance(principal, dict) else principal,
        "sourceArn": condition.get("ArnLike", {}).get("AWS:SourceArn"),
        "sourceAccount": condition.get("StringEquals", {}).get("AWS:SourceAccount"),
        "functionUrlAuthType": condition.get("StringEquals", {}).get("lambda:FunctionUrlAuthType"),
        "invokedViaFunctionUrl": {"true": True, "false": False}.get(
            condition.get("Bool", {}).get("lambda:InvokedViaFunctionUrl", "")
        ),
    }
    fresh = row.found(session, inputs, live)
    return fresh, {**fresh, **common_state(session, row, fresh)}


def forbid(row: Row, session: Session, id_: str, state: Properties) -> None:
    """RemovePermission."""
    del row
    client, statement_id = session.client("lambda"), id_.rpartition("/")[2]
    ensure_gone(client, "RemovePermission", StatementId=statement_id, **_where(state))


def _where(inputs: Properties) -> dict[str, str]:
    qualifier = {"Qualifier": inputs["qualifier"]} if inputs.get("qualifier") else {}
    return {"FunctionName": inputs["function"], **qualifier}


def statement_of(session: Session, place: Properties, statement_id: str) -> dict[str, Any] | None:
    """A statement of a function's policy; None where there is none."""
    try:
        policy = json.loads(call(session.client("lambda"), "GetPolicy", **_where(place))["Policy"])
    except GoneError:
        return None
    statements: list[dict[str, Any]] = policy["Statement"]
    return next((each for each in statements if each.get("Sid") == statement_id), None)


ROWS = (
    Row(
        token="aws:lambda/layerVersion:LayerVersion",
        service="lambda",
        computed=("layerArn", "version", "createdDate", "codeSha256", "sourceCodeSize"),
        defaults={"skipDestroy": False},
        sets=frozenset({"compatibleRuntimes", "compatibleArchitectures"}),
        in_place=frozenset({"skipDestroy"}),
        only=frozenset({*LAYER, *CODE, "layerName", "skipDestroy"}),
        lacks=LACKS,
        checks=code_failures,
        creates=publish_layer,
        reads=read_layer,
        updates=update_layer,
        deletes=delete_layer,
    ),
    Row(
        token="aws:lambda/alias:Alias",
        service="lambda",
        computed=("invokeArn",),
        auto_name=AutoName(prefix_key=None, longest=128),
        defaults={"description": ""},
        in_place=frozenset({"description", "functionVersion", "routingConfig"}),
        only=frozenset({"name", "functionName", "functionVersion", "description", "routingConfig"}),
        creates=create_alias,
        reads=read_alias,
        updates=update_alias,
        deletes=delete_alias,
    ),
    Row(
        token="aws:lambda/permission:Permission",
        service="lambda",
        outputs={},
        auto_name=AutoName(key="statementId", prefix_key="statementIdPrefix", longest=100),
        only=frozenset({*PERMISSION, "function", "qualifier", "statementId", "statementIdPrefix"}),
        lacks={
            "eventSourceToken": "the local cloud has no Alexa",
            "principalOrgId": "the local cloud has no organizations",
        },
        creates=permit,
        reads=read_permission,
        deletes=forbid,
    ),
)
