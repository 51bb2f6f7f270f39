"""Data quality job definitions and monitoring schedules: the calls. What an execution does is in executions.py."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from fogbank.cloud.api.control import Operation, Params, Scope, page, refuse
from fogbank.cloud.api.errors import ApiError, in_use, not_found, validation
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.time.cron import ScheduleExpressionError, due
from fogbank.contracts.status import MONITORING_SCHEDULE, step

DEFINITION, SCHEDULE, EXECUTION = "data-quality-job-definition", "monitoring-schedule", "monitoring-execution"
NOW = "NOW"
DAILY = "cron(0 0 ? * * *)"


class JobDefinitions:
    """Data quality job definitions; they never change."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            "CreateDataQualityJobDefinition": self.create,
            "DescribeDataQualityJobDefinition": self.describe,
            "ListDataQualityJobDefinitions": self.summaries,
            "DeleteDataQualityJobDefinition": self.delete,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Create; a name that exists is ResourceInUse."""
        name = params["JobDefinitionName"]
        arn = scope.arn(DEFINITION, name)
        if self._store.get(DEFINITION, scope.region, name):
            raise in_use(f"Job definition {arn} already exists.")
        if not params["DataQualityJobInput"].get("EndpointInput"):
            raise validation("The local cloud monitors endpoints so far: DataQualityJobInput needs an EndpointInput.")
        refuse(
            params["DataQualityAppSpecification"],
            "RecordPreprocessorSourceUri",
            "PostAnalyticsProcessorSourceUri",
            "ContainerEntrypoint",
        )
        refuse(
            params["DataQualityJobInput"]["EndpointInput"],
            "FeaturesAttribute",
            "ExcludeFeaturesAttribute",
            "StartTimeOffset",
            "EndTimeOffset",
        )
        self._store.put(
            DEFINITION, scope.region, name, {**params, "JobDefinitionArn": arn, "CreationTime": self._clock.epoch()}
        )
        return {"JobDefinitionArn": arn}

    def describe(self, scope: Scope, params: Params) -> Params:
        """The definition."""
        return self.get(scope.region, params["JobDefinitionName"])

    def get(self, region: str, name: str) -> Document:
        """The document. Raises ResourceNotFound."""
        document = self._store.get(DEFINITION, region, name)
        if document is None:
            raise not_found(f"Could not find job definition {Scope(region).arn(DEFINITION, name)}.")
        return document

    def summaries(self, scope: Scope, params: Params) -> Params:
        """Summaries, newest first."""
        kept = [
            {
                "MonitoringJobDefinitionName": doc["JobDefinitionName"],
                "MonitoringJobDefinitionArn": doc["JobDefinitionArn"],
                "CreationTime": doc["CreationTime"],
                "EndpointName": _endpoint(doc),
                "_name": doc["JobDefinitionName"],
            }
            for doc in self._store.all(DEFINITION, scope.region)
            if params.get("NameContains", "") in doc["JobDefinitionName"]
            and params.get("EndpointName", _endpoint(doc)) == _endpoint(doc)
        ]
        return page(kept, params, "JobDefinitionSummaries")

    def delete(self, scope: Scope, params: Params) -> Params:
        """Delete."""
        self.get(scope.region, params["JobDefinitionName"])
        self._store.delete(DEFINITION, scope.region, params["JobDefinitionName"])
        return {}


def _endpoint(definition: Document) -> str:
    name: str = definition["DataQualityJobInput"]["EndpointInput"]["EndpointName"]
    return name


class MonitoringSchedules:
    """Monitoring schedules and what is known of their executions."""

    def __init__(self, store: Store, clock: Clock, definitions: JobDefinitions) -> None:
        self._store, self._clock, self._definitions = store, clock, definitions
        self._lock = threading.RLock()

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            "CreateMonitoringSchedule": self.create,
            "DescribeMonitoringSchedule": self.describe,
            "ListMonitoringSchedules": self.summaries,
            "UpdateMonitoringSchedule": self.update,
            "DeleteMonitoringSchedule": self.delete,
            "StartMonitoringSchedule": self.start,
            "StopMonitoringSchedule": self.stop,
            "ListMonitoringExecutions": self.executions,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Pending, then Scheduled at once: there is nothing to provision here."""
        name, arn = params["MonitoringScheduleName"], scope.arn(SCHEDULE, params["MonitoringScheduleName"])
        with self._lock:
            if self._store.get(SCHEDULE, scope.region, name):
                raise in_use(f"Monitoring Schedule with arn {arn} already exists.")
            definition = self._checked(scope, params)
            now = self._clock.epoch()
            document: Document = {
                "MonitoringScheduleName": name,
                "MonitoringScheduleArn": arn,
                "MonitoringScheduleConfig": params["MonitoringScheduleConfig"],
                "MonitoringScheduleStatus": step(MONITORING_SCHEDULE, "Pending", "Scheduled"),
                "MonitoringType": "DataQuality",
                "EndpointName": _endpoint(definition),
                "CreationTime": now,
                "LastModifiedTime": now,
                "Tags": params.get("Tags", []),
                "_region": scope.region,
            }
            self._store.put(SCHEDULE, scope.region, name, document)
        return {"MonitoringScheduleArn": arn}

    def update(self, scope: Scope, params: Params) -> Params:
        """Replace the configuration."""
        with self._lock:
            document = self.get(scope.region, params["MonitoringScheduleName"])
            definition = self._checked(scope, params)
            self._store.update(
                SCHEDULE,
                scope.region,
                params["MonitoringScheduleName"],
                MonitoringScheduleConfig=params["MonitoringScheduleConfig"],
                EndpointName=_endpoint(definition),
                LastModifiedTime=self._clock.epoch(),
            )
        return {"MonitoringScheduleArn": document["MonitoringScheduleArn"]}

    def describe(self, scope: Scope, params: Params) -> Params:
        """The schedule, with its last execution."""
        document = self.get(scope.region, params["MonitoringScheduleName"])
        runs = self.runs(scope.region, document["MonitoringScheduleName"])
        return {**document, "LastMonitoringExecutionSummary": runs[0]} if runs else document

    def summaries(self, scope: Scope, params: Params) -> Params:
        """Summaries, newest first."""
        kept = [
            {
                **doc,
                "_name": doc["MonitoringScheduleName"],
                "_status": doc["MonitoringScheduleStatus"],
                "MonitoringJobDefinitionName": doc["MonitoringScheduleConfig"].get("MonitoringJobDefinitionName"),
            }
            for doc in self._store.all(SCHEDULE, scope.region)
            if params.get("NameContains", "") in doc["MonitoringScheduleName"]
            and params.get("EndpointName", doc["EndpointName"]) == doc["EndpointName"]
        ]
        return page(kept, params, "MonitoringScheduleSummaries")

    def delete(self, scope: Scope, params: Params) -> Params:
        """Delete; the history of executions stays."""
        self.get(scope.region, params["MonitoringScheduleName"])
        self._store.delete(SCHEDULE, scope.region, params["MonitoringScheduleName"])
        return {}

    def start(self, scope: Scope, params: Params) -> Params:
        """Stopped to Scheduled."""
        return self._switch(scope, params["MonitoringScheduleName"], "Scheduled")

    def stop(self, scope: Scope, params: Params) -> Params:
        """Scheduled to Stopped."""
        return self._switch(scope, params["MonitoringScheduleName"], "Stopped")

    def executions(self, scope: Scope, params: Params) -> Params:
        """Summaries of executions, newest first, 10 a page."""
        kept = []
        for run in self._store.all(EXECUTION, scope.region):
            asked = {
                "MonitoringScheduleName": run["MonitoringScheduleName"],
                "EndpointName": run["EndpointName"],
                "StatusEquals": run["MonitoringExecutionStatus"],
                "MonitoringJobDefinitionName": run["MonitoringJobDefinitionName"],
            }
            if all(params.get(key, value) == value for key, value in asked.items()):
                kept.append({**run, "_status": run["MonitoringExecutionStatus"]})
        return page(kept, {"MaxResults": 10, **params}, "MonitoringExecutionSummaries")

    def get(self, region: str, name: str) -> Document:
        """The document. Raises ResourceNotFound."""
        document = self._store.get(SCHEDULE, region, name)
        if document is None:
            raise not_found(f"Monitoring Schedule with arn {Scope(region).arn(SCHEDULE, name)} does not exist.")
        return document

    def scheduled(self) -> list[Document]:
        """Every schedule that is Scheduled."""
        return [doc for doc in self._store.all(SCHEDULE) if doc["MonitoringScheduleStatus"] == "Scheduled"]

    def runs(self, region: str, name: str) -> list[Document]:
        """A schedule's executions, newest first."""
        found = [run for run in self._store.all(EXECUTION, region) if run["MonitoringScheduleName"] == name]
        return sorted(found, key=lambda run: (run["ScheduledTime"], run["CreationTime"]), reverse=True)

    def definition(self, schedule: Document) -> Document:
        """The job definition that a schedule runs. Raises ResourceNotFound."""
        return self._definitions.get(
            schedule["_region"], schedule["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
        )

    def _checked(self, scope: Scope, params: Params) -> Document:
        config = params["MonitoringScheduleConfig"]
        if config.get("MonitoringType", "DataQuality") != "DataQuality" or config.get("MonitoringJobDefinition"):
            raise validation(
                "The local cloud runs DataQuality monitors by MonitoringJobDefinitionName so far; anything else is refused, not ignored."
            )
        if not config.get("MonitoringJobDefinitionName"):
            raise validation("MonitoringJobDefinitionName is required.")
        expression = expression_of(config)
        if expression == NOW:
            raise validation("The local cloud does not have the one-shot NOW schedule: use `fogbank monitor run`.")
        try:
            now = self._clock.now()
            list(due(expression, now, now, now))
        except ScheduleExpressionError as error:
            raise validation(f"ScheduleExpression: {error}") from error
        try:
            return self._definitions.get(scope.region, config["MonitoringJobDefinitionName"])
        except ApiError as error:
            raise validation(error.message) from error

    def _switch(self, scope: Scope, name: str, status: str) -> Params:
        with self._lock:
            document = self.get(scope.region, name)
            if document["MonitoringScheduleStatus"] != status:
                step(MONITORING_SCHEDULE, document["MonitoringScheduleStatus"], status)
                self._store.update(
                    SCHEDULE, scope.region, name, MonitoringScheduleStatus=status, LastModifiedTime=self._clock.epoch()
                )
        return {}


def expression_of(config: Document) -> str:
    """The schedule's expression; without one SageMaker runs daily."""
    expression: str = config.get("ScheduleConfig", {}).get("ScheduleExpression", DAILY)
    return expression
