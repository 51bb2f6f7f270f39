"""MonitoringSchedule: a monitor of an endpoint's captured traffic: of data quality, against the baseline that rode in with the package, of
model quality, of bias, or of what the model looks at (monitor_kinds.py).

Two carriers write the same files to the same places: EventBridge Scheduler with fogbank's own analyzer, which every account has, and
SageMaker's Model Monitor, which AWS opens to no new customers since 30 July 2026 (Developer Guide, "Model Monitor").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from fogbank.components.endpoint import Endpoint
from fogbank.components.failures import Failures
from fogbank.components.model_monitor import model_monitor
from fogbank.components.monitor_kinds import Bias, DataQuality, Explainability, Kind, ModelQuality
from fogbank.components.naming import by_content
from fogbank.components.refusals import refuse
from fogbank.components.scheduled_monitor import scheduled_monitor
from fogbank.components.service import MONITOR, ModelService
from fogbank.components.shadow import shadowed
from fogbank.components.violations import Violations, told
from fogbank.components.watch import Watch
from fogbank.contracts.analysis import Asks
from fogbank.contracts.clarify import CONFIG
from fogbank.contracts.monitoring import CONSTRAINTS, STATISTICS
from fogbank.contracts.names import check_name
from fogbank.contracts.scheduler import HOUR_S, period_s
from fogbank.contracts.tokens import MONITORING
from fogbank.ground.digest import canonical_json, sha256_bytes

CARRIERS: Mapping[str, Callable[[Watch], pulumi.Output[str]]] = {
    "scheduler": scheduled_monitor,
    "model-monitor": model_monitor,
}
DELAY_MINUTES = 10


class MonitoringSchedule(pulumi.ComponentResource):
    """A monitor of an endpoint that captures. `kind` is `DataQuality()`, `ModelQuality(...)`, `Bias(...)` or `Explainability(...)`.

    `carrier` is `scheduler` (EventBridge Scheduler starts a processing job with fogbank's analyzer, out of the service's own image
    unless another `image` is named) or `model-monitor` (SageMaker's MonitoringSchedule, with AWS's own image of the region).
    `schedule` is a cron or rate expression such as `cron(0 * ? * * *)` for hourly. Each run looks at `window_hours`: by default the time
    between two runs. The scheduler's runs come `delay_minutes` later than `schedule` says, when captured records have arrived in S3.
    `failures` says where failed jobs, and what could not be started, go; `on_violations` who is told of runs that found some.

    Outputs: `schedule_name`, `results_uri`; `ground_truth_uri`, below which labels are looked for, empty for a kind that reads none.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint: Endpoint,
        kind: Kind | None = None,
        carrier: str = "scheduler",
        image: pulumi.Input[str] | None = None,
        schedule: str = "cron(0 * ? * * *)",
        schedule_name: str | None = None,
        window_hours: int | None = None,
        delay_minutes: int = DELAY_MINUTES,
        instance_type: str = "ml.m5.large",
        failures: Failures | None = None,
        on_violations: Violations | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if endpoint.capture_uri is None:
            raise ValueError("the endpoint captures nothing: give it capture=DataCapture() to monitor it")
        if carrier not in CARRIERS:
            raise ValueError(f"carrier must be {' or '.join(CARRIERS)}, not {carrier!r}")
        if failures is not None and carrier != "scheduler":
            raise ValueError("failures are the scheduler's: the carrier model-monitor tells them in its own events")
        kind = kind or DataQuality()
        refuse(list(kind.refused(endpoint.service.package)), f"the monitor {name} has")
        public_name = check_name("schedule_name", schedule_name or name)
        window_s = _window_s(schedule, window_hours)
        if not 0 <= delay_minutes < 60:
            raise ValueError(f"delay_minutes must be 0 to 59, not {delay_minutes}")
        super().__init__(MONITORING, name, None, opts)
        self.endpoint, self.kind, self.window_s = endpoint, kind, window_s
        self.results_uri = endpoint.service.uri(f"{MONITOR}/results")
        asks, self.ground_truth_uri = _asks(kind, endpoint)
        shadow = shadowed(name, self, endpoint.service) if isinstance(kind, Explainability) else []
        watch = Watch(
            component=self,
            name=name,
            public_name=public_name,
            endpoint=endpoint,
            image=image,
            schedule=schedule,
            window_s=window_s,
            delay_s=60 * delay_minutes,
            instance_type=instance_type,
            results=self.results_uri,
            asks=asks,
            kind=kind,
            files=_files(name, self, endpoint, kind, shadow),
            failures=failures,
        )
        self.schedule_name = CARRIERS[carrier](watch)
        if on_violations is not None:
            told(self, name, on_violations, carrier, public_name)
        self.register_outputs(
            {
                "schedule_name": self.schedule_name,
                "results_uri": self.results_uri,
                "ground_truth_uri": self.ground_truth_uri,
            }
        )


