"""What EventBridge Scheduler refuses of a schedule, in its words, and what it takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.time.refusals import check_schedule

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TARGET = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": "arn:aws:iam::123456789012:role/r"}
SCHEDULE = {
    "Name": "s",
    "ScheduleExpression": "rate(1 day)",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": TARGET,
}


def target(**more: Any) -> dict[str, Any]:
    return {"Target": {**TARGET, **more}}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}},
        {"StartDate": NOW.timestamp(), "EndDate": NOW.timestamp() + 1},
        {"ScheduleExpression": "at(2027-01-01T00:00:00)", "StartDate": 0},
        target(RetryPolicy={"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}, DeadLetterConfig={"Arn": TARGET["Arn"]}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["CreateSchedule", "UpdateSchedule"])
def test_what_is_taken(more: dict[str, Any], operation: str) -> None:
    assert check_schedule({**SCHEDULE, **more}, operation, NOW).operation == "SendMessage"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ScheduleExpression": "rate(0 days)"}, "Invalid Schedule Expression rate"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "ScheduleExpressionTimezone is not valid: Mars/Olympus"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes goes with"),
        ({"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}}, "MaximumWindowInMinutes goes with"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}}, "less than or equal to 1440"),
        ({"StartDate": 0}, "cannot be earlier than 5 minutes ago"),
        ({"EndDate": 0}, "cannot be in the past"),
        ({"StartDate": NOW.timestamp() + 2, "EndDate": NOW.timestamp() + 1}, "must come before the EndDate"),
        ({"ActionAfterCompletion": "KEEP"}, r"enum value set: \[NONE, DELETE\]"),
        ({"Mood": "good"}, "does not have Mood yet; it is refused, not ignored"),
        (target(RetryPolicy={"MaximumRetryAttempts": 186}), "less than or equal to 185"),
        (target(RetryPolicy={"MaximumEventAgeInSeconds": 59}), "greater than or equal to 60"),
        (target(DeadLetterConfig={"Arn": TARGET["Arn"] + ".fifo"}), "regular expression pattern"),
        (target(DeadLetterConfig={"Arn": "arn:aws:sns:us-east-1:123456789012:t"}), "regular expression pattern"),
        (target(RoleArn="n/a"), "regular expression pattern"),
        (target(Arn="nowhere"), "Provided Arn is not in correct format"),
    ],
)
def test_what_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError, match=words) as caught:
        check_schedule({**SCHEDULE, **more}, "CreateSchedule", NOW)

    assert caught.value.code == "ValidationException"
