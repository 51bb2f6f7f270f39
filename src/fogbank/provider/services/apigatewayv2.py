"""API Gateway V2: an HTTP API and its parts, which the local cloud serves on a port of the API's own.

Their ids are the API's; an import's id is `api/part`, as pulumi-aws has it. What is updated in place: Terraform's aws_apigatewayv2_* (all but
api_id, an API's protocol_type, an integration's type, an authorizer's type, a stage's name, a deployment's triggers).
"""

from __future__ import annotations

from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.shapes import UNKNOWN, from_api, to_api

EMPTY: dict[str, Any] = {"string": "", "list": [], "map": {}, "object": None, "boolean": False}
"""What takes an input back, by its kind."""
NOT_SENT = frozenset({"region", "tags", "tagsAll", "triggers", "routeSettings"})
RENAMES = {"timeoutMilliseconds": "TimeoutInMillis"}


def calls(noun: str) -> dict[str, str]:
    """The operations of a kind."""
    return {
        verb: f"{name}{noun}"
        for verb, name in (("create", "Create"), ("describe", "Get"), ("update", "Update"), ("delete", "Delete"))
    }


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """The create call; the id is what it answers with."""
    request = _request(row, "create", inputs)
    if row.taggable and (tags := session.settings.tags(inputs.get("tags"))):
        request["Tags"] = tags
    made = require(session.client(row.service), row.calls["create"], **request)
    return str(made[_key(row)]), _state(row, session, inputs, made)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """The get call."""
    api, _, own = id_.rpartition("/")
    given = inputs or {"apiId": api}
    try:
        found = call(session.client(row.service), row.calls["describe"], **_place(row, given, own))
    except GoneError:
        return None
    live = {key: None if value in ("", [], {}) else value for key, value in _live(row, found).items()}
    fresh = row.found(session, inputs, live, found.get("Tags", {}) if row.taggable else None)
    if row.inputs.get("triggers") and inputs.get("triggers") is not None:
        fresh["triggers"] = inputs["triggers"]
    state = _state(row, session, {**given, **fresh}, found)
    return ({**fresh, "apiId": given["apiId"]} if "apiId" in row.inputs else fresh), state


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """The update call with what has changed, and the tags; what is not said any more is taken back."""
    client, own = session.client(row.service), id_.rpartition("/")[2]
    place = _place(row, new, own)
    changed = set(row.diff(old, new).changed) - {"tags", "tagsAll"}
    gone = {key: _nothing(row, key) for key in changed if new.get(key) is None}
    if "corsConfiguration" in gone:
        require(client, "DeleteCorsConfiguration", ApiId=own)
    said = {key: value for key, value in {**new, **gone}.items() if key in changed and value is not None}
    if said:
        require(client, row.calls["update"], **{**_request(row, "update", said), **place})
    state = _state(row, session, new, require(client, row.calls["describe"], **place))
    if row.taggable:
        removed, come = session.settings.tag_changes(old, new)
        if removed:
            require(client, "UntagResource", ResourceArn=state["arn"], TagKeys=removed)
        if come:
            require(client, "TagResource", ResourceArn=state["arn"], Tags=come)
    return state


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """The delete call."""
    ensure_gone(session.client(row.service), row.calls["delete"], **_place(row, state, id_.rpartition("/")[2]))


def failures(inputs: Properties) -> list[Failure]:
    """A stage's settings of one route, twice."""
    keys = [each.get("routeKey") for each in inputs.get("routeSettings") or [] if isinstance(each, dict)]
    twice = {key for key in keys if key != UNKNOWN and keys.count(key) > 1}
    return [Failure("routeSettings", f"has {key} twice") for key in sorted(map(str, twice))]


def _key(row: Row) -> str:
    noun = row.calls["describe"].removeprefix("Get")
    return "StageName" if noun == "Stage" else f"{noun}Id"


def _place(row: Row, inputs: Properties, own: str) -> dict[str, str]:
    api = {} if _key(row) == "ApiId" else {"ApiId": inputs["apiId"]}
    return {**api, _key(row): own}


def _nothing(row: Row, key: str) -> Any:
    default = row.meaning.default(key)
    return EMPTY[row.inputs[key].kind] if default is None else default


def _renames(row: Row) -> dict[str, str]:
    return {**RENAMES, **({"name": "StageName"} if _key(row) == "StageName" else {})}


def _request(row: Row, verb: str, inputs: Properties) -> dict[str, Any]:
    said = {
        key: value for key, value in inputs.items() if key in row.inputs and key not in NOT_SENT and value is not None
    }
    declared = {key: row.inputs[key] for key in said}
    request: dict[str, Any] = to_api(said, declared, row.shape(verb), _renames(row))
    if inputs.get("routeSettings") is not None:
        names = {name.casefold(): name for name in row.shape(verb).members["RouteSettings"].value.members}
        request["RouteSettings"] = {each["routeKey"]: _settings(each, names) for each in inputs["routeSettings"]}
    return request


def _settings(each: Properties, names: dict[str, str]) -> dict[str, Any]:
    found = {
        names[key.casefold()]: value for key, value in each.items() if key.casefold() in names and value is not None
    }
    return {key: int(value) if key == "ThrottlingBurstLimit" else value for key, value in found.items()}


