"""A batch that scores each object once: when it arrives, or at times what has not been scored; and what is declared for it.

EventBridge cannot call CreateTransformJob by itself: a function does (batch_handler.py), which keeps a ledger of what it has scored. Sources:
S3 User Guide, "Using EventBridge" and "Event message structure"; the Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from fogbank.components.account import Account
from fogbank.components.function import Code, function, started_by
from fogbank.components.service import ModelService

HANDLER = Path(__file__).with_name("batch_handler.py")
LIMIT_S, LOG_DAYS, MEMORY_MB = 900, 30, 1024
RUNS = "runs/"
"""Below the ledger: the manifests that jobs read."""
TIMES = re.compile(r"(cron|rate)\(.+\)")


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """In place of a schedule: a job for each object that arrives, if its name ends in `suffix`. What no event told of, and what failed, is
    looked for at the times of `sweep`."""

    suffix: str = ""
    sweep: str = "rate(1 day)"

    def __post_init__(self) -> None:
        """Refuse what EventBridge would."""
        _timed("sweep", self.sweep)

    @property
    def times(self) -> str:
        """When what has not been scored is looked for."""
        return self.sweep


@dataclass(frozen=True, kw_only=True)
class Unscored:
    """In place of a schedule: at the times of `schedule`, a rule's cron or rate expression in UTC, one job over what has not been scored."""

    schedule: str
    suffix: str = ""

    def __post_init__(self) -> None:
        """Refuse what EventBridge would."""
        _timed("schedule", self.schedule)

    @property
    def times(self) -> str:
        """When what has not been scored is looked for."""
        return self.schedule


OnceEach = Arrivals | Unscored


def _timed(name: str, expression: str) -> None:
    if not TIMES.fullmatch(expression):
        raise ValueError(
            f"{name} must be cron(...) or rate(...), as a rule of EventBridge takes it, not {expression!r}"
        )


def circular(source: str, written: dict[str, str | None]) -> Iterator[str]:
    """What is written below what is read: it would arrive, and be scored, for ever."""
    for name, prefix in written.items():
        if prefix is not None and prefix.startswith(source):
            yield f"{name} {prefix!r} lies below input_prefix {source!r}: what is written would be scored in its turn"


def declare_once_each(
    component: pulumi.Resource,
    name: str,
    service: ModelService,
    each: OnceEach,
    *,
    prefix: str,
    request: pulumi.Output[str],
    source: str,
    ledger: str,
    needs: Sequence[pulumi.Resource] = (),
) -> pulumi.Output[str]:
    """Declare the function and its rules; its name. Jobs' names begin with `prefix`; `source` and `ledger` are prefixes in the bucket; `needs`
    is what jobs may do, which is there before one is started."""
    account = Account.of(component)
    known = pulumi.Output.all(partition=account.partition, account=account.id, bucket=service.bucket)
    starts = function(
        component,
        name,
        Code(module=HANDLER, entry="handler", timeout_s=LIMIT_S, log_days=LOG_DAYS, memory_mb=MEMORY_MB),
        may=known.apply(lambda facts: may(**facts, prefix=prefix, source=source, ledger=ledger)),
        variables={
            "REQUEST": request.apply(template),
            "INPUT": service.uri(source),
            "LEDGER": service.uri(ledger),
            "PREFIX": prefix,
            "SUFFIX": each.suffix,
        },
        boundary=service.permissions_boundary,
        needs=[*needs, *service.ready],
        kms_key=service.kms_key,
    )
    if isinstance(each, Arrivals):
        service.tell_events()
        started_by(
            component,
            name,
            "arrives",
            starts,
            event_pattern=service.bucket.apply(lambda bucket: arrived(bucket, source)),
        )
    started_by(component, name, "completes", starts, event_pattern=completed(prefix))
    started_by(component, name, "sweeps", starts, schedule_expression=each.times)
    return starts.name


def template(request: str) -> str:
    """A CreateTransformJob request without its name and its input's place."""
    document = json.loads(request)
    del document["TransformJobName"]
    del document["TransformInput"]["DataSource"]
    return json.dumps(document, sort_keys=True)


def arrived(bucket: str, prefix: str) -> str:
    """The events of objects that are created below a prefix."""
    detail = {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix}]}}
    return json.dumps({"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}, sort_keys=True)


def completed(prefix: str) -> str:
    """The events of jobs that have scored, by how their names begin."""
    detail = {"TransformJobStatus": ["Completed"], "TransformJobName": [{"prefix": prefix}]}
    kind = ["SageMaker Transform Job State Change"]
    return json.dumps({"source": ["aws.sagemaker"], "detail-type": kind, "detail": detail}, sort_keys=True)


def may(*, partition: str, account: str, bucket: str, prefix: str, source: str, ledger: str) -> list[dict[str, Any]]:
    """Start these jobs and ask for them, list what is to be scored, and keep the ledger."""
    place = f"arn:{partition}:s3:::{bucket}"
    jobs = {
        "Effect": "Allow",
        "Action": ["sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:AddTags"],
        "Resource": f"arn:{partition}:sagemaker:*:{account}:transform-job/{prefix.lower()}*",
    }
    kept = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": f"{place}/{ledger}*",
    }
    listed = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": place,
        "Condition": {"StringLike": {"s3:prefix": [f"{source}*", f"{ledger}*"]}},
    }
    return [jobs, kept, listed]
