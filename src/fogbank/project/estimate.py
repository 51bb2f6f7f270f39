"""What declared resources cost in a month, line by line, from a price table and a traffic profile. Pure.

In: resources with their final inputs (`project/declaration.py`), rates, traffic; out: lines, each a range in USD with how it comes about.
A month has 730 hours (AWS Pricing Calculator) and 30 days; a GB is 10^6 KB. A resource of which nothing is known is a line too:
nothing is left out in silence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fogbank.contracts import tokens
from fogbank.contracts.analysis import CREATE_PROCESSING_JOB
from fogbank.contracts.scheduler import starts
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB
from fogbank.project.declaration import Declared
from fogbank.project.occasions import runs_a_month
from fogbank.project.rates import Rate, Rates
from fogbank.project.traffic import Span, Traffic

HOURS, DAYS = Decimal(730), Decimal(30)
KB_IN_GB, MINUTES, MILLION = Decimal(1_000_000), Decimal(60), Decimal(1_000_000)
CENT = Decimal("0.01")
MEMORY_GB = Decimal(128) / 1024
"""Of a function that says no size."""
FREE = frozenset(
    {
        tokens.ROLE, tokens.ROLE_POLICY, tokens.MODEL, tokens.BUCKET_PUBLIC_ACCESS_BLOCK, tokens.BUCKET_POLICY, tokens.BUCKET_LIFECYCLE,
        tokens.ENDPOINT_CONFIGURATION, tokens.ROLLOUT, tokens.DATA_QUALITY_JOB_DEFINITION, tokens.JOB_DEFINITION, tokens.MODEL_VERSION,
        tokens.SCALABLE_TARGET, tokens.SCALING_POLICY, tokens.LOG_RETENTION, "aws:iam/policy:Policy", "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:s3/bucketVersioning:BucketVersioning", "aws:kms/alias:Alias",
        tokens.BUCKET_ENCRYPTION, "aws:sns/topicPolicy:TopicPolicy",
        tokens.QUEUE_POLICY, "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc",
        "aws:sns/topic:Topic", "aws:sns/topicSubscription:TopicSubscription", tokens.QUEUE, tokens.EVENT_RULE, tokens.EVENT_TARGET,
        "aws:ecr/repository:Repository",
        tokens.LOG_GROUP, tokens.BUCKET, tokens.BUCKET_NOTIFICATION,
        tokens.COST_BUDGET, tokens.FUNCTION_PERMISSION, "aws:apigatewayv2/route:Route", "aws:apigatewayv2/integration:Integration",
        "aws:apigatewayv2/stage:Stage", "aws:apigatewayv2/authorizer:Authorizer",
    }
)  # fmt: skip
"""Types that bill nothing themselves: what runs or lies in them is priced where it comes from (a configuration's instances at its endpoint,
captured records in a bucket too), and topics, queues and rules bill by a million of messages."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one thing costs in a month. `usd` is None where no rate is known; `how` says the sum; `sourced` that each rate has a page."""

    resource: str
    what: str
    usd: Span | None
    how: str
    sourced: bool = True


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """All lines, in the order of the program."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> Span:
        """To the cent; without the lines that have no rate."""
        spans = [line.usd for line in self.lines if line.usd is not None]
        whole = sum(spans, start=Span(Decimal(0), Decimal(0)))
        return Span(cents(whole.low), cents(whole.high))

    @property
    def unknown(self) -> tuple[Line, ...]:
        """Lines without a rate."""
        return tuple(line for line in self.lines if line.usd is None)


def cents(usd: Decimal) -> Decimal:
    """To the cent, a half up."""
    return usd.quantize(CENT, rounding=ROUND_HALF_UP)


def estimate(resources: Sequence[Declared], traffic: Traffic, rates: Rates) -> Estimate:
    """What the resources cost in a month."""
    lines: list[Line] = []
    whole = _Whole(resources=resources, traffic=traffic, rates=rates)
    for resource in resources:
        if priced := PRICED.get(resource.type):
            lines += priced(whole, resource)
        elif resource.type not in FREE:
            lines.append(
                Line(resource=resource.name, what=resource.type, usd=None, how="no price is known for this type")
            )
    return Estimate(lines=tuple(lines))


@dataclass(frozen=True, kw_only=True)
class _Whole:
    resources: Sequence[Declared]
    traffic: Traffic
    rates: Rates

    def line(self, resource: Declared, what: str, factors: Span, rate: str, how: str) -> Line:
        """A number of units at one rate."""
        price = self.rates[rate]
        return Line(
            resource=resource.name,
            what=what,
            usd=factors * price.usd,
            how=f"{how} x {price.usd}",
            sourced=price.sourced,
        )

    def hours(self, resource: Declared, what: str, kind: str, hours: Span, how: str) -> Line:
        """Hours of instances of a type."""
        price: Rate | None = self.rates.instance(kind)
        if price is None:
            return Line(resource=resource.name, what=what, usd=None, how=f"no rate is known for {kind}", sourced=False)
        return Line(
            resource=resource.name, what=what, usd=hours * price.usd, how=f"{how} x {price.usd}", sourced=price.sourced
        )

    def named(self, kind: str, name: Any) -> Declared | None:
        """A resource of a type by its name on AWS."""
        return next((item for item in self.resources if item.type == kind and item.inputs.get("name") == name), None)


def _endpoint(whole: _Whole, resource: Declared) -> Iterator[Line]:
    config = whole.named(tokens.ENDPOINT_CONFIGURATION, resource.inputs.get("endpointConfigName"))
    if config is None:
        yield Line(resource=resource.name, what="instances", usd=None, how="its configuration is not of this program")
        return
    for variant in [
        *(config.inputs.get("productionVariants") or []),
        *(config.inputs.get("shadowProductionVariants") or []),
    ]:
        yield from _variant(whole, resource, variant)
    traffic = whole.traffic
    moved = traffic.requests * (traffic.request_kb + traffic.response_kb) * (1 / KB_IN_GB)
    yield whole.line(resource, "data", moved, "sagemaker.data_gb", "GB in and out")
    logged = traffic.requests * traffic.log_kb * (1 / KB_IN_GB)
    yield whole.line(resource, "logs", logged, "cloudwatch.log_gb", "GB written")
    capture = config.inputs.get("dataCaptureConfig") or {}
    if capture.get("enableCapture"):
        share = Decimal(str(capture.get("initialSamplingPercentage", 0))) / 100
        kept = moved * share * (_capture_days(whole) / DAYS)
        yield whole.line(resource, "captured records", kept, "s3.gb_month", "GB kept")


def _variant(whole: _Whole, resource: Declared, variant: Mapping[str, Any]) -> Iterator[Line]:
    name = variant.get("variantName", "AllTraffic")
    if serverless := variant.get("serverlessConfig"):
        yield from _serverless(whole, resource, name, serverless)
        return
    kind, counts = str(variant.get("instanceType")), _counts(whole, resource, variant)
    how = f"{_words(counts)} x {kind} x 730 h"
    yield whole.hours(resource, f"variant {name}", kind, counts * HOURS, how)
    if volume := variant.get("volumeSizeInGb"):
        gb = counts * Decimal(str(volume))
        yield whole.line(resource, f"variant {name}, disks", gb, "sagemaker.volume_gb_month", f"{_words(gb)} GB")


def _serverless(whole: _Whole, resource: Declared, name: str, settings: Mapping[str, Any]) -> Iterator[Line]:
    gb = Decimal(str(settings["memorySizeInMb"])) / 1024
    used = whole.traffic.requests * whole.traffic.latency_ms * (gb / 1000)
    what = f"variant {name}, serverless"
    yield whole.line(resource, what, used, "sagemaker.serverless_gb_second", "GB-seconds")
    if kept := settings.get("provisionedConcurrency"):
        seconds = Decimal(str(kept)) * gb * HOURS * 3600
        yield whole.line(
            resource, f"{what}, kept warm", Span(seconds, seconds), "sagemaker.serverless_provisioned_gb_second", "GB-seconds"
        )  # fmt: skip


def _counts(whole: _Whole, resource: Declared, variant: Mapping[str, Any]) -> Span:
    """Instances: as many as are declared, or from the least to the most that autoscaling may make of them."""
    place = f"endpoint/{resource.inputs.get('name')}/variant/{variant.get('variantName')}"
    for item in whole.resources:
        if item.type == tokens.SCALABLE_TARGET and item.inputs.get("resourceId") == place:
            return Span(Decimal(str(item.inputs["minCapacity"])), Decimal(str(item.inputs["maxCapacity"])))
    count = Decimal(str(variant.get("initialInstanceCount") or 1))
    return Span(count, count)


def _capture_days(whole: _Whole) -> Decimal:
    """How long captured records live, by the buckets' own rules; a month where no rule ends them: then they grow by as much each month."""
    days = [
        Decimal(str(rule["expiration"]["days"]))
        for item in whole.resources
        if item.type == tokens.BUCKET_LIFECYCLE
        for rule in item.inputs.get("rules") or []
        if (rule.get("expiration") or {}).get("days")
    ]
    return max(days, default=DAYS)


