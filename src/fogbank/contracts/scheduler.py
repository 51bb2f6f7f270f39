"""The words of EventBridge Scheduler: its universal targets and context attributes, and how often an expression is due.

Source: EventBridge Scheduler User Guide, "Using universal targets", "Adding context attributes" and "Schedule types".
"""

from __future__ import annotations

import re

EXECUTION_ID = "<aws.scheduler.execution-id>"
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
HOUR_S = 3600
UNITS_S = {"minute": 60, "hour": HOUR_S, "day": 24 * HOUR_S}
RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
CRON = re.compile(r"cron\((\d{1,2}) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
EVERY_HOURS = re.compile(r"(?:\*|0)/(\d{1,2})")
ANY = {"*", "?"}


def universal_target(partition: str, operation: str) -> str:
    """The target that calls an operation of SageMaker's API, such as `createTransformJob`, in a partition."""
    return f"arn:{partition}:scheduler:::aws-sdk:sagemaker:{operation}"


def starts(target: str, operation: str) -> bool:
    """Whether a target is that one, in any partition.

    >>> starts(universal_target("aws-cn", "createTransformJob"), "createTransformJob")
    True
    """
    return target.partition(":")[2].partition(":")[2] == f"scheduler:::aws-sdk:sagemaker:{operation}"


def period_s(expression: str) -> int | None:
    """The seconds between two times that a schedule is due; None where they are not always as many, or not known here.

    >>> period_s("cron(0 * ? * * *)"), period_s("cron(0 */6 * * ? *)"), period_s("rate(1 day)"), period_s("cron(0 8 ? * MON *)")
    (3600, 21600, 86400, None)
    """
    if rate := RATE.fullmatch(expression):
        return int(rate[1]) * UNITS_S[rate[2]]
    cron = CRON.fullmatch(expression)
    if cron is None or not {*cron.groups()[2:]} <= ANY:
        return None
    hours = cron[2]
    if hours == "*":
        return HOUR_S
    if hours.isdecimal():
        return 24 * HOUR_S
    every = EVERY_HOURS.fullmatch(hours)
    return int(every[1]) * HOUR_S if every and int(every[1]) and 24 % int(every[1]) == 0 else None


def later(expression: str, minutes: int) -> str:
    """A cron expression as many minutes later, if it stays in its hour; any other as it is.

    >>> later("cron(0 * ? * * *)", 10), later("rate(1 hour)", 10)
    ('cron(10 * ? * * *)', 'rate(1 hour)')
    """
    cron = CRON.fullmatch(expression)
    if cron is None or int(cron[1]) + minutes > 59:
        return expression
    return f"cron({int(cron[1]) + minutes} {' '.join(cron.groups()[1:])})"
