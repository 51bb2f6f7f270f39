"""What declared resources cost in a month, line by line, from a price table and a traffic profile. Pure.

In: resources with their final inputs (`project/declared/declaration.py`), rates, traffic; out: lines, each a range in USD with how it comes about.
A resource of which nothing is known is a line too: nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fogbank.contracts import tokens
from fogbank.contracts.analysis import CREATE_PROCESSING_JOB
from fogbank.contracts.scheduler import starts
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB
from fogbank.project.declared.declaration import Declared
from fogbank.project.pricing.estimate_services import SERVICES, jobs
from fogbank.project.pricing.estimated import (
    DAYS,
    HOURS,
    KB_IN_GB,
    MILLION,
    Estimate,
    Line,
    Priced,
    Whole,
    document,
    words,
)
from fogbank.project.pricing.occasions import runs_a_month
from fogbank.project.pricing.rates import Rates
from fogbank.project.pricing.traffic import Span, Traffic
from fogbank.project.pricing.unbilled import UNBILLED


def estimate(resources: Sequence[Declared], traffic: Traffic, rates: Rates) -> Estimate:
    """What the resources cost in a month."""
    lines: list[Line] = []
    whole = Whole(resources=resources, traffic=traffic, rates=rates)
    for resource in resources:
        if priced := PRICED.get(resource.type):
            lines += priced(whole, resource)
        elif resource.type not in UNBILLED:
            lines.append(
                Line(resource=resource.name, what=resource.type, usd=None, how="no price is known for this type")
            )
    return Estimate(lines=tuple(lines))


def _endpoint(whole: Whole, resource: Declared) -> Iterator[Line]:
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


def _variant(whole: Whole, resource: Declared, variant: Mapping[str, Any]) -> Iterator[Line]:
    name = variant.get("variantName", "AllTraffic")
    if serverless := variant.get("serverlessConfig"):
        yield from _serverless(whole, resource, name, serverless)
        return
    kind, counts = str(variant.get("instanceType")), _counts(whole, resource, variant)
    how = f"{words(counts)} x {kind} x 730 h"
    yield whole.hours(resource, f"variant {name}", kind, counts * HOURS, how)
    if volume := variant.get("volumeSizeInGb"):
        gb = counts * Decimal(str(volume))
        yield whole.line(resource, f"variant {name}, disks", gb, "sagemaker.volume_gb_month", f"{words(gb)} GB")


def _serverless(whole: Whole, resource: Declared, name: str, settings: Mapping[str, Any]) -> Iterator[Line]:
    gb = Decimal(str(settings["memorySizeInMb"])) / 1024
    used = whole.traffic.requests * whole.traffic.latency_ms * (gb / 1000)
    what = f"variant {name}, serverless"
    yield whole.line(resource, what, used, "sagemaker.serverless_gb_second", "GB-seconds")
    if kept := settings.get("provisionedConcurrency"):
        seconds = Decimal(str(kept)) * gb * HOURS * 3600
        yield whole.line(
            resource, f"{what}, kept warm", Span(seconds, seconds), "sagemaker.serverless_provisioned_gb_second", "GB-seconds"
        )  # fmt: skip


def _counts(whole: Whole, resource: Declared, variant: Mapping[str, Any]) -> Span:
    """Instances: as many as are declared, or from the least to the most that autoscaling may make of them."""
    place = f"endpoint/{resource.inputs.get('name')}/variant/{variant.get('variantName')}"
    for item in whole.resources:
        if item.type == tokens.SCALABLE_TARGET and item.inputs.get("resourceId") == place:
            return Span(Decimal(str(item.inputs["minCapacity"])), Decimal(str(item.inputs["maxCapacity"])))
    count = Decimal(str(variant.get("initialInstanceCount") or 1))
    return Span(count, count)


def _capture_days(whole: Whole) -> Decimal:
    """How long captured records live, by the buckets' own rules; a month where no rule ends them: then they grow by as much each month."""
    days = [
        Decimal(str(rule["expiration"]["days"]))
        for item in whole.resources
        if item.type == tokens.BUCKET_LIFECYCLE
        for rule in item.inputs.get("rules") or []
        if (rule.get("expiration") or {}).get("days")
    ]
    return max(days, default=DAYS)


def _schedule(whole: Whole, resource: Declared) -> Iterator[Line]:
    target, expression = resource.inputs.get("target") or {}, str(resource.inputs.get("scheduleExpression"))
    runs = runs_a_month(expression)
    calls = Span(runs, runs) * (1 / MILLION)
    yield whole.line(resource, "schedule", calls, "scheduler.million", f"{runs:.0f} runs")
    request = document(target.get("input"))
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
    yield from jobs(
        whole,
        resource,
        what,
        runs,
        minutes,
        cluster["InstanceType"],
        cluster["InstanceCount"],
        cluster.get("VolumeSizeInGB"),
    )


def _definition(whole: Whole, resource: Declared) -> Iterator[Line]:
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
    yield from jobs(
        whole, resource, "monitoring jobs", runs_a_month(expression), whole.traffic.monitor_minutes, cluster["instanceType"],
        cluster["instanceCount"], cluster.get("volumeSizeInGb"),
    )  # fmt: skip


def _cluster(definition: Declared) -> Mapping[str, Any]:
    """Of a definition of pulumi-aws's, or of one of fogbank's own, which holds a request."""
    if definition.type == tokens.DATA_QUALITY_JOB_DEFINITION:
        cluster: Mapping[str, Any] = definition.inputs["jobResources"]["clusterConfig"]
        return cluster
    asked = document(definition.inputs.get("request"))["JobResources"]["ClusterConfig"]
    return {
        "instanceType": asked["InstanceType"],
        "instanceCount": asked["InstanceCount"],
        "volumeSizeInGb": asked.get("VolumeSizeInGB"),
    }


def _once(whole: Whole, resource: Declared) -> Iterator[Line]:
    """A transform job that `up` runs: as if once a month."""
    cluster = document(resource.inputs.get("request"))["TransformResources"]
    yield from jobs(
        whole, resource, "transform job", Decimal(1), whole.traffic.batch_minutes, cluster["InstanceType"], cluster["InstanceCount"]
    )  # fmt: skip


PRICED: Mapping[str, Priced] = {
    tokens.ENDPOINT: _endpoint,
    tokens.SCHEDULE: _schedule,
    tokens.MONITORING_SCHEDULE: _definition,
    tokens.TRANSFORM_JOB: _once,
    **SERVICES,
}
