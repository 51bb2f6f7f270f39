"""Lambda: a function's URL, which the local cloud serves on a port of its own.

One of authorization type NONE lets everybody in by two statements of the function's policy, as Terraform's aws_lambda_function_url adds them.
What is updated in place: all but the function and its qualifier.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import Failure, Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.lambda_code import plain
from fogbank.provider.services.lambda_companions import statement_of
from fogbank.provider.shapes import UNKNOWN, from_api, to_api

PUBLIC: dict[str, dict[str, Any]] = {
    "FunctionURLAllowPublicAccess": {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    "FunctionURLInvokeAllowPublicAccess": {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
}
"""What lets everybody in."""
TYPES = ("NONE", "AWS_IAM")


def failures(inputs: Properties) -> list[Failure]:
    """Values that Lambda or the local cloud does not have."""
    found, mode = [], inputs.get("invokeMode")
    if inputs.get("authorizationType") not in (*TYPES, UNKNOWN, None):
        found.append(Failure("authorizationType", f"must be one of {', '.join(TYPES)}"))
    if mode not in (None, UNKNOWN, "BUFFERED"):
        found.append(Failure("invokeMode", f"the local cloud's URLs do not stream: {mode} is refused, not ignored"))
    return found


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateFunctionUrlConfig, and the permissions of a public one."""
    made = require(session.client("lambda"), "CreateFunctionUrlConfig", **_where(inputs), **_request(row, inputs))
    _open(session, inputs)
    name, qualifier = inputs["functionName"], inputs.get("qualifier")
    return f"{name}/{qualifier}" if qualifier else name, _state(row, session, inputs, made)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetFunctionUrlConfig."""
    name, _, qualifier = id_.partition("/")
    place = inputs or {"functionName": name, **({"qualifier": qualifier} if qualifier else {})}
    try:
        found = call(session.client("lambda"), "GetFunctionUrlConfig", **_where(place))
    except GoneError:
        return None
    declared = {key: row.inputs[key] for key in ("cors", "invokeMode")}
    live = {
        "functionName": place["functionName"],
        "qualifier": place.get("qualifier"),
        "authorizationType": found["AuthType"],
        "cors": None,
        **from_api(found, declared, row.shape("create"), {}),
    }
    fresh = row.found(session, inputs, live)
    return fresh, _state(row, session, fresh, found)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateFunctionUrlConfig; without a configuration of CORS there is none any more."""
    del id_, old
    request = {"Cors": {}, **_request(row, new)}
    changed = require(session.client("lambda"), "UpdateFunctionUrlConfig", **_where(new), **request)
    _open(session, new)
    return _state(row, session, new, changed)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteFunctionUrlConfig."""
    del row, id_
    ensure_gone(session.client("lambda"), "DeleteFunctionUrlConfig", **_where(state))


def _where(inputs: Properties) -> dict[str, str]:
    qualifier = {"Qualifier": inputs["qualifier"]} if inputs.get("qualifier") else {}
    return {"FunctionName": inputs["functionName"], **qualifier}


def _request(row: Row, inputs: Properties) -> dict[str, Any]:
    cors = inputs.get("cors")
    declared = {"cors": row.inputs["cors"]}
    said: dict[str, Any] = to_api({"cors": cors}, declared, row.shape("update"), {}) if cors else {}
    return {**said, "AuthType": inputs["authorizationType"], "InvokeMode": inputs.get("invokeMode") or "BUFFERED"}


def _open(session: Session, inputs: Properties) -> None:
    """Let everybody in, where that is asked for; a statement that is there already is enough."""
    for id_, said in PUBLIC.items() if inputs["authorizationType"] == "NONE" else ():
        place = {"function": plain(inputs["functionName"])[0], "qualifier": inputs.get("qualifier")}
        if statement_of(session, place, id_) is None:
            require(session.client("lambda"), "AddPermission", **_where(inputs), StatementId=id_, Principal="*", **said)


def _state(row: Row, session: Session, inputs: Properties, found: dict[str, Any]) -> Properties:
    url = found["FunctionUrl"]
    return {
        "invokeMode": "BUFFERED",
        **inputs,
        "functionArn": found["FunctionArn"],
        "functionUrl": url,
        "urlId": urlparse(url).netloc.partition(".lambda-url.")[0],
        **common_state(session, row, inputs),
    }


ROWS = (
    Row(
        token="aws:lambda/functionUrl:FunctionUrl",
        service="lambda",
        calls={"create": "CreateFunctionUrlConfig", "update": "UpdateFunctionUrlConfig"},
        outputs={},
        computed=("functionArn", "functionUrl", "urlId"),
        defaults={"invokeMode": "BUFFERED"},
        sets=frozenset({f"cors.{key}" for key in ("allowHeaders", "allowMethods", "allowOrigins", "exposeHeaders")}),
        in_place=frozenset({"authorizationType", "cors", "invokeMode"}),
        only=frozenset({"authorizationType", "cors", "functionName", "invokeMode", "qualifier"}),
        delete_first=True,
        checks=failures,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
