"""MonitoringSchedule: a monitor of an endpoint's captured traffic, or of what a BatchTransform's jobs captured: of data quality, against the
baseline that rode in with the package, of model quality, of bias, or of what the model looks at (monitor_kinds.py).

Two carriers write the same files to the same places: EventBridge Scheduler with fogbank's own analyzer, which every account has, and
SageMaker's Model Monitor, which AWS opens to no new customers since 30 July 2026 (Developer Guide, "Model Monitor").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pulumi

from fogbank.components.baselines import declared_files
from fogbank.components.batch import BatchTransform
from fogbank.components.captured import Captured, captured, of_batch
from fogbank.components.endpoint import Endpoint
from fogbank.components.failures import Failures
from fogbank.components.model_monitor import model_monitor
from fogbank.components.monitor_kinds import Bias, DataQuality, Explainability, Kind, ModelQuality
from fogbank.components.others import not_monitored
from fogbank.components.refusals import refuse
from fogbank.components.scheduled_monitor import scheduled_monitor
from fogbank.components.service import MONITOR
from fogbank.components.shadow import shadowed
from fogbank.components.violations import Violations, told
from fogbank.components.watch import Watch
from fogbank.contracts.analysis import Asks
from fogbank.contracts.names import check_name
from fogbank.contracts.scheduler import HOUR_S, period_s
from fogbank.contracts.tokens import MONITORING

CARRIERS: Mapping[str, Callable[[Watch], pulumi.Output[str]]] = {
    "scheduler": scheduled_monitor,
    "model-monitor": model_monitor,
}
DELAY_MINUTES, MOST_INSTANCES = 10, 100


class MonitoringSchedule(pulumi.ComponentResource):
    """A monitor of an `endpoint`, or a `batch`, that captures. `kind` is `DataQuality()`, `ModelQuality(...)`, `Bias(...)` or `Explainability(...)`.

    `carrier` is `scheduler` (EventBridge Scheduler starts a processing job with fogbank's analyzer, out of the service's own image
    unless another `image` is named) or `model-monitor` (SageMaker's MonitoringSchedule, with AWS's own image of the region).
    `schedule` is a cron or rate expression such as `cron(0 * ? * * *)` for hourly. Each run of the scheduler looks at `window_hours`: by
    default the time between two runs, as Model Monitor's always do; they come `delay_minutes` later than `schedule` says, when captured records
    have arrived in S3.
    `failures` says where failed jobs, and what could not be started, go; `on_violations` who is told of runs that found some.

    Outputs: `schedule_name`, `results_uri`; `rule_name`, of the rule on runs that found violations, empty where nobody is told;
    `ground_truth_uri`, below which labels are looked for, empty for a kind that reads none.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint: Endpoint | None = None,
        batch: BatchTransform | None = None,
        kind: Kind | None = None,
        carrier: str = "scheduler",
        image: pulumi.Input[str] | None = None,
        schedule: str = "cron(0 * ? * * *)",
        schedule_name: str | None = None,
        window_hours: int | None = None,
        delay_minutes: int = DELAY_MINUTES,
        instance_type: str = "ml.m5.large",
        instance_count: int = 1,
        failures: Failures | None = None,
        on_violations: Violations | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        looks_at = captured(endpoint, batch)
        service = looks_at.service
        kind = kind or DataQuality()
        _check_carrier(carrier, failures, delay_minutes)
        problems = [
            *not_monitored(service.others, by_columns=not isinstance(kind, ModelQuality)),
            *kind.refused(service.package),
            *(of_batch(kind, batch) if batch else ()),
        ]
        refuse(problems, f"the monitor {name} has")
        public_name = check_name("schedule_name", schedule_name or name)
        window_s = _window_s(schedule, window_hours)
        _check_numbers(kind, delay_minutes, instance_count)
        super().__init__(MONITORING, name, None, opts)
        self.endpoint, self.kind, self.window_s = endpoint, kind, window_s
        self.results_uri = service.uri(f"{MONITOR}/results")
        asks, self.ground_truth_uri = _asks(kind, looks_at)
        shadow = shadowed(name, self, service) if isinstance(kind, Explainability) else []
        watch = Watch(
            component=self,
            name=name,
            public_name=public_name,
            looks_at=looks_at,
            image=image,
            schedule=schedule,
            window_s=window_s,
            delay_s=60 * delay_minutes,
            instance_type=instance_type,
            instance_count=instance_count,
            results=self.results_uri,
            asks=asks,
            kind=kind,
            reads=_reads(kind, looks_at),
            files=declared_files(name, self, looks_at, kind, shadow),
            failures=failures,
        )
        self.schedule_name = CARRIERS[carrier](watch)
        self.rule_name = pulumi.Output.from_input("")
        if on_violations is not None:
            self.rule_name = told(self, name, on_violations, carrier, public_name)
        self.register_outputs(
            {
                "schedule_name": self.schedule_name,
                "results_uri": self.results_uri,
                "rule_name": self.rule_name,
                "ground_truth_uri": self.ground_truth_uri,
            }
        )


def _check_carrier(carrier: str, failures: Failures | None, delay_minutes: int) -> None:
    """Raises ValueError for a carrier that there is not, and for what only the scheduler has."""
    if carrier not in CARRIERS:
        raise ValueError(f"carrier must be {' or '.join(CARRIERS)}, not {carrier!r}")
    if failures is not None and carrier != "scheduler":
        raise ValueError("failures are the scheduler's: the carrier model-monitor tells them in its own events")
    if delay_minutes != DELAY_MINUTES and carrier != "scheduler":
        raise ValueError("delay_minutes is the scheduler's: Model Monitor waits by itself")


def _check_numbers(kind: Kind, delay_minutes: int, instance_count: int) -> None:
    """Raises ValueError for numbers that no execution has."""
    if not 0 <= delay_minutes < 60:
        raise ValueError(f"delay_minutes must be 0 to 59, not {delay_minutes}")
    if not 1 <= instance_count <= MOST_INSTANCES:
        raise ValueError(f"instance_count must be 1 to {MOST_INSTANCES}, not {instance_count}")
    if instance_count > 1 and not isinstance(kind, DataQuality):
        raise ValueError(
            f"instance_count is for data quality, whose profiles merge: {kind.type} is one instance's work"
        )


def _reads(kind: Kind, looks_at: Captured) -> list[str]:
    """Prefixes of a batch's records, and of labels."""
    labels = [f"{kind.ground_truth.strip('/')}/"] if isinstance(kind, ModelQuality | Bias) else []
    return [*looks_at.reads, *labels]


def _asks(kind: Kind, looks_at: Captured) -> tuple[pulumi.Output[Asks], pulumi.Output[str]]:
    """What the kind asks of a carrier, and where its labels lie."""
    if not isinstance(kind, ModelQuality | Bias):
        return pulumi.Output.from_input(kind.asks("")), pulumi.Output.from_input("")
    uri = looks_at.service.uri(kind.ground_truth.strip("/"))
    return uri.apply(kind.asks), uri


def _window_s(schedule: str, window_hours: int | None) -> int:
    if window_hours is not None:
        if window_hours < 1:
            raise ValueError(f"window_hours must be at least 1, not {window_hours}")
        return window_hours * HOUR_S
    window_s = period_s(schedule)
    if window_s is None:
        raise ValueError(
            f"window_hours must be given with {schedule!r}: only of rate(...) and of cron(...) by the hour or the day it is known"
        )
    return window_s