def _schedule(whole: _Whole, resource: Declared) -> Iterator[Line]:
    target, expression = resource.inputs.get("target") or {}, str(resource.inputs.get("scheduleExpression"))
    runs = runs_a_month(expression)
    calls = Span(runs, runs) * (1 / MILLION)
    yield whole.line(resource, "schedule", calls, "scheduler.million", f"{runs:.0f} runs")
    request = _document(target.get("input"))
    arn = str(target.get("arn"))
    if starts(arn, CREATE_TRANSFORM_JOB) and request:
        cluster, minutes, what = request["TransformResources"], whole.traffic.batch_minutes, "transform jobs"
    elif starts(arn, CREATE_PROCESSING_JOB) and request:
        cluster, minutes, what = (
            request["ProcessingResources"]["ClusterConfig"],
            whole.traffic.monitor_minutes,
            "processing jobs",
        )
    else:
        return
    yield from _jobs(
        whole,
        resource,
        what,
        runs,
        minutes,
        cluster["InstanceType"],
        cluster["InstanceCount"],
        cluster.get("VolumeSizeInGB"),
    )


def _jobs(
    whole: _Whole, resource: Declared, what: str, runs: Decimal, minutes: Span, kind: str, count: Any, volume: Any = None
) -> Iterator[Line]:  # fmt: skip
    hours = minutes * (runs * Decimal(str(count)) / MINUTES)
    yield whole.hours(resource, what, kind, hours, f"{runs:.0f} runs x {count} x {kind} x {_words(minutes)} min")
    if volume:
        gb = hours * (Decimal(str(volume)) / HOURS)
        yield whole.line(resource, f"{what}, disks", gb, "sagemaker.volume_gb_month", f"{volume} GB while they run")


