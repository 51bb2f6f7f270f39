"""What the cloud reads of moto's own memory, by moto's own names: the one place to look at when moto changes.

In: a name; out: moto's object, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT

REACHED = frozenset({"logs", "sqs", "events"})
"""Services of targets that moto's EventBridge sends to."""


def answers(service: str, operation: str) -> bool:
    """Whether moto has an operation of a service, by boto3's names of both."""
    from botocore import xform_name
    from moto.backend_index import backend_url_patterns
    from moto.core.responses import BaseResponse

    host = f"https://{_endpoint_prefix(service)}.us-east-1.amazonaws.com"
    for package, pattern in backend_url_patterns:
        if not pattern.match(host):
            continue
        try:
            module = import_module(f"moto.{package}.responses")
        except ImportError:  # the package is missing what it wants: the gateway says which
            continue
        members = [member for member in vars(module).values() if isinstance(member, type)]
        rooms = [member for member in members if issubclass(member, BaseResponse) and member is not BaseResponse]
        if any(hasattr(room, xform_name(operation)) for room in rooms):
            return True
    return False


def _endpoint_prefix(service: str) -> str:
    from botocore.loaders import Loader

    return str(Loader().load_service_model(service, "service-2")["metadata"]["endpointPrefix"])


def bucket(name: str) -> Any | None:
    """moto's bucket, of whatever partition and account."""
    from moto.s3.models import s3_backends

    home = s3_backends.bucket_accounts.get(name)
    return s3_backends[home[1]][home[0]].buckets.get(name) if home else None


def event_schedules() -> list[tuple[str, dict[str, Any]]]:
    """Every EventBridge schedule of every group, with its region, in order."""
    from moto.scheduler.models import scheduler_backends

    backends: dict[str, Any] = scheduler_backends.get(LOCAL_ACCOUNT, {})
    return [
        (region, schedule.to_dict())
        for region, backend in sorted(backends.items())
        for _, group in sorted(backend.schedule_groups.items())
        for _, schedule in sorted(group.schedules.items())
    ]


def queue(account: str, region: str, name: str) -> Any | None:
    """moto's SQS queue."""
    from moto.sqs.models import sqs_backends

    backend = sqs_backends[account].get(region) if account in sqs_backends else None
    return backend.queues.get(name) if backend else None


def rule_targets(region: str, event: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The ARNs of the targets of every enabled EventBridge rule of a region that matches an event, and whether moto's PutEvents sends
    the event to just those: it takes disabled rules for enabled, and fails at a target of a service that it does not send to."""
    from moto.events.models import events_backends

    backends: dict[str, Any] = events_backends.get(LOCAL_ACCOUNT, {})
    if region not in backends:
        return [], True
    rules = [
        rule
        for rule in backends[region].event_buses["default"].rules.values()
        if rule.event_pattern.matches_event(event)
    ]
    arns = [target["Arn"] for rule in rules if rule.state == "ENABLED" for target in rule.targets]
    reached = all(rule.state == "ENABLED" for rule in rules) and all(arn.split(":")[2] in REACHED for arn in arns)
    return arns, reached


def is_versioned(name: str) -> bool:
    """Whether a PUT or DELETE of an object keeps what was there; so it is of a bucket that is not known."""
    known = bucket(name)
    return known is None or bool(known.versioning_status)
