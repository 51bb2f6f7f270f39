"""An endpoint that is not there all the time: by office hours, or until a day. EventBridge Scheduler deletes it, and makes it again in the
morning under the same name, of the configuration that the program has then.

In: values that refuse what Scheduler would; out: its expressions and requests (pure), and the schedules that are declared of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.execution import disk_statements
from fogbank.components.naming import default_tags
from fogbank.components.refusals import refuse
from fogbank.components.variants import Provisioned, Variant
from fogbank.contracts.names import base_name
from fogbank.contracts.scheduler import universal_target

TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
DAYS = re.compile(r"(MON|TUE|WED|THU|FRI|SAT|SUN)([-,](MON|TUE|WED|THU|FRI|SAT|SUN))*|\*")
CREATE, DELETE = "createEndpoint", "deleteEndpoint"
RETRIES: aws.scheduler.ScheduleTargetRetryPolicyArgsDict = {
    "maximum_retry_attempts": 10,
    "maximum_event_age_in_seconds": 3600,
}


@dataclass(frozen=True, kw_only=True)
class OfficeHours:
    """When the endpoint is there: from `start` to `end` (HH:MM) on `days` (MON-FRI, or * for all), by the clocks of `zone`."""

    start: str = "08:00"
    end: str = "18:00"
    days: str = "MON-FRI"
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what Scheduler would, all of it at once."""
        problems = [
            f"{name} must be HH:MM, not {value!r}"
            for name, value in (("start", self.start), ("end", self.end))
            if not TIME.fullmatch(value)
        ]
        if not problems and self.start >= self.end:
            problems.append(f"end must be after start ({self.start}), not {self.end}")
        if not DAYS.fullmatch(self.days):
            problems.append(f"days must be such as MON-FRI, MON,WED or *, not {self.days!r}")
        refuse(problems)

    @property
    def opens(self) -> str:
        """Scheduler's expression of its mornings.

        >>> OfficeHours(start="08:30").opens
        'cron(30 8 ? * MON-FRI *)'
        """
        return self._cron(self.start)

    @property
    def closes(self) -> str:
        """Scheduler's expression of its evenings."""
        return self._cron(self.end)

    def _cron(self, time: str) -> str:
        hour, minute = (int(part) for part in time.split(":"))
        return f"cron({minute} {hour} ? * {self.days} *)"


def last_moment(until: str) -> str:
    """Scheduler's expression of a moment in UTC. Raises ValueError.

    >>> last_moment("2026-12-31T18:00")
    'at(2026-12-31T18:00:00)'
    """
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise ValueError(f"until must be a moment in UTC such as 2026-12-31T18:00, not {until!r}")
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def awake_alone(variants: Sequence[Variant]) -> Iterator[str]:
    """What of an endpoint is for those that are there all the time: AWS deregisters what scales when its endpoint goes, and one that is made
    again has none (Developer Guide, "Delete endpoints configured for auto scaling")."""
    for variant in variants:
        if isinstance(variant.on, Provisioned) and variant.on.scaling:
            yield f"variant {variant.name}: its scaling is lost when hours or until delete the endpoint: take the one or the other"


def policy(partition: str, account: str, endpoint: str, kms_key: str = "") -> str:
    """Delete and make one endpoint, and nothing else; `kms_key` encrypts its disks."""
    place, endpoint = f"arn:{partition}:sagemaker:*:{account}", endpoint.lower()  # as SageMaker's ARNs have names
    deleting = {"Effect": "Allow", "Action": "sagemaker:DeleteEndpoint", "Resource": f"{place}:endpoint/{endpoint}"}
    making = {
        "Effect": "Allow",
        "Action": ["sagemaker:CreateEndpoint", "sagemaker:AddTags"],
        "Resource": [f"{place}:endpoint/{endpoint}", f"{place}:endpoint-config/{base_name(endpoint)}*"],
    }
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [deleting, making, *disk_statements(partition, account, kms_key)]}
    )


def timed(
    component: pulumi.Resource,
    name: str,
    endpoint: str,
    config: pulumi.Output[str],
    hours: OfficeHours | None,
    until: str | None,
    ready: Sequence[pulumi.Resource],
    boundary: str | None = None,
    kms_key: pulumi.Input[str] | None = None,
) -> None:
    """Declare the schedules of an endpoint that is not there all the time; `boundary` is their role's permissions boundary, `kms_key` the
    key of its disks."""
    account, child = Account.of(component), pulumi.ResourceOptions(parent=component)
    role = aws.iam.Role(
        f"{name}-hours",
        assume_role_policy=account.trust("scheduler.amazonaws.com"),
        permissions_boundary=boundary,
        opts=child,
    )
    allowed = aws.iam.RolePolicy(
        f"{name}-hours-policy",
        role=role.name,
        policy=pulumi.Output.all(account.partition, account.id, kms_key or "").apply(
            lambda known: policy(known[0], known[1], endpoint, known[2])
        ),
        opts=child,
    )
    tags = default_tags()
    gone = json.dumps({"EndpointName": endpoint})
    there = config.apply(
        lambda known: json.dumps(
            {"EndpointName": endpoint, "EndpointConfigName": known, **({"Tags": tags} if tags else {})}
        )
    )
    wanted: list[tuple[str, str, str, pulumi.Input[str], str]] = []
    if hours is not None:
        wanted = [
            ("opens", hours.opens, CREATE, there, hours.zone),
            ("closes", hours.closes, DELETE, gone, hours.zone),
        ]
    if until is not None:
        wanted.append(("ends", last_moment(until), DELETE, gone, "UTC"))
    for about, expression, operation, request, zone in wanted:
        aws.scheduler.Schedule(
            f"{name}-{about}",
            name=f"{endpoint[:56]}-{about}",
            description=f"Endpoint {endpoint}: {operation}",
            schedule_expression=expression,
            schedule_expression_timezone=zone,
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": _target(account, operation),
                "role_arn": role.arn,
                "input": request,
                "retry_policy": RETRIES,
            },
            opts=pulumi.ResourceOptions(parent=component, depends_on=[allowed, *ready]),
        )


def _target(account: Account, operation: str) -> pulumi.Output[str]:
    return account.partition.apply(lambda partition: universal_target(partition, operation))