def _definition(whole: _Whole, resource: Declared) -> Iterator[Line]:
    """A Model Monitor schedule, by its job definition's cluster."""
    config = resource.inputs.get("monitoringScheduleConfig") or {}
    name = config.get("monitoringJobDefinitionName")
    definition = whole.named(tokens.DATA_QUALITY_JOB_DEFINITION, name) or whole.named(tokens.JOB_DEFINITION, name)
    expression = (config.get("scheduleConfig") or {}).get("scheduleExpression")
    if definition is None or not expression:
        yield Line(
            resource=resource.name, what="monitoring jobs", usd=None, how="its definition is not of this program"
        )
        return
    cluster = _cluster(definition)
    yield from _jobs(
        whole, resource, "monitoring jobs", runs_a_month(expression), whole.traffic.monitor_minutes, cluster["instanceType"],
        cluster["instanceCount"], cluster.get("volumeSizeInGb"),
    )  # fmt: skip


def _cluster(definition: Declared) -> Mapping[str, Any]:
    """Of a definition of pulumi-aws's, or of one of fogbank's own, which holds a request."""
    if definition.type == tokens.DATA_QUALITY_JOB_DEFINITION:
        cluster: Mapping[str, Any] = definition.inputs["jobResources"]["clusterConfig"]
        return cluster
    asked = _document(definition.inputs.get("request"))["JobResources"]["ClusterConfig"]
    return {
        "instanceType": asked["InstanceType"],
        "instanceCount": asked["InstanceCount"],
        "volumeSizeInGb": asked.get("VolumeSizeInGB"),
    }


