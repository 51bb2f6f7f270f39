"""Retraining: the way back from a monitor's violations to a better model, declared: alarms on SageMaker's own metrics, rules, a function.

An alarm, or the calendar, starts the function (`handlers/alarm.py`), which retrains, compares with the live model on recent labelled rows,
registers the new one and, where it is good enough, rolls it out as the endpoint moves anyway. Nothing runs in between: the function is
called again when a job of its own has ended. What it rolled out stays through an `up` that changes nothing, and goes with the next package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.endpoint import Endpoint
from fogbank.components.execution import disk_statements
from fogbank.components.function import Code, function, started_by
from fogbank.components.grants import folder, granted
from fogbank.components.monitor import MonitoringSchedule
from fogbank.components.monitor_kinds import DataQuality
from fogbank.components.naming import by_content
from fogbank.components.refusals import refuse
from fogbank.components.training import Training, archived, kept, sources
from fogbank.contracts.monitoring import METRICS_NAMESPACE
from fogbank.contracts.names import LONGEST, check_name
from fogbank.contracts.tokens import RETRAINING
from fogbank.ground.digest import sha256_bytes

QUARTERLY = "cron(0 3 1 1,4,7,10 ? *)"
DRIFT = "-drift-"
"""Between the endpoint's name and the column's, in an alarm's."""
WORK = "retraining"
"""The prefix of everything of a retraining in the service's bucket."""
PERIODS = 3
"""An execution tells its metrics under the time at which its window began, when that window has passed: two periods ago, at the latest."""
LONGEST_RANGE_S = 7 * 24 * 3600
JOBS = {"training": ("Training", "TrainingJobName"), "scored": ("Transform", "TransformJobName")}


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A monitor of data quality that calls for a new model: one of `columns` has drifted from the baseline by more than `threshold`.

    Each column is an alarm of its own. It goes off once for as long as the drift lasts, not once an execution.
    """

    monitor: MonitoringSchedule
    columns: Sequence[str]
    threshold: float = 0.1

    def refused(self, endpoint: Endpoint) -> Iterator[str]:
        """What no metric would ever say."""
        package = endpoint.service.package.package
        known = [column.name for schema in (package.output, package.input) for column in schema.columns]
        if not self.columns:
            yield "columns must name a column"
        yield from (
            f"columns has {name!r}, and the baseline's are {', '.join(known)}"
            for name in self.columns
            if name not in known
        )
        if not 0 < self.threshold <= 1:
            yield f"threshold must be above 0 and at most 1, not {self.threshold}"
        if not isinstance(self.monitor.kind, DataQuality):
            yield f"a monitor of {self.monitor.kind.type} tells no drift: give one of data quality"
        if self.monitor.endpoint is not endpoint:
            yield "the monitor watches another endpoint"
        if PERIODS * self.monitor.window_s > LONGEST_RANGE_S:
            yield f"an alarm looks at a week at most: the monitor's window of {self.monitor.window_s // 3600} hours is too long for it"

    def alarm(self, column: str) -> dict[str, Any]:
        """MetricAlarm's arguments, but for its name and its dimensions."""
        return {
            "namespace": METRICS_NAMESPACE, "metric_name": f"feature_baseline_drift_{column}", "statistic": "Maximum",
            "period": self.monitor.window_s, "evaluation_periods": PERIODS, "datapoints_to_alarm": 1, "threshold": self.threshold,
            "comparison_operator": "GreaterThanThreshold", "treat_missing_data": "notBreaching",
        }  # fmt: skip


