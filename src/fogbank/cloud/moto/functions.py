"""Lambda's functions as moto keeps them, for the room that runs them; and what moto's other services hand to functions, for the same room.

In: a function's name or ARN; out: what is to be run. It is moto's backend under another class, given to moto's own registry: nothing of
moto is changed.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.awslambda import urls
from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.sqs.models import sqs_backends

from fogbank.ground.aws import LOCAL_ACCOUNT

LATEST = "$LATEST"
OF_URLS = {
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}
"""Members of AddPermission to the conditions that they are."""
Handed = Callable[[str, str, str], object]
"""Takes (region, the ARN of a function, an event's JSON) that a service of moto's sends to a function."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """One version of a function. `arn` ends with what it was asked for by; `code` is the zip, `layers` are zips too."""

    region: str
    name: str
    arn: str
    version: str
    package: str
    runtime: str
    handler: str
    role: str
    environment: Mapping[str, str]
    memory_mb: int
    timeout_s: int
    code: bytes
    digest: str
    layers: tuple[bytes, ...]
    reserved: int | None
    """ReservedConcurrentExecutions; None where none are reserved."""
    asynchronous: Mapping[str, Any]
    """The event invoke config: MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig."""


@dataclass(frozen=True, kw_only=True)
class QueueMapping:
    """An event source mapping that is enabled: messages of a queue, for a function."""

    region: str
    id: str
    queue: str
    function: str
    batch: int
    partial: bool
    """Whether the function says which messages of a batch have failed (ReportBatchItemFailures)."""


class Functions(LambdaBackend):
    """moto's backend, whose functions somebody else runs."""

    handed: Handed
    replaying: Callable[[], bool]
    _url_module = urls  # which moto looks for beside the class

    def invoke(self, function_name: str, qualifier: str | None, body: Any, *_: Any, **__: Any) -> bytes:
        """A service of moto's invokes a function: rotations of secrets, rules of CloudTrail's events."""
        self._hand(self.get_function(function_name, qualifier), body or "{}")
        return b""

    def send_sns_message(self, *_: Any, **__: Any) -> None:
        """A topic's message: who publishes it tells the room of functions, with all that the message has."""

    def add_permission(self, function_name: str, qualifier: str, raw: str) -> dict[str, Any]:
        """Kept as Lambda does: what is said of URLs is a condition of the statement."""
        statement: dict[str, Any] = super().add_permission(function_name, qualifier, raw)
        for member, (operator, key) in OF_URLS.items():
            value = statement.pop(member, None)
            if value is not None:
                text = str(value).lower() if isinstance(value, bool) else value
                statement.setdefault("Condition", {}).setdefault(operator, {})[key] = text
        return statement

    def create_event_source_mapping(self, spec: dict[str, Any]) -> Any:
        """Kept; the queue itself hands nothing on: who carries mappings out receives its messages like anybody."""
        mapping = super().create_event_source_mapping(spec)
        for queue in sqs_backends[self.account_id][self.region_name].queues.values():
            queue.lambda_event_source_mappings.pop(mapping.function_arn, None)
        return mapping

    def send_sqs_batch(self, *_: Any, **__: Any) -> bool:
        """A mapping that an earlier version made: its messages stay in the queue."""
        return False

    def send_dynamodb_items(self, function_arn: str, items: list[Any], source: str) -> bytes:
        """What changed in a table."""
        records = [{**item.to_json(), "eventSourceARN": source, "awsRegion": self.region_name} for item in items]
        self._hand(self.get_function(function_arn), json.dumps({"Records": records}, default=_seconds))
        return b""

    def send_log_event(self, function_arn: str, filter_name: str, log_group: str, stream: str, events: Any) -> None:
        """What a subscription filter of a log group lets through."""
        data = {
            "messageType": "DATA_MESSAGE",
            "owner": self.account_id,
            "logGroup": log_group,
            "logStream": stream,
            "subscriptionFilters": [filter_name],
            "logEvents": events,
        }
        packed = base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()
        self._hand(self.get_function(function_arn), json.dumps({"awslogs": {"data": packed}}))

    def _hand(self, function: Any, event: Any) -> None:
        if not type(self).replaying():
            text = event if isinstance(event, str) else json.dumps(event)
            type(self).handed(self.region_name, function.function_arn, text)


def queue_mappings() -> list[QueueMapping]:
    """The enabled mappings of queues, of every region."""
    regions: Mapping[str, Any] = lambda_backends.get(LOCAL_ACCOUNT, {})
    return [
        QueueMapping(
            region=region,
            id=mapping.uuid,
            queue=mapping.event_source_arn,
            function=mapping.function_arn,
            batch=int(mapping.batch_size),
            partial="ReportBatchItemFailures" in (mapping.function_response_types or []),
        )
        for region, backend in sorted(regions.items())
        for mapping in list(backend._event_source_mappings.values())
        if mapping.enabled and ":sqs:" in mapping.event_source_arn
    ]


def function_states() -> dict[str, str]:
    """The state of every function, by its name."""
    regions: Mapping[str, Any] = lambda_backends.get(LOCAL_ACCOUNT, {})
    return {
        function.function_name: str(function.state)
        for _, backend in sorted(regions.items())
        for function in backend.list_functions()
    }


def install(handed: Handed, replaying: Callable[[], bool]) -> None:
    """Let moto's registry make these backends from now on."""
    Functions.handed, Functions.replaying = staticmethod(handed), staticmethod(replaying)
    lambda_backends.backend = Functions
    lambda_backends.clear()


def adopt() -> None:
    """Backends that a snapshot of an earlier version brought back are these too."""
    for regions in lambda_backends.values():
        for backend in regions.values():
            backend.__class__ = Functions


def find(region: str, name: str, qualifier: str | None, share: float) -> Function | None:
    """A version of a function by its name, its ARN or a part of that; None where there is none.

    `share` in [0, 1) picks the version where an alias has two.
    """
    name, qualifier = _apart(name, qualifier)
    if LOCAL_ACCOUNT not in lambda_backends or region not in lambda_backends[LOCAL_ACCOUNT]:
        return None
    backend = lambda_backends[LOCAL_ACCOUNT][region]
    try:
        version = _aliased(backend, name, qualifier, share) if qualifier else None
        found: Any = backend.get_function(name, version or qualifier)
        latest: Any = backend.get_function(name)
    except (UnknownFunctionException, UnknownAliasException):
        return None
    configs = latest.event_invoke_config
    layers = [backend.layers_versions_by_arn(layer["Arn"]) for layer in found.layers]
    arn = f"arn:aws:lambda:{region}:{LOCAL_ACCOUNT}:function:{name}"
    return Function(
        region=region,
        name=name,
        arn=f"{arn}:{qualifier}" if qualifier else arn,
        version=str(found.version),
        package=found.package_type,
        runtime=found.run_time or "",
        handler=found.handler or "",
        role=found.role,
        environment=found.environment_vars or {},
        memory_mb=int(found.memory_size),
        timeout_s=int(found.timeout),
        code=getattr(found, "code_bytes", b""),
        digest=found.code_sha_256,
        layers=tuple(layer.code_bytes for layer in layers if layer is not None),
        reserved=None if latest.reserved_concurrency is None else int(latest.reserved_concurrency),
        asynchronous=configs[-1].config if configs else {},
    )


def _apart(name: str, qualifier: str | None) -> tuple[str, str | None]:
    """The plain name and the qualifier of `name`, `name:q`, `123456789012:function:name`, or an ARN with or without `:q`."""
    parts = name.split(":")
    if "function" in parts[:-1]:
        parts = parts[parts.index("function") + 1 :]
    return parts[0], parts[1] if len(parts) > 1 else qualifier


def _aliased(backend: Any, name: str, qualifier: str, share: float) -> str | None:
    """The version behind an alias; None for what is no alias."""
    if qualifier == LATEST or qualifier.isdecimal():
        return None
    alias = backend.get_alias(qualifier, name)
    for version, weight in ((alias.routing_config or {}).get("AdditionalVersionWeights") or {}).items():
        if share < weight:
            return str(version)
        share -= weight
    return str(alias.function_version)


def _seconds(value: Any) -> float:
    """Dates as DynamoDB's streams have them."""
    return float(value.timestamp())