def _live(row: Row, found: dict[str, Any]) -> Properties:
    inputs = {key: declared for key, declared in row.inputs.items() if key not in NOT_SENT}
    live: Properties = {key: None for key in inputs if key not in {"apiId", "name"}}
    live |= from_api(found, inputs, row.shape("create"), _renames(row))
    if "routeSettings" in row.inputs:
        live["routeSettings"] = [
            {"routeKey": key, **{name[:1].lower() + name[1:]: value for name, value in settings.items()}}
            for key, settings in sorted((found.get("RouteSettings") or {}).items())
        ]
    return live


def _state(row: Row, session: Session, inputs: Properties, found: dict[str, Any]) -> Properties:
    region = session.client(row.service).meta.region_name
    state = {**inputs, **common_state(session, row, inputs)}
    api = found.get("ApiId") or inputs.get("apiId")
    execution = f"arn:aws:execute-api:{region}:{LOCAL_ACCOUNT}:{api}"
    if _key(row) == "ApiId":
        arn = f"arn:aws:apigateway:{region}::/apis/{api}"
        return {**state, "arn": arn, "executionArn": execution, "apiEndpoint": found["ApiEndpoint"]}
    if _key(row) == "StageName":
        name = found["StageName"]
        endpoint = require(session.client(row.service), "GetApi", ApiId=api)["ApiEndpoint"]
        return {
            **state,
            "arn": f"arn:aws:apigateway:{region}::/apis/{api}/stages/{name}",
            "executionArn": f"{execution}/{name}",
            "invokeUrl": f"{endpoint}/{'' if name == '$default' else name}",
        }
    if _key(row) == "DeploymentId":
        return {**state, "autoDeployed": found["AutoDeployed"]}
    return state


VERBS: dict[str, Any] = {"creates": create, "reads": read, "updates": update, "deletes": delete}
API = {
    "corsConfiguration", "description", "disableExecuteApiEndpoint", "name", "protocolType", "version", "ipAddressType",
    "routeSelectionExpression", "apiKeySelectionExpression",
}  # fmt: skip
ROUTE = {"authorizationScopes", "authorizationType", "authorizerId", "operationName", "routeKey", "target"}
INTEGRATION = {
    "connectionType", "description", "integrationMethod", "integrationType", "integrationUri", "payloadFormatVersion", "timeoutMilliseconds",
}  # fmt: skip
STAGE = {"autoDeploy", "defaultRouteSettings", "deploymentId", "description", "name", "routeSettings", "stageVariables"}
AUTHORIZER = {"authorizerType", "identitySources", "jwtConfiguration", "name"}
ROWS = (
    Row(
        token="aws:apigatewayv2/api:Api",
        service="apigatewayv2",
        calls=calls("Api"),
        computed=("arn", "executionArn", "apiEndpoint"),
        outputs={},
        auto_name=AutoName(prefix_key=None, longest=128),
        defaults={"disableExecuteApiEndpoint": False},
        sets=frozenset({f"corsConfiguration.{key}" for key in ("allowHeaders", "allowMethods", "allowOrigins", "exposeHeaders")}),
        in_place=frozenset(API - {"protocolType"}),
        only=frozenset(API),
        lacks={
            "body": "declare routes and integrations",
            "target": "declare a route and an integration",
            "routeKey": "declare a route and an integration",
        },
        **VERBS,
    ),
    Row(
        token="aws:apigatewayv2/route:Route",
        service="apigatewayv2",
        calls=calls("Route"),
        outputs={},
        sets=frozenset({"authorizationScopes"}),
        in_place=frozenset(ROUTE),
        only=frozenset({*ROUTE, "apiId"}),
        **VERBS,
    ),
    Row(
        token="aws:apigatewayv2/integration:Integration",
        service="apigatewayv2",
        calls=calls("Integration"),
        outputs={},
        defaults={"timeoutMilliseconds": 30000, "integrationMethod": "POST"},
        in_place=frozenset(INTEGRATION - {"integrationType"}),
        only=frozenset({*INTEGRATION, "apiId"}),
        **VERBS,
    ),
    Row(
        token="aws:apigatewayv2/stage:Stage",
        service="apigatewayv2",
        calls=calls("Stage"),
        computed=("arn", "executionArn", "invokeUrl"),
        outputs={},
        auto_name=AutoName(prefix_key=None, longest=128),
        sets=frozenset({"routeSettings"}),
        in_place=frozenset(STAGE - {"name"}),
        only=frozenset({*STAGE, "apiId"}),
        unasked=frozenset({"deploymentId"}),
        lacks={"accessLogSettings": "the local cloud writes no access logs"},
        checks=failures,
        **VERBS,
    ),
    Row(
        token="aws:apigatewayv2/authorizer:Authorizer",
        service="apigatewayv2",
        calls=calls("Authorizer"),
        outputs={},
        auto_name=AutoName(prefix_key=None, longest=128),
        sets=frozenset({"jwtConfiguration.audiences"}),
        in_place=frozenset(AUTHORIZER - {"authorizerType"}),
        only=frozenset({*AUTHORIZER, "apiId"}),
        lacks={"authorizerUri": "the local cloud has authorizers of tokens (JWT), none of functions"},
        **VERBS,
    ),
    Row(
        token="aws:apigatewayv2/deployment:Deployment",
        service="apigatewayv2",
        calls=calls("Deployment"),
        computed=("autoDeployed",),
        outputs={},
        in_place=frozenset({"description"}),
        only=frozenset({"apiId", "description", "triggers"}),
        **VERBS,
    ),
)  # fmt: skip