def _asks(kind: Kind, endpoint: Endpoint) -> tuple[pulumi.Output[Asks], pulumi.Output[str]]:
    """What the kind asks of a carrier, and where its labels lie."""
    if not isinstance(kind, ModelQuality | Bias):
        return pulumi.Output.from_input(kind.asks("")), pulumi.Output.from_input("")
    uri = endpoint.service.uri(kind.ground_truth.strip("/"))
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


def _files(
    name: str, component: pulumi.Resource, endpoint: Endpoint, kind: Kind, needs: Sequence[pulumi.Resource]
) -> dict[str, aws.s3.BucketObjectv2]:
    """The baseline's and the configuration's objects, below folders named after their contents."""
    service = endpoint.service
    if kind.from_package:
        return _baseline(name, component, service)
    found = {}
    limits, model = kind.constraints(service.package), kind.config(service.package, "")
    if limits is not None:
        found["constraints"] = _content(name, component, service, CONSTRAINTS, limits, limits)
    if model is not None:
        text = service.model_name.apply(lambda known: kind.config(service.package, known) or "")
        found["config"] = _content(name, component, service, CONFIG, model, text, needs)
    return found


def _content(
    name: str,
    component: pulumi.Resource,
    service: ModelService,
    file: str,
    said: str,
    text: pulumi.Input[str],
    needs: Sequence[pulumi.Resource] = (),
) -> aws.s3.BucketObjectv2:
    """An object of a text; its name is by what is `said` of it before the cloud has named anything."""
    digest = sha256_bytes(f"{service.package.package_sha256} {said}".encode())
    return aws.s3.BucketObjectv2(
        by_content(f"{name}-{file.removesuffix('.json').replace('_', '-')}", digest),
        bucket=service.bucket,
        key=f"{MONITOR}/{name}/{digest}/{file}",
        content=text,
        content_type="application/json",
        opts=pulumi.ResourceOptions(parent=component, depends_on=[*needs]),
    )


def _baseline(name: str, component: pulumi.Resource, service: ModelService) -> dict[str, aws.s3.BucketObjectv2]:
    """The package's baseline files, below a folder named after their digests."""
    package = service.package
    digests = {"statistics": package.statistics_sha256, "constraints": package.constraints_sha256}
    digest = sha256_bytes(canonical_json(digests))
    folder = f"{MONITOR}/baseline/{digest}"
    return {
        file.removesuffix(".json"): aws.s3.BucketObjectv2(
            by_content(f"{name}-{file.removesuffix('.json')}", digest),
            bucket=service.bucket,
            key=f"{folder}/{file}",
            source=pulumi.FileAsset(str(path)),
            content_type="application/json",
            opts=pulumi.ResourceOptions(
                parent=component, aliases=[pulumi.Alias(name=f"{name}-{file.removesuffix('.json')}")]
            ),
        )
        for file, path in ((STATISTICS, package.statistics_path), (CONSTRAINTS, package.constraints_path))
    }
