"""What stands around models, in a month: functions and the jobs that they start, APIs, alarms, keys, endpoints of networks, what bills by use. Pure.

In: a resource, its program, rates and traffic; out: its lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from fogbank.contracts import tokens
from fogbank.project.declared.declaration import Declared
from fogbank.project.pricing.estimated import (
    HOURS,
    KB_IN_GB,
    MILLION,
    MINUTES,
    NOTHING,
    Line,
    Priced,
    Whole,
    by_use,
    document,
    fixed,
    words,
)
from fogbank.project.pricing.occasions import runs_a_month
from fogbank.project.pricing.traffic import Span

MEMORY_MB = Decimal(128)
"""Of a function that says no size."""
TRACKING_ALARMS = 2
"""Application Auto Scaling makes an alarm for more and one for less of each policy that tracks a target (its user guide)."""

MINUTE_S, BAND = 60, 2
"""Seconds below which an alarm is of high resolution; and the metrics of a band, its upper and its lower bound (CloudWatch's pricing)."""
STANDARD_BYTES = 4096
"""Of a standard parameter's value (Systems Manager User Guide, "Managing parameter tiers")."""


def jobs(
    whole: Whole, resource: Declared, what: str, runs: Decimal, minutes: Span, kind: str, count: Any, volume: Any = None
) -> Iterator[Line]:  # fmt: skip
    """So many jobs of so many instances, and their disks while they run."""
    yield from spread_jobs(whole, resource, what, Span(runs, runs), minutes, kind, count, volume)


def spread_jobs(
    whole: Whole, resource: Declared, what: str, runs: Span, minutes: Span, kind: str, count: Any, volume: Any = None
) -> Iterator[Line]:  # fmt: skip
    """The same, of a number of runs that is not known."""
    hours = runs * minutes * (Decimal(str(count)) / MINUTES)
    said = f"{runs.low:.0f}" if runs.low == runs.high else f"{runs.low:.1f} to {runs.high:.1f}"
    yield whole.hours(resource, what, kind, hours, f"{said} runs x {count} x {kind} x {words(minutes)} min")
    if volume:
        gb = hours * (Decimal(str(volume)) / HOURS)
        yield whole.line(resource, f"{what}, disks", gb, "sagemaker.volume_gb_month", f"{volume} GB while they run")


def _function(whole: Whole, resource: Declared) -> Iterator[Line]:
    """What a function does: requests that it hands to an endpoint, or jobs that it starts, by arrival, by drift or by its rule's times."""
    said = (resource.inputs.get("environment") or {}).get("variables") or {}
    request, training = document(said.get("REQUEST")), document(said.get("TRAINING"))
    if training:
        calls = _retrainings(whole, resource)
        cluster = training["ResourceConfig"]
        kind, count, disk = cluster["InstanceType"], cluster["InstanceCount"], cluster.get("VolumeSizeInGB")
        minutes = whole.traffic.training_minutes
        yield from spread_jobs(whole, resource, "training jobs", calls, minutes, kind, count, disk)
    elif request:
        calls = _started(whole, resource)
        cluster = request["TransformResources"]
        kind, count = cluster["InstanceType"], Decimal(str(cluster["InstanceCount"]))
        hours = calls * whole.traffic.batch_minutes * (count / MINUTES)
        how = f"{words(calls)} x {count} x {kind} x {words(whole.traffic.batch_minutes)} min"
        yield whole.hours(resource, "transform jobs", kind, hours, how)
    elif "ENDPOINT_NAME" in said:
        calls = whole.traffic.requests
    else:
        price = whole.rates["lambda.million"]
        how = f"{price.usd} a million; nobody is known to call it"
        yield Line(resource=resource.name, what="calls", usd=NOTHING, how=how, sourced=price.sourced)
        return
    yield whole.line(resource, "calls", calls * (1 / MILLION), "lambda.million", "millions")
    gb = Decimal(str(resource.inputs.get("memorySize") or MEMORY_MB)) / 1024
    seconds = calls * whole.traffic.latency_ms * (gb / 1000)
    yield whole.line(resource, "time", seconds, "lambda.gb_second", "GB-seconds")
    logged = calls * whole.traffic.log_kb * (1 / KB_IN_GB)
    yield whole.line(resource, "logs", logged, "cloudwatch.log_gb", "GB written")


def _started(whole: Whole, resource: Declared) -> Span:
    """How often a batch's function starts a job."""
    own = resource.name.removesuffix("-function")
    rules = {item.name: item for item in whole.resources if item.type == tokens.EVENT_RULE}
    if f"{own}-arrives" in rules:
        return whole.traffic.arrivals
    runs = _runs(rules.get(f"{own}-sweeps"))
    return Span(runs, runs)


def _retrainings(whole: Whole, resource: Declared) -> Span:
    """How often a retraining's function starts one: its calendar's times, and as often as drift is thought to call for one."""
    own = f"{resource.name.removesuffix('-function')}-"
    rules = [item for item in whole.resources if item.type == tokens.EVENT_RULE and item.name.startswith(own)]
    runs = sum((_runs(rule) for rule in rules), start=Decimal(0))
    calendar = Span(runs, runs)
    return calendar + whole.traffic.drifts if any(rule.name == f"{own}alarm" for rule in rules) else calendar


def _runs(rule: Declared | None) -> Decimal:
    expression = rule.inputs.get("scheduleExpression") if rule else None
    return runs_a_month(str(expression)) if expression else Decimal(0)


def _object(whole: Whole, resource: Declared) -> Iterator[Line]:
    if str(resource.inputs.get("key", "")).endswith("model.tar.gz"):
        yield whole.line(resource, "model data", whole.traffic.model_gb, "s3.gb_month", "GB kept")


def _api(whole: Whole, resource: Declared) -> Iterator[Line]:
    yield whole.line(resource, "requests", whole.traffic.requests * (1 / MILLION), "apigateway.million", "millions")


def _image(whole: Whole, resource: Declared) -> Iterator[Line]:
    yield whole.line(resource, "image", whole.traffic.image_gb, "ecr.gb_month", "GB kept")


def _scaling_policy(whole: Whole, resource: Declared) -> Iterator[Line]:
    """The alarms that a policy has made for it; one of steps has those of the program."""
    if resource.inputs.get("policyType") == "TargetTrackingScaling":
        yield from fixed("its alarms", "cloudwatch.alarm_month", TRACKING_ALARMS)(whole, resource)


def _vpc_endpoint(whole: Whole, resource: Declared) -> Iterator[Line]:
    """An interface in each subnet, by the hour; a gateway is free."""
    if resource.inputs.get("vpcEndpointType") == "Interface":
        number = Decimal(len(resource.inputs.get("subnetIds") or [None]))
        hours = Span(number * HOURS, number * HOURS)
        yield whole.line(resource, "interfaces", hours, "vpc.endpoint_hour", f"{number} x 730 h")


def _table(whole: Whole, resource: Declared) -> Iterator[Line]:
    """Writes on demand; else, as DynamoDB has it unless told otherwise, units by the hour, those of indexes too."""
    if (kind := resource.inputs.get("tableClass") or "STANDARD") != "STANDARD":
        yield Line(
            resource=resource.name, what="table", usd=None, how=f"no rate is known for tables of {kind}", sourced=False
        )
        return
    if resource.inputs.get("billingMode") == "PAY_PER_REQUEST":
        yield from by_use("writes", "dynamodb.write_million", "a million")(whole, resource)
        return
    indexes = resource.inputs.get("globalSecondaryIndexes") or []
    for what, key in (("read", "readCapacity"), ("write", "writeCapacity")):
        said = [item.get(key) for item in (resource.inputs, *indexes)]
        if None in said:
            yield Line(resource=resource.name, what=f"{what} units", usd=None, how=f"{key} is not said", sourced=False)
            continue
        units = sum((Decimal(str(number)) for number in said), start=Decimal(0))
        how = f"{words(Span(units, units))} {what} units x 730 h"
        yield whole.line(
            resource, f"{what} units", Span(units * HOURS, units * HOURS), f"dynamodb.{what}_unit_hour", how
        )


def _machine(whole: Whole, resource: Declared) -> Iterator[Line]:
    if resource.inputs.get("type") == "EXPRESS":
        yield from by_use("requests", "states.express_million", "a million")(whole, resource)
        yield from by_use("time", "states.express_gb_second", "a GB-second")(whole, resource)
    else:
        yield from by_use("transitions", "states.transition_1000", "a thousand")(whole, resource)


def _alarm(whole: Whole, resource: Declared) -> Iterator[Line]:
    """Each metric that an alarm looks at, more where it looks more often than each minute. A band of what is usual is two metrics more."""
    queries = resource.inputs.get("metricQueries") or []
    metrics = [query["metric"] for query in queries if query.get("metric")]
    expressions = [str(query.get("expression") or "") for query in queries]
    if any(text.lstrip().upper().startswith("SELECT") for text in expressions):
        yield Line(
            resource=resource.name,
            what="alarm",
            usd=None,
            how="how many metrics its query finds is not known",
            sourced=False,
        )
        return
    bands = sum("ANOMALY_DETECTION_BAND" in text for text in expressions)
    number = (len(metrics) or 1) + BAND * bands
    periods = [item["period"] for item in (resource.inputs, *queries, *metrics) if item.get("period")]
    often = any(Decimal(str(period)) < MINUTE_S for period in periods)
    rate = "cloudwatch.fast_alarm_month" if often else "cloudwatch.alarm_month"
    yield from fixed("alarm", rate, number)(whole, resource)


def _parameter(whole: Whole, resource: Declared) -> Iterator[Line]:
    """An advanced one; one that becomes so by its length, where the tier is left to Systems Manager. The others are free."""
    tier, value = (
        resource.inputs.get("tier"),
        resource.inputs.get("value") or resource.inputs.get("insecureValue") or "",
    )
    if tier == "Advanced" or (tier == "Intelligent-Tiering" and len(str(value).encode()) > STANDARD_BYTES):
        yield from fixed("advanced parameter", "ssm.advanced_month")(whole, resource)


SERVICES: Mapping[str, Priced] = {
    tokens.FUNCTION: _function,
    "aws:apigatewayv2/api:Api": _api,
    tokens.BUCKET_OBJECT: _object,
    "aws:s3/bucketObject:BucketObject": _object,
    tokens.IMAGE: _image,
    tokens.SCALING_POLICY: _scaling_policy,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _vpc_endpoint,
    tokens.METRIC_ALARM: _alarm,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": fixed("composite alarm", "cloudwatch.composite_alarm_month"),
    tokens.CLOUDWATCH_DASHBOARD: fixed("dashboard", "cloudwatch.dashboard_month"),
    "aws:kms/key:Key": fixed("key", "kms.key_month"),
    "aws:secretsmanager/secret:Secret": fixed("secret", "secretsmanager.secret_month"),
    tokens.QUEUE: by_use("requests", "sqs.million", "a million"),
    "aws:sns/topic:Topic": by_use("messages", "sns.million", "a million"),
    "aws:cloudwatch/eventBus:EventBus": by_use("events", "events.million", "a million of the account's own"),
    "aws:dynamodb/table:Table": _table,
    "aws:sfn/stateMachine:StateMachine": _machine,
    "aws:ssm/parameter:Parameter": _parameter,
}
