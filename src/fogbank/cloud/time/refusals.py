"""What EventBridge Scheduler refuses of a schedule, pure: its members, expression, time zone, window, dates and target.

In: a request's members; out: the call that its target is, or an ApiError in AWS's words. Source: the EventBridge Scheduler API
reference, CreateSchedule and UpdateSchedule.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.cloud.api.check import check_input, unknown
from fogbank.cloud.api.errors import validation
from fogbank.cloud.ground.store import Document
from fogbank.cloud.time.calls import ApiCall, check
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.expressions import check as check_expression
from fogbank.cloud.time.expressions import is_once
from fogbank.cloud.time.schedule import moment_of

GRACE = timedelta(minutes=5)


def check_schedule(params: Document, operation: str, now: datetime) -> ApiCall:
    """The call that a schedule's target is. Raises ApiError."""
    shape = _shape(operation)
    check_input(params, shape)
    if paths := list(unknown(params, shape)):
        raise validation(f"The local cloud does not have {', '.join(paths)} yet; it is refused, not ignored.")
    _check_expression(params["ScheduleExpression"], params["ScheduleExpressionTimezone"])
    window = params["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise validation("MaximumWindowInMinutes goes with the FlexibleTimeWindow Mode FLEXIBLE, and with no other.")
    _check_dates(params, now)
    return check(params["Target"])


def _check_expression(expression: str, zone: str) -> None:
    try:
        check_expression(expression)
    except ScheduleExpressionError as error:
        raise validation(f"Invalid Schedule Expression {expression}. {error}") from error
    try:
        check_expression("rate(1 day)", zone)
    except ScheduleExpressionError as error:
        raise validation(f"Provided ScheduleExpressionTimezone is not valid: {zone}") from error


def _check_dates(params: Document, now: datetime) -> None:
    start, end = (moment_of(params.get(key)) for key in ("StartDate", "EndDate"))
    if start and start < now - GRACE and not is_once(params["ScheduleExpression"]):
        raise validation("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end and end < now:
        raise validation("The EndDate you specify cannot be in the past.")
    if start and end and end < start:
        raise validation("The StartDate must come before the EndDate.")


@lru_cache(maxsize=4)
def _shape(operation: str) -> Any:
    model = ServiceModel(Loader().load_service_model("scheduler", "service-2"), "scheduler")
    return model.operation_model(operation).input_shape
