"""When a monitoring schedule runs, over which window, and by which definition: what its configuration says.

Source: the SageMaker API reference, ScheduleConfig: NOW runs once, over the window that both analysis times give, of 24 hours at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fogbank.cloud.api.errors import validation
from fogbank.cloud.monitoring.captures import Window
from fogbank.cloud.monitoring.kinds import DATA_QUALITY
from fogbank.cloud.monitoring.offsets import span
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.expressions import check
from fogbank.ground.members import member

NOW = "NOW"
DAILY = "cron(0 0 ? * * *)"
LONGEST = timedelta(hours=24)
INLINE: Mapping[str, str] = {
    "MonitoringAppSpecification": "AppSpecification",
    "MonitoringOutputConfig": "JobOutputConfig",
    "MonitoringResources": "JobResources",
}
"""Members of an inline definition under the names that definitions of all kinds share."""


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """A MonitoringScheduleConfig as the local cloud reads it; without an expression SageMaker runs daily."""

    expression: str = member("ScheduleConfig.ScheduleExpression", default=DAILY)
    start: str | None = member("ScheduleConfig.DataAnalysisStartTime")
    end: str | None = member("ScheduleConfig.DataAnalysisEndTime")
    definition: str | None = member("MonitoringJobDefinitionName")
    inline: Mapping[str, Any] | None = member("MonitoringJobDefinition")
    type: str = member("MonitoringType", default=DATA_QUALITY.type)

    @property
    def once(self) -> bool:
        """Whether it runs when it is created or started, and by no clock."""
        return self.expression == NOW

    def window(self, scheduled: datetime, usual: Window) -> Window:
        """What an execution of a scheduled time looks at."""
        start = scheduled + span(self.start) if self.start else usual.start
        return Window(start=start, end=scheduled + span(self.end) if self.end else usual.end)

    def check(self) -> None:
        """Raises ValidationException."""
        if bool(self.definition) == bool(self.inline):
            raise validation("A schedule needs one of MonitoringJobDefinitionName and MonitoringJobDefinition.")
        if self.inline and self.type != DATA_QUALITY.type:
            raise validation(
                f"A MonitoringJobDefinition is of DataQuality; {self.type} needs a MonitoringJobDefinitionName."
            )
        try:
            long = span(self.end) - span(self.start)
            if not self.once:
                check(self.expression)
        except (ScheduleExpressionError, ValueError) as error:
            raise validation(
                f"ScheduleExpression: {error}" if isinstance(error, ScheduleExpressionError) else str(error)
            ) from error
        if self.once and (self.start is None or self.end is None):
            raise validation("ScheduleExpression NOW needs DataAnalysisStartTime and DataAnalysisEndTime.")
        if (self.start or self.end) and not timedelta() < long <= LONGEST:
            raise validation("DataAnalysisStartTime must be before DataAnalysisEndTime, by 24 hours at most.")


def inline_definition(name: str, inline: Mapping[str, Any]) -> dict[str, Any]:
    """An inline definition as one of its schedule's name. Raises ValidationException."""
    inputs = inline["MonitoringInputs"]
    if len(inputs) != 1:
        raise validation("MonitoringInputs must be one input.")
    named = {INLINE.get(member_, member_): value for member_, value in inline.items() if member_ != "MonitoringInputs"}
    application = dict(named["AppSpecification"])
    if environment := named.pop("Environment", None):
        application["Environment"] = environment
    return {**named, "JobDefinitionName": name, "AppSpecification": application, "JobInput": inputs[0]}