class Retraining(pulumi.ComponentResource):
    """A retraining of what an endpoint serves, when `drift` calls for it and at each time of `schedule` (each quarter, by default; None for
    never).

    `handler` is the project's `handlers/alarm.py`. `training` says how a model is made; `labelled_prefix` is where in the service's bucket
    recent rows lie, as CSV without a header, the label first, which training does not see. `answer` is the place of the prediction in an
    answer's row, from its end; a new model must be right in `margin` more of the rows than the live one. It is registered in `group`, which
    is made where it is not there, and rolled out by the endpoint's own `deployment`. The function's log is kept for `log_days`.

    Outputs: `function_name`, `train_uri` and `labelled_uri`, below which whoever has labelled rows puts them.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint: Endpoint,
        training: Training,
        handler: Path,
        drift: Drift | None = None,
        schedule: str | None = QUARTERLY,
        group: str | None = None,
        labelled_prefix: str = f"{WORK}/labelled/",
        answer: int = -1,
        margin: float = 0.0,
        log_days: int = 30,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        group = check_name("group", group or name)
        problems = [
            *_irreplaceable(endpoint),
            *_refused(handler, drift, schedule, answer, margin),
            *_unnameable(endpoint.public_name),
            *(drift.refused(endpoint) if drift else ()),
        ]
        refuse(problems, f"the retraining {name} has")
        super().__init__(RETRAINING, name, None, opts)
        service = endpoint.service
        train, labelled = folder(training.prefix), folder(labelled_prefix)
        self.train_uri = service.uri(train)
        self.labelled_uri = service.uri(labelled)
        output = service.uri(WORK, "out")
        made = f"{WORK}/out/"
        reads = [train, labelled, f"{WORK}/code/", made]
        needs = granted(name, self, service, reads=reads, writes=[made], image=training.image)
        account = Account.of(self)
        called = function(
            self,
            name,
            Code(module=handler, entry="answer", timeout_s=300, log_days=log_days),
            may=pulumi.Output.all(
                account.partition,
                account.id,
                endpoint.endpoint_name,
                service.role_arn,
                service.bucket,
                endpoint.kms_key or "",
            ).apply(lambda known: may(*known, group=group)),
            variables={
                "ENDPOINT": endpoint.endpoint_name,
                "GROUP": group,
                "ROLE": service.role_arn,
                "TRAINING": pulumi.Output.all(
                    training.image, _script(name, self, endpoint, training), self.train_uri, output, _vpc(endpoint)
                ).apply(lambda known: training.request(*known)),
                "LABELLED": self.labelled_uri,
                "ANSWER": str(answer),
                "MARGIN": str(margin),
                **({} if endpoint.guards is None else {"DEPLOYMENT": endpoint.guards.apply(json.dumps)}),
            },
            boundary=service.permissions_boundary,
            needs=needs,
            kms_key=service.kms_key,
        )
        for about, rule in _occasions(name, self, endpoint, drift, schedule).items():
            started_by(self, name, about, called, **rule)
        self.function_name = called.name
        self.register_outputs(
            {"function_name": self.function_name, "train_uri": self.train_uri, "labelled_uri": self.labelled_uri}
        )


def may(
    partition: str, account: str, endpoint: str, role: str, bucket: str, kms_key: str = "", *, group: str
) -> list[dict[str, Any]]:
    """Make jobs, models and configurations of the endpoint's name, move that endpoint, whose disks `kms_key` encrypts, register in one
    group, read its jobs' output."""

    def own(*kinds: str, name: str = f"{endpoint}-*") -> list[str]:
        return [f"arn:{partition}:sagemaker:*:{account}:{kind}/{name.lower()}" for kind in kinds]  # as ARNs have names

    def allow(actions: Sequence[str], places: str | list[str], **more: Any) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": [*actions], "Resource": places, **more}

    verbs = ("Create", "Describe")
    jobs = [f"sagemaker:{verb}{kind}Job" for verb in verbs for kind in ("Training", "Transform")]
    made = ["sagemaker:CreateModel", "sagemaker:CreateEndpointConfig"]
    registering = ["sagemaker:CreateModelPackage", "sagemaker:CreateModelPackageGroup"]
    passing = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return [
        allow(["sagemaker:ListTrainingJobs", "sagemaker:ListTransformJobs"], "*"),
        allow(jobs, own("training-job", "transform-job")),
        allow(made, own("model", "endpoint-config")),
        allow(
            ["sagemaker:DescribeModel", "sagemaker:DescribeEndpointConfig"], own("model", "endpoint-config", name="*")
        ),
        allow(
            ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpoint"],
            [*own("endpoint", name=endpoint), *own("endpoint-config")],
        ),
        allow(registering, [*own("model-package-group", name=group), *own("model-package", name=f"{group}/*")]),
        allow(["iam:PassRole"], role, Condition=passing),
        allow(
            ["s3:ListBucket"],
            f"arn:{partition}:s3:::{bucket}",
            Condition={"StringLike": {"s3:prefix": f"{WORK}/out/*"}},
        ),
        allow(["s3:GetObject"], f"arn:{partition}:s3:::{bucket}/{WORK}/out/*"),
        *disk_statements(partition, account, kms_key),
    ]


def _irreplaceable(endpoint: Endpoint) -> Iterator[str]:
    """Why what the endpoint serves could not be made again."""
    if len(endpoint.variant_names) > 1:
        yield f"an endpoint of {len(endpoint.variant_names)} models: it is not known which of them a new one replaces"
    if endpoint.service.others is not None:
        yield "a service with models or containers beside its own: it is not known which of them a new one replaces"
    if endpoint.hours is not None:
        yield "office hours: each morning makes the endpoint of the program's configuration again, whatever was rolled out the day before"
    network = endpoint.service.network
    if network is not None and network.isolated:
        yield "a service without a network: a training job's container fetches its script"


