"""What the cloud reads of moto's own memory, by moto's own names: the one place to look at when moto changes.

In: a name; out: moto's object, or nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from importlib import import_module
from typing import Any

from fogbank.cloud.ground.roles import Issued
from fogbank.ground.aws import LOCAL_ACCOUNT

ACCESS_KEY = re.compile(r"Credential=([^/,]+)")


def assumed_role(access_key: str) -> Issued | None:
    """The role that STS's AssumeRole gave credentials of."""
    from moto.sts.models import sts_backends

    backends = [backend for account in list(sts_backends.values()) for backend in list(account.values())]
    role = next((found for each in backends if (found := each.get_assumed_role_from_access_key(access_key))), None)
    if role is None:
        return None
    return Issued(
        role=role.role_arn,
        session=role.session_name,
        access_key=access_key,
        secret=role.secret_access_key,
        token=role.session_token,
        ends=role.expiration.replace(tzinfo=UTC).timestamp(),
    )


def account_of(headers: Mapping[str, str]) -> str:
    """Whose a request is, as moto tells it: by a header of its own, else by the access key."""
    from moto.iam.models import get_account_id_from

    named = os.environ.get("MOTO_ACCOUNT_ID") or headers.get("x-moto-account-id")
    if named:
        return named
    match = ACCESS_KEY.search(headers.get("authorization", ""))
    account: str = get_account_id_from(match[1] if match else "")
    return account


def metric_data(account: str, region: str) -> Iterator[dict[str, Any]]:
    """What moto keeps of metrics: the sizes of buckets, what its services put, and what users put before the cloud kept that itself."""
    from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends

    items: list[Any] = cloudwatch_backends[account][region].get_all_metrics()
    for item in items:
        several = isinstance(item, MetricAggregatedDatum)
        sums = (
            (item.sample_count, item.sum, item.min, item.max) if several else (1.0, item.value, item.value, item.value)
        )
        yield {
            "namespace": item.namespace,
            "name": item.name,
            "dimensions": [(dimension.name, dimension.value) for dimension in item.dimensions],
            "unit": item.unit,
            "at": item.timestamp.replace(tzinfo=item.timestamp.tzinfo or UTC).timestamp(),
            "values": sums,
        }


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


def waiting_rules(region: str, event: Mapping[str, Any]) -> list[str]:
    """The ARNs of every enabled EventBridge rule of a region that matches an event, archives' among them."""
    from moto.events.models import events_backends

    backends: dict[str, Any] = events_backends.get(LOCAL_ACCOUNT, {})
    if region not in backends:
        return []
    return [
        rule.arn
        for rule in backends[region].event_buses["default"].rules.values()
        if rule.state != "DISABLED" and rule.event_pattern.dump() and rule.event_pattern.matches_event(event)
    ]


def is_versioned(name: str) -> bool:
    """Whether a PUT or DELETE of an object keeps what was there; so it is of a bucket that is not known."""
    known = bucket(name)
    return known is None or bool(known.versioning_status)
