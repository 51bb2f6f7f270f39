"""Jobs and monitors, put together: transform, processing, training and tuning jobs, pipelines of them, job definitions, monitoring schedules and their
executions.

In: what every room stands on, hosting's rooms, clients of the cloud itself; out: the kinds of resources, and their ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fogbank.cloud.api.control import Operation
from fogbank.cloud.api.resource import Ground, Resource
from fogbank.cloud.ground.wire import DEFAULT_REGION
from fogbank.cloud.host_rooms import Clients, HostRooms, HostSettings
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.inside import pieces_of
from fogbank.cloud.jobs.experiments import Experiments
from fogbank.cloud.jobs.objects import S3Objects
from fogbank.cloud.jobs.processing import Places, ProcessingJobs
from fogbank.cloud.jobs.processor import ProcessProcessor
from fogbank.cloud.jobs.transforms import TransformJobs
from fogbank.cloud.jobs.warm import WarmAnalyzer
from fogbank.cloud.monitoring.alerts import MonitoringAlerts
from fogbank.cloud.monitoring.captures import Captures, capture_source, check_captured
from fogbank.cloud.monitoring.clockwork import MonitoringClockwork
from fogbank.cloud.monitoring.definitions import JobDefinitions
from fogbank.cloud.monitoring.executions import Executions
from fogbank.cloud.monitoring.kinds import KINDS
from fogbank.cloud.monitoring.schedules import MonitoringSchedules
from fogbank.cloud.pipelines.calls import ExecutionCalls
from fogbank.cloud.pipelines.executions import Executions as PipelineExecutions
from fogbank.cloud.pipelines.pipelines import Pipelines
from fogbank.cloud.pipelines.steps import Steps
from fogbank.cloud.training.jobs import TrainingJobs, Write
from fogbank.cloud.tuning.jobs import TuningJobs

STOP_LIMIT_S = 30.0


class JobRooms:
    """The rooms of jobs. `bare` are environments without the server's own libraries; `write` puts lines into CloudWatch Logs."""

    def __init__(
        self,
        ground: Ground,
        settings: HostSettings,
        clients: Clients,
        hosting: HostRooms,
        bare: Environments,
        write: Write,
    ) -> None:
        folder, logs = settings.folder, settings.folder / "logs"
        objects = S3Objects(partial(clients, "s3", DEFAULT_REGION), pieces_of)
        experiments = Experiments(partial(clients, "sagemaker"))
        self.transforms = TransformJobs(
            ground,
            models=hosting.models,
            workspace=hosting.workspace,
            objects=objects,
            experiments=experiments,
            logs=logs,
        )
        self._warm = WarmAnalyzer(folder / "analyzer")
        self.processing = ProcessingJobs(
            ground,
            objects=objects,
            processor=ProcessProcessor(settings.environments, self._warm),
            cloudwatch=partial(clients, "cloudwatch"),
            places=Places(work=folder / "processing", logs=logs),
            grant=settings.grant,
        )
        self.training = TrainingJobs(
            ground,
            objects=objects,
            environments=bare,
            places=Places(work=folder / "training", logs=logs),
            grant=settings.grant,
            write=write,
        )
        self.tuning = TuningJobs(ground, self.training)
        steps = Steps(clients, experiments, ground.clock.epoch)
        self.pipelines = PipelineExecutions(ground, steps=steps, objects=objects)
        declared = Pipelines(ground, self.pipelines, objects)
        self._pipeline_calls = ExecutionCalls(declared, self.pipelines)
        self.pipeline_arn = declared.spelled
        definitions = {kind.type: JobDefinitions(kind, ground) for kind in KINDS.values()}
        captures = Captures(objects, partial(capture_source, hosting.endpoints.find), hosting.recorder.flush)
        self.executions = Executions(ground, definitions=definitions, captures=captures, processing=self.processing)
        check = partial(check_captured, hosting.endpoints.find)
        self.schedules = MonitoringSchedules(ground, definitions, self.executions, check)
        self.monitors = MonitoringClockwork(self.schedules, ground.clock)
        self.kinds: tuple[Resource[Any], ...] = (
            self.transforms,
            self.processing,
            self.training,
            self.tuning,
            declared,
            *definitions.values(),
            self.schedules,
        )
        self._all = (self.pipelines, self.tuning, self.executions, self.processing, self.transforms, self.training)

    def operations(self) -> list[Mapping[str, Operation]]:
        """Calls that are of no kind's own."""
        calls = self._pipeline_calls.operations()
        return [self.executions.operations(), calls, MonitoringAlerts(self.schedules).operations()]

    def resume(self) -> None:
        """Go on with what a killed cloud left in the middle."""
        for jobs in (self.processing, self.training, self.executions, self.transforms, self.tuning, self.pipelines):
            jobs.resume()

    def end(self) -> None:
        """Let every job leave off."""
        for jobs in self._all:
            jobs.stop_all(STOP_LIMIT_S)
        self._warm.close()

    def settle(self) -> None:
        """Write down later what could not be written down at once."""
        for jobs in self._all:
            jobs.settle()