def _vpc(endpoint: Endpoint) -> dict[str, Any]:
    """VpcConfig, if the service is in a VPC: the job is where the model is."""
    network = endpoint.service.network
    if network is None or not network.subnets:
        return {}
    return {"Subnets": [*network.subnets], "SecurityGroupIds": [*network.security_groups]}


def _refused(handler: Path, drift: Drift | None, schedule: str | None, answer: int, margin: float) -> Iterator[str]:
    """What could never start, or never be judged."""
    if not handler.is_file():
        yield f"a handler that is not there: {handler}"
    if drift is None and schedule is None:
        yield "nothing that starts it: give drift, or a schedule"
    if schedule is not None and not schedule.startswith(("cron(", "rate(")):
        yield f"a schedule that is neither cron(...) nor rate(...): {schedule!r}"
    if answer >= 0:
        yield f"answer {answer}: it counts from the end of a row, -1 is the last"
    if not -1 <= margin <= 1:
        yield f"margin {margin}: accuracies differ by 1 at most"


def _unnameable(endpoint: str) -> Iterator[str]:
    """A run is named after the endpoint and its time, and its jobs after the run (handlers/alarm.py)."""
    longest = LONGEST - len("-20260101000000-live")
    if len(endpoint) > longest:
        yield f"an endpoint_name of {len(endpoint)} letters, {endpoint}: its jobs' names leave room for {longest}, and the first drift would fail"


def _script(
    name: str, component: pulumi.Resource, endpoint: Endpoint, training: Training
) -> pulumi.Output[str]:  # fmt: skip
    """The archive of the script, as an object that is named after its content; its S3 URI."""
    package = endpoint.service.package
    content = archived(sources(training, package))
    digest = sha256_bytes(content)
    item = aws.s3.BucketObjectv2(
        by_content(f"{name}-script", digest),
        bucket=endpoint.service.bucket,
        key=f"{WORK}/code/{digest}/source.tar.gz",
        source=pulumi.FileAsset(str(kept(package.folder.parent / WORK, name, content))),
        content_type="application/gzip",
        opts=pulumi.ResourceOptions(parent=component, depends_on=[*endpoint.service.ready]),
    )
    return pulumi.Output.format("s3://{0}/{1}", item.bucket, item.key)


def _occasions(
    name: str, component: pulumi.Resource, endpoint: Endpoint, drift: Drift | None, schedule: str | None
) -> dict[str, dict[str, Any]]:
    """EventRule's arguments, by what starts the function: alarms, ends of jobs of its own, and the calendar."""
    found: dict[str, dict[str, Any]] = {}
    if drift is not None:
        for column in drift.columns:
            _alarm(name, component, endpoint, drift, column)
        found["alarm"] = {"event_pattern": endpoint.endpoint_name.apply(of_alarms)}
    for about, (kind, key) in JOBS.items():
        found[about] = {"event_pattern": endpoint.endpoint_name.apply(partial(of_jobs, kind, key))}
    if schedule is not None:
        found["calendar"] = {"schedule_expression": schedule}
    return found


def of_alarms(endpoint: str) -> str:
    """The events of an endpoint's alarms on drift that went off."""
    detail = {"alarmName": [{"prefix": f"{endpoint}{DRIFT}"}], "state": {"value": ["ALARM"]}}
    return _pattern("aws.cloudwatch", "CloudWatch Alarm State Change", detail)


def of_jobs(kind: str, key: str, endpoint: str) -> str:
    """The events of jobs of an endpoint's runs that have come to their end."""
    ended = {f"{kind}JobStatus": ["Completed", "Failed", "Stopped"], key: [{"prefix": f"{endpoint}-"}]}
    return _pattern("aws.sagemaker", f"SageMaker {kind} Job State Change", ended)


def _pattern(source: str, kind: str, detail: Mapping[str, Any]) -> str:
    return json.dumps({"source": [source], "detail-type": [kind], "detail": detail}, sort_keys=True)


def _alarm(name: str, component: pulumi.Resource, endpoint: Endpoint, drift: Drift, column: str) -> None:
    aws.cloudwatch.MetricAlarm(
        f"{name}-drift-{column}",
        name=endpoint.endpoint_name.apply(lambda known: f"{known}{DRIFT}{column}"),
        dimensions={"Endpoint": endpoint.endpoint_name, "MonitoringSchedule": drift.monitor.schedule_name},
        **drift.alarm(column),
        opts=pulumi.ResourceOptions(parent=component),
    )