def _once(whole: _Whole, resource: Declared) -> Iterator[Line]:
    """A transform job that `up` runs: as if once a month."""
    cluster = _document(resource.inputs.get("request"))["TransformResources"]
    yield from _jobs(
        whole, resource, "transform job", Decimal(1), whole.traffic.batch_minutes, cluster["InstanceType"], cluster["InstanceCount"]
    )  # fmt: skip


def _function(whole: _Whole, resource: Declared) -> Iterator[Line]:
    """What a function does: requests that it hands to an endpoint, or jobs that it starts, by arrival or by its rule's times."""
    said = (resource.inputs.get("environment") or {}).get("variables") or {}
    request, calls = _document(said.get("REQUEST")), whole.traffic.requests
    if not request and "ENDPOINT_NAME" not in said:
        nobody = Span(Decimal(0), Decimal(0))
        yield Line(
            resource=resource.name,
            what="calls",
            usd=nobody,
            how="nobody is known to call it; it bills by a million of calls",
        )
        return
    if request:
        calls = _started(whole, resource)
        cluster = request["TransformResources"]
        kind, count = cluster["InstanceType"], Decimal(str(cluster["InstanceCount"]))
        hours = calls * whole.traffic.batch_minutes * (count / MINUTES)
        yield whole.hours(
            resource,
            "transform jobs",
            kind,
            hours,
            f"{_words(calls)} x {count} x {kind} x {_words(whole.traffic.batch_minutes)} min",
        )
    yield whole.line(resource, "calls", calls * (1 / MILLION), "lambda.million", "millions")
    seconds = calls * whole.traffic.latency_ms * (MEMORY_GB / 1000)
    yield whole.line(resource, "time", seconds, "lambda.gb_second", "GB-seconds")


def _started(whole: _Whole, resource: Declared) -> Span:
    """How often a batch's function starts a job."""
    own = resource.name.removesuffix("-function")
    rules = {item.name: item for item in whole.resources if item.type == tokens.EVENT_RULE}
    if f"{own}-arrives" in rules:
        return whole.traffic.arrivals
    sweeps = rules.get(f"{own}-sweeps")
    runs = runs_a_month(str(sweeps.inputs.get("scheduleExpression"))) if sweeps else Decimal(0)
    return Span(runs, runs)


def _document(text: Any) -> Mapping[str, Any]:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _object(whole: _Whole, resource: Declared) -> Iterator[Line]:
    if str(resource.inputs.get("key", "")).endswith("model.tar.gz"):
        yield whole.line(resource, "model data", whole.traffic.model_gb, "s3.gb_month", "GB kept")


def _api(whole: _Whole, resource: Declared) -> Iterator[Line]:
    yield whole.line(resource, "requests", whole.traffic.requests * (1 / MILLION), "apigateway.million", "millions")


def _image(whole: _Whole, resource: Declared) -> Iterator[Line]:
    yield whole.line(resource, "image", whole.traffic.image_gb, "ecr.gb_month", "GB kept")


def _fixed(what: str, rate: str) -> Callable[[_Whole, Declared], Iterator[Line]]:
    def priced(whole: _Whole, resource: Declared) -> Iterator[Line]:
        yield whole.line(resource, what, Span(Decimal(1), Decimal(1)), rate, "1")

    return priced


def _words(value: Span) -> str:
    low, high = (format(number.normalize(), "f") for number in (value.low, value.high))
    return low if low == high else f"{low} to {high}"


PRICED: Mapping[str, Callable[[_Whole, Declared], Iterator[Line]]] = {
    tokens.ENDPOINT: _endpoint,
    tokens.SCHEDULE: _schedule,
    tokens.MONITORING_SCHEDULE: _definition,
    tokens.TRANSFORM_JOB: _once,
    tokens.FUNCTION: _function,
    "aws:apigatewayv2/api:Api": _api,
    tokens.BUCKET_OBJECT: _object,
    tokens.IMAGE: _image,
    tokens.METRIC_ALARM: _fixed("alarm", "cloudwatch.alarm_month"),
    tokens.CLOUDWATCH_DASHBOARD: _fixed("dashboard", "cloudwatch.dashboard_month"),
    "aws:kms/key:Key": _fixed("key", "kms.key_month"),
    "aws:secretsmanager/secret:Secret": _fixed("secret", "secretsmanager.secret_month"),
}
