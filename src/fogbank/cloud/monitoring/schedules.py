"""Monitoring schedules: the calls, and what an execution of one looks at. What an execution does is in executions.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, in_use, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record, Resource
from fogbank.cloud.monitoring.captures import Window
from fogbank.cloud.monitoring.definitions import Definition, JobDefinitions
from fogbank.cloud.monitoring.executions import SCHEDULE_PATH, Execution, Executions, window_of
from fogbank.cloud.monitoring.kinds import DATA_QUALITY
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.expressions import check
from fogbank.contracts.monitoring import NO_DATA
from fogbank.contracts.status import MONITORING_SCHEDULE as TRANSITIONS
from fogbank.contracts.status import step
from fogbank.ground.members import decode, member

NOW = "NOW"
DAILY = "cron(0 0 ? * * *)"

MONITORING_SCHEDULE = Kind(
    path=SCHEDULE_PATH,
    stem="MonitoringSchedule",
    key="MonitoringScheduleName",
    arn="MonitoringScheduleArn",
    missing=lambda arn: not_found(f"Monitoring Schedule with arn {arn} does not exist."),
    taken=lambda arn: in_use(f"Monitoring Schedule with arn {arn} already exists."),
    listing=Listing(
        operation="ListMonitoringSchedules",
        answer="MonitoringScheduleSummaries",
        name="MonitoringScheduleName",
        status="MonitoringScheduleStatus",
        page_size=10,
    ),
    status="MonitoringScheduleStatus",
    transitions=TRANSITIONS,
)
Schedule = Record[NoState]


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """A MonitoringScheduleConfig as the local cloud reads it; without an expression SageMaker runs daily."""

    expression: str = member("ScheduleConfig.ScheduleExpression", default=DAILY)
    definition: str | None = member("MonitoringJobDefinitionName")
    type: str = member("MonitoringType", default=DATA_QUALITY.type)


class MonitoringSchedules(Resource[NoState]):
    """The monitoring schedules of every region; `definitions` by MonitoringType."""

    def __init__(self, ground: Ground, definitions: Mapping[str, JobDefinitions], executions: Executions) -> None:
        super().__init__(MONITORING_SCHEDULE, NoState, ground)
        self._definitions, self._executions = definitions, executions

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            **super().operations(),
            "CreateMonitoringSchedule": self.create,
            "UpdateMonitoringSchedule": self.update,
            "StartMonitoringSchedule": self.start,
            "StopMonitoringSchedule": self.stop,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Pending, then Scheduled at once: there is nothing to provision here."""
        config, definition = self._checked(scope, params)
        public = {
            **params,
            "MonitoringScheduleStatus": step(TRANSITIONS, "Pending", "Scheduled"),
            "MonitoringType": config.type,
            "EndpointName": definition.endpoint,
        }
        schedule = self.add(scope, params["MonitoringScheduleName"], public, NoState())
        return {"MonitoringScheduleArn": schedule.public["MonitoringScheduleArn"]}

    def update(self, scope: Scope, params: Params) -> Params:
        """Replace the configuration."""
        name = params["MonitoringScheduleName"]
        config, definition = self._checked(scope, params)
        with self.lock:
            schedule = self.get(scope.region, name)
            self.change(
                scope.region,
                name,
                MonitoringScheduleConfig=params["MonitoringScheduleConfig"],
                MonitoringType=config.type,
                EndpointName=definition.endpoint,
            )
        return {"MonitoringScheduleArn": schedule.public["MonitoringScheduleArn"]}

    def start(self, scope: Scope, params: Params) -> Params:
        """Stopped to Scheduled."""
        return self._switch(scope, params["MonitoringScheduleName"], "Scheduled")

    def stop(self, scope: Scope, params: Params) -> Params:
        """Scheduled to Stopped."""
        return self._switch(scope, params["MonitoringScheduleName"], "Stopped")

    def described(self, record: Schedule) -> Params:
        """The schedule, with its last execution."""
        runs = self._executions.of(record.region, record.name)
        return {**record.public, **({"LastMonitoringExecutionSummary": runs[0].public} if runs else {})}

    def summary(self, record: Schedule) -> Params:
        """A schedule as List looks at it."""
        return {**super().summary(record), "MonitoringJobDefinitionName": config_of(record).definition}

    def scheduled(self) -> list[Schedule]:
        """Every schedule that is Scheduled."""
        return [schedule for schedule in self.all() if schedule.public["MonitoringScheduleStatus"] == "Scheduled"]

    def begin(self, schedule: Schedule, window: Window) -> Execution:
        """An execution over a window, which runs from now on."""
        config = config_of(schedule)
        members = {
            "EndpointName": schedule.public["EndpointName"],
            "MonitoringType": config.type,
            "MonitoringJobDefinitionName": config.definition,
        }
        return self._executions.begin(schedule, members, window)

    def run(self, schedule: Schedule, window: Window) -> Execution:
        """An execution over a window, when it has ended."""
        execution = self.begin(schedule, window)
        return self._executions.wait(execution.region, execution.name) or execution

    def unseen(self, schedule: Schedule, end: datetime) -> Window:
        """The window up to `end` that no execution has looked at: one that failed or was stopped has not."""
        seen = [window_of(run).end for run in self._executions.of(schedule.region, schedule.name) if _looked(run)]
        since = datetime.fromtimestamp(schedule.public["CreationTime"], UTC).replace(microsecond=0)
        return Window(start=max([since, *seen]), end=end)

    def _checked(self, scope: Scope, params: Params) -> tuple[ScheduleConfig, Definition]:
        config = decode(ScheduleConfig, params["MonitoringScheduleConfig"], whole=False)
        definitions = self._definitions.get(config.type)
        if definitions is None:
            raise validation(f"The local cloud does not have {config.type} monitors yet; it is refused, not ignored.")
        if not config.definition:
            raise validation("MonitoringJobDefinitionName is required.")
        if config.expression == NOW:
            raise validation("The local cloud does not have the one-shot NOW schedule: use `fogbank monitor run`.")
        try:
            check(config.expression)
        except ScheduleExpressionError as error:
            raise validation(f"ScheduleExpression: {error}") from error
        try:
            return config, definitions.definition(scope.region, config.definition)
        except ApiError as error:
            raise validation(error.message) from error

    def _switch(self, scope: Scope, name: str, status: str) -> Params:
        with self.lock:
            schedule = self.get(scope.region, name)
            if schedule.public["MonitoringScheduleStatus"] != status:
                self.move(scope.region, name, status)
        return {}


def config_of(schedule: Schedule) -> ScheduleConfig:
    """A schedule's configuration."""
    return decode(ScheduleConfig, schedule.public["MonitoringScheduleConfig"], whole=False)


def _looked(run: Execution) -> bool:
    """Whether an execution has looked at its window, or is about to."""
    public = run.public
    if public["MonitoringExecutionStatus"] in {"Failed", "Stopping", "Stopped"}:
        return public.get("FailureReason") == NO_DATA
    return True
