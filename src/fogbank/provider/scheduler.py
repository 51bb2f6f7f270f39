"""EventBridge Scheduler's row of the table."""

from __future__ import annotations

from fogbank.contracts import tokens
from fogbank.provider.api_resource import ApiResource
from fogbank.provider.shapes import Naming

ROWS = (
    ApiResource(
        token=tokens.SCHEDULE,
        service="scheduler",
        create_call="CreateSchedule",
        describe_call="GetSchedule",
        update_call="UpdateSchedule",
        delete_call="DeleteSchedule",
        identity={"Name": "name", "GroupName": "groupName"},
        outputs={"arn": "Arn"},
        naming=Naming(free=frozenset({"tags"})),
        defaults={"groupName": "default"},
        tags_in_create=False,
        in_place=frozenset(
            {
                "actionAfterCompletion",
                "description",
                "endDate",
                "flexibleTimeWindow",
                "kmsKeyArn",
                "scheduleExpression",
                "scheduleExpressionTimezone",
                "startDate",
                "state",
                "target",
            }
        ),
    ),
)
