"""Monitoring schedules: the calls, and what an execution of one looks at. What an execution does is in executions.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, in_use, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, Record, Resource
from fogbank.cloud.ground.store import Document
from fogbank.cloud.monitoring.captures import Window
from fogbank.cloud.monitoring.definitions import Definition, JobDefinitions
from fogbank.cloud.monitoring.executions import SCHEDULE_PATH, Execution, Executions, window_of
from fogbank.cloud.monitoring.plans import ScheduleConfig, inline_definition
from fogbank.contracts.monitoring import NO_DATA
from fogbank.contracts.status import MONITORING_SCHEDULE as TRANSITIONS
from fogbank.contracts.status import step
from fogbank.ground.members import decode

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
    ),
    status="MonitoringScheduleStatus",
    transitions=TRANSITIONS,
)


@dataclass(frozen=True, kw_only=True)
class ScheduleState:
    """The rules of its alert after the first, the oldest first, as alerts.py writes them."""

    rules: tuple[Document, ...] = ()

    def encode(self) -> Document:
        """As JSON values."""
        return {"rules": list(self.rules)}

    @classmethod
    def decode(cls, document: Document) -> ScheduleState:
        """From what `encode` gave, or an earlier version, which had no rules."""
        return cls(rules=tuple(document.get("rules", ())))


Schedule = Record[ScheduleState]


class MonitoringSchedules(Resource[ScheduleState]):
    """The monitoring schedules of every region; `definitions` by MonitoringType, `check` refuses a region's endpoint that cannot be
    monitored."""

    def __init__(
        self,
        ground: Ground,
        definitions: Mapping[str, JobDefinitions],
        executions: Executions,
        check: Callable[[str, str], None],
    ) -> None:
        super().__init__(MONITORING_SCHEDULE, ScheduleState, ground)
        self._definitions, self._executions, self._check = definitions, executions, check

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
        """Pending, then Scheduled at once: there is nothing to provision here. One of NOW runs."""
        config, definition = self._checked(scope, params)
        public = {
            **params,
            "MonitoringScheduleStatus": step(TRANSITIONS, "Pending", "Scheduled"),
            "MonitoringType": config.type,
            **_endpoint(definition),
        }
        schedule = self.add(scope, params["MonitoringScheduleName"], public, ScheduleState())
        self._run_once(schedule)
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
        """Stopped to Scheduled; one of NOW runs again."""
        answer = self._switch(scope, params["MonitoringScheduleName"], "Scheduled")
        self._run_once(self.get(scope.region, params["MonitoringScheduleName"]))
        return answer

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
        """Every schedule that is Scheduled by a clock."""
        there = [schedule for schedule in self.all() if schedule.public["MonitoringScheduleStatus"] == "Scheduled"]
        return [schedule for schedule in there if not config_of(schedule).once]

    def runs(self, schedule: Schedule) -> list[Execution]:
        """Its executions, the oldest first."""
        return self._executions.of(schedule.region, schedule.name)[::-1]

    def rule(self, schedule: Schedule, rule: Document) -> None:
        """Add a rule of its alert."""
        self.change(schedule.region, schedule.name, lambda state: ScheduleState(rules=(*state.rules, rule)))

    def begin(self, schedule: Schedule, window: Window, scheduled: datetime | None = None) -> Execution:
        """An execution over a window, which runs from now on; it was scheduled for the window's end, if for no other time."""
        config = config_of(schedule)
        members = {"MonitoringType": config.type}
        if endpoint := schedule.public.get("EndpointName"):
            members["EndpointName"] = endpoint
        if config.definition:
            members["MonitoringJobDefinitionName"] = config.definition
        inline = inline_definition(schedule.name, config.inline) if config.inline else None
        return self._executions.begin(schedule.region, schedule.name, members, window, scheduled or window.end, inline)

    def run(self, schedule: Schedule, window: Window, scheduled: datetime | None = None) -> Execution:
        """An execution over a window, when it has ended."""
        execution = self.begin(schedule, window, scheduled)
        return self._executions.wait(execution.region, execution.name) or execution

    def _run_once(self, schedule: Schedule) -> None:
        """Begin the execution of a schedule of NOW."""
        config = config_of(schedule)
        if config.once:
            now = self.clock.now().astimezone(UTC).replace(microsecond=0)
            self.begin(schedule, config.window(now, Window(start=now, end=now)), now)

    def unseen(self, schedule: Schedule, end: datetime) -> Window:
        """The window up to `end` that no execution has looked at: one that failed or was stopped has not."""
        seen = [window_of(run).end for run in self._executions.of(schedule.region, schedule.name) if _looked(run)]
        since = datetime.fromtimestamp(schedule.public["CreationTime"], UTC).replace(microsecond=0)
        return Window(start=max([since, *seen]), end=end)

    def _checked(self, scope: Scope, params: Params) -> tuple[ScheduleConfig, Definition]:
        config, definition = self._read(scope, params)
        if definition.endpoint:
            self._check(scope.region, definition.endpoint)
        return config, definition

    def _read(self, scope: Scope, params: Params) -> tuple[ScheduleConfig, Definition]:
        config = decode(ScheduleConfig, params["MonitoringScheduleConfig"], whole=False)
        definitions = self._definitions[config.type]
        config.check()
        if config.inline:
            return config, definitions.checked(inline_definition(params["MonitoringScheduleName"], config.inline))
        try:
            return config, definitions.definition(scope.region, config.definition or "")
        except ApiError as error:
            raise validation(error.message) from error

    def _switch(self, scope: Scope, name: str, status: str) -> Params:
        with self.lock:
            schedule = self.get(scope.region, name)
            if schedule.public["MonitoringScheduleStatus"] != status:
                self.move(scope.region, name, status)
        return {}


def _endpoint(definition: Definition) -> Params:
    """The endpoint that a definition monitors, if it does not monitor batch transform jobs."""
    return {"EndpointName": definition.endpoint} if definition.endpoint else {}


def config_of(schedule: Schedule) -> ScheduleConfig:
    """A schedule's configuration."""
    return decode(ScheduleConfig, schedule.public["MonitoringScheduleConfig"], whole=False)


def _looked(run: Execution) -> bool:
    """Whether an execution has looked at its window, or is about to."""
    public = run.public
    if public["MonitoringExecutionStatus"] in {"Failed", "Stopping", "Stopped"}:
        return public.get("FailureReason") == NO_DATA
    return True
