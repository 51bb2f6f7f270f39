"""EventBridge Scheduler. What is updated in place: Terraform's aws_scheduler_schedule (all but name, name_prefix, group_name)."""

from __future__ import annotations

from fogbank.contracts import tokens
from fogbank.provider.resource import AutoName
from fogbank.provider.row import Row, Tagging

ROWS = (
    Row(
        token=tokens.SCHEDULE,
        service="scheduler",
        calls={
            "create": "CreateSchedule",
            "describe": "GetSchedule",
            "update": "UpdateSchedule",
            "delete": "DeleteSchedule",
        },
        identity={"Name": "name", "GroupName": "groupName"},
        auto_name=AutoName(longest=64),
        renames={"pipelineParameters": "PipelineParameterList"},
        defaults={"groupName": "default", "state": "ENABLED", "description": ""},
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
    Row(
        token="aws:scheduler/scheduleGroup:ScheduleGroup",
        service="scheduler",
        calls={"create": "CreateScheduleGroup", "describe": "GetScheduleGroup", "delete": "DeleteScheduleGroup"},
        identity={"Name": "name"},
        outputs={"arn": "Arn", "state": "State"},
        auto_name=AutoName(longest=64),
        tags=Tagging.RESOURCE_ARN,
    ),
)
