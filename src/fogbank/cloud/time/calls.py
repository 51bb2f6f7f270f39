"""What an EventBridge schedule's target calls, pure: one API call, or the reason why AWS, or the local cloud, refuses the target.

In: a Target as the Scheduler API has it, and its input; out: an ApiCall. Sources: EventBridge Scheduler User Guide, "Using templated
targets", "Using universal targets" and "Configuring a dead-letter queue".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.utils import EVENT_ALIASES
from botocore.validate import ParamValidator

from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.ground.store import Document
from fogbank.ground.aws import LOCAL_ACCOUNT

UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:(?P<service>[^:]+):(?P<action>[^:]+)")
ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>\d{12}):(?P<resource>.+)")
READS = re.compile(
    "(get|describe|list|poll|receive|search|scan|query|select|read|lookup|discover|validate|batchGet|batchDescribe|batchRead|"
    "transactGet|adminGet|adminList|testMigration|retrieve|testConnection|translateDocument|isAuthorized|invokeModel)(?![a-z])"
)
"""Beginnings of the actions that the User Guide leaves out of universal targets: they only read."""
COMMON = frozenset({"Arn", "RoleArn", "Input", "RetryPolicy", "DeadLetterConfig"})
ELSEWHERE = frozenset({"codebuild", "codepipeline", "ecs", "firehose", "inspector", "sagemaker", "states"})
"""Services of AWS's templated targets that the local cloud does not call."""


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """One call, by boto3's name of the service; of a region of its own where the target's ARN has one."""

    service: str
    operation: str
    params: Document
    region: str | None = None


def check(target: Document) -> ApiCall:
    """The call of a target whose moment has not come. Raises ApiError for what AWS refuses, and for what the local cloud lacks."""
    return api_call(target, target.get("Input") or "{}")


def api_call(target: Document, text: str) -> ApiCall:
    """The call that a target with this input is. Raises ApiError."""
    if universal := UNIVERSAL.fullmatch(target["Arn"]):
        _refuse_members(target, frozenset())
        return _universal(universal["service"], universal["action"], text)
    arn = ARN.fullmatch(target["Arn"])
    if arn is None:
        raise validation(f"Provided Arn is not in correct format: {target['Arn']}")
    service = arn["service"]
    if service in ELSEWHERE:
        raise ApiError("NotImplemented", f"the local cloud does not have the templated target {service} yet", 501)
    if service not in TEMPLATES:
        raise validation(f"{service} is not a supported service for a target.")
    if arn["account"] != LOCAL_ACCOUNT:
        raise ApiError("NotImplemented", f"the local cloud does not have the account {arn['account']}", 501)
    members, make = TEMPLATES[service]
    _refuse_members(target, members)
    return make(target, text)


def _universal(service_id: str, action: str, text: str) -> ApiCall:
    service = service_names().get(service_id)
    if service is None:
        raise validation(f"{service_id} is not a supported service for a target.")
    name = action[:1].lower() + action[1:]
    operation = _operations(service).get(name)
    if operation is None or READS.match(name):
        raise validation(f"{action} is not a supported action of {service_id} for a target.")
    params = _parsed(text)
    if operation.input_shape is not None:
        params = _as_members(params, operation.input_shape)
        _refuse_mistaken(params, operation.input_shape)
    return ApiCall(service=service, operation=operation.name, params=params)


def _refuse_mistaken(params: Document, shape: Shape) -> None:
    missing = [_capital(name) for name in shape.required_members if name not in params]
    if missing:
        raise _bad_request(f"Request payload is missing the following field(s): {', '.join(missing)}.")
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        raise _bad_request(report.generate_report())


def to_queue(target: Document, text: str) -> ApiCall:
    """SendMessage to the queue whose ARN the target has."""
    _, _, _, region, account, name = target["Arn"].split(":")
    params = {"QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{name}", "MessageBody": text}
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    if name.endswith(".fifo") and not group:
        raise validation("A FIFO queue as a target needs SqsParameters with a MessageGroupId.")
    more = {"MessageGroupId": group} if group else {}
    return ApiCall(service="sqs", operation="SendMessage", params={**params, **more}, region=region)


def _to_topic(target: Document, text: str) -> ApiCall:
    params = {"TopicArn": target["Arn"], "Message": text}
    return ApiCall(service="sns", operation="Publish", params=params, region=target["Arn"].split(":")[3])


def _to_bus(target: Document, text: str) -> ApiCall:
    event = target.get("EventBridgeParameters")
    if event is None:
        raise validation("An event bus as a target needs EventBridgeParameters.")
    _parsed(text)
    entry = {
        "EventBusName": target["Arn"].rpartition("/")[2],
        "Source": event["Source"],
        "DetailType": event["DetailType"],
        "Detail": text,
    }
    region = target["Arn"].split(":")[3]
    return ApiCall(service="events", operation="PutEvents", params={"Entries": [entry]}, region=region)


def _to_stream(target: Document, text: str) -> ApiCall:
    stream = target.get("KinesisParameters")
    if stream is None:
        raise validation("A stream as a target needs KinesisParameters.")
    params = {"StreamARN": target["Arn"], "Data": text, "PartitionKey": stream["PartitionKey"]}
    return ApiCall(service="kinesis", operation="PutRecord", params=params, region=target["Arn"].split(":")[3])


def _to_function(target: Document, text: str) -> ApiCall:
    params = {"FunctionName": target["Arn"], "InvocationType": "Event", "Payload": text}
    return ApiCall(service="lambda", operation="Invoke", params=params, region=target["Arn"].split(":")[3])


TEMPLATES: Mapping[str, tuple[frozenset[str], Callable[[Document, str], ApiCall]]] = {
    "events": (frozenset({"EventBridgeParameters"}), _to_bus),
    "kinesis": (frozenset({"KinesisParameters"}), _to_stream),
    "lambda": (frozenset(), _to_function),
    "sns": (frozenset(), _to_topic),
    "sqs": (frozenset({"SqsParameters"}), to_queue),
}
"""The service of a target's ARN, to the members that such a target has and the call that it is."""


def _refuse_members(target: Document, own: frozenset[str]) -> None:
    if others := sorted(target.keys() - COMMON - own):
        raise validation(f"A target {target['Arn']} does not have {', '.join(others)}.")


def _parsed(text: str) -> Document:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _bad_request(f"Input is not well-formed JSON: {error}") from error
    if not isinstance(document, dict):
        raise _bad_request("Input is not a JSON object.")
    return document


def _as_members(value: Any, shape: Any) -> Any:
    """A schedule's input names members with a capital, whatever the API's own writing is."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {_capital(name): name for name in shape.members}
        own = {names.get(key, key): item for key, item in value.items()}
        return {
            key: _as_members(item, shape.members[key]) if key in shape.members else item for key, item in own.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_as_members(item, shape.member) for item in value]
    return value


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _bad_request(reason: str) -> ApiError:
    return validation(f"Invalid RequestJson provided. Reason {reason}")


@lru_cache(maxsize=1)
def service_names() -> Mapping[str, str]:
    """AWS's identifier of a service in a universal target, such as `sfn`, to boto3's name of it, such as `stepfunctions`."""
    names = Loader().list_available_services("service-2")
    return {EVENT_ALIASES.get(name, name).replace("-", ""): name for name in names}


@lru_cache(maxsize=16)
def _operations(service: str) -> Mapping[str, OperationModel]:
    """A service's operations by their names in a universal target."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    return {name[:1].lower() + name[1:]: model.operation_model(name) for name in model.operation_names}
