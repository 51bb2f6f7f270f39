"""Prices, each worked by hand from the rates in the package and equal to the cent; and what has no price is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from fogbank.contracts import tokens
from fogbank.project.declared.declaration import Declared
from fogbank.project.pricing.estimate import PRICED, estimate
from fogbank.project.pricing.estimated import Estimate, cents
from fogbank.project.pricing.rates import rates
from fogbank.project.pricing.traffic import Traffic, span
from fogbank.project.pricing.unbilled import UNBILLED
from fogbank.provider.standin import TABLE

IDLE = Traffic(requests=span(0, 0))
BUSY = Traffic(
    requests=span(1_000_000, 1_000_000), request_kb=span(4, 4), response_kb=span(2, 2), latency_ms=span(100, 100), log_kb=span(1, 1),
    monitor_minutes=span(10, 10), batch_minutes=span(60, 60),
)  # fmt: skip
M5, C5 = (
    {"instanceType": "ml.m5.large", "initialInstanceCount": 1},
    {"instanceType": "ml.c5.large", "initialInstanceCount": 1},
)


def endpoint(*variants: dict[str, Any], **config: Any) -> list[Declared]:
    named = [{"variantName": f"v{number}", **variant} for number, variant in enumerate(variants)]
    return [
        Declared(
            name="c", type=tokens.ENDPOINT_CONFIGURATION, inputs={"name": "c-1", "productionVariants": named, **config}
        ),
        Declared(name="e", type=tokens.ENDPOINT, inputs={"name": "live", "endpointConfigName": "c-1"}),
    ]


def scaling(least: int, most: int) -> Declared:
    inputs = {"resourceId": "endpoint/live/variant/v0", "minCapacity": least, "maxCapacity": most}
    return Declared(name="t", type=tokens.SCALABLE_TARGET, inputs=inputs)


def expiring(days: int) -> Declared:
    return Declared(name="l", type=tokens.BUCKET_LIFECYCLE, inputs={"rules": [{"expiration": {"days": days}}]})


def schedule(expression: str, operation: str, request: dict[str, Any]) -> Declared:
    target = {"arn": f"arn:aws:scheduler:::aws-sdk:sagemaker:{operation}", "input": json.dumps(request)}
    return Declared(name="s", type=tokens.SCHEDULE, inputs={"scheduleExpression": expression, "target": target})


TRANSFORM = {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 20}
MONDAYS = [
    Declared(
        name="d", type=tokens.DATA_QUALITY_JOB_DEFINITION,
        inputs={"name": "d-1", "jobResources": {"clusterConfig": {"instanceType": "ml.m5.4xlarge", "instanceCount": 2}}},
    ),
    Declared(
        name="m", type=tokens.MONITORING_SCHEDULE,
        inputs={"monitoringScheduleConfig": {
            "monitoringJobDefinitionName": "d-1", "scheduleConfig": {"scheduleExpression": "cron(0 8 ? * MON *)"}}},
    ),
]  # fmt: skip
SMALL = [
    Declared(name="o", type=tokens.BUCKET_OBJECT, inputs={"key": "models/1/model.tar.gz"}),
    Declared(name="i", type=tokens.IMAGE, inputs={}),
    Declared(name="a", type=tokens.METRIC_ALARM, inputs={}),
    Declared(name="k", type="aws:kms/key:Key", inputs={}),
    Declared(name="x", type="aws:secretsmanager/secret:Secret", inputs={}),
]
TRAINING = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}}
RETRAINED = [
    Declared(name="r-function", type=tokens.FUNCTION, inputs={"environment": {"variables": {"TRAINING": json.dumps(TRAINING)}}}),
    Declared(name="r-alarm", type=tokens.EVENT_RULE, inputs={}),
    Declared(name="r-training", type=tokens.EVENT_RULE, inputs={}),
    Declared(name="r-calendar", type=tokens.EVENT_RULE, inputs={"scheduleExpression": "rate(10 days)"}),
    Declared(name="other-calendar", type=tokens.EVENT_RULE, inputs={"scheduleExpression": "rate(1 day)"}),
]  # fmt: skip
FRONT = [
    Declared(name="f-function", type=tokens.FUNCTION, inputs={"memorySize": 512, "environment": {"variables": {"ENDPOINT_NAME": "live"}}}),
    Declared(name="f-api", type="aws:apigatewayv2/api:Api", inputs={}),
]  # fmt: skip
ALARMED = [
    Declared(name="b", type="aws:cloudwatch/compositeAlarm:CompositeAlarm", inputs={}),
    Declared(name="p", type=tokens.SCALING_POLICY, inputs={"policyType": "TargetTrackingScaling"}),
    Declared(name="q", type=tokens.SCALING_POLICY, inputs={"policyType": "StepScaling"}),
]
REACHED = [
    Declared(name="i", type="aws:ec2/vpcEndpoint:VpcEndpoint", inputs={"vpcEndpointType": "Interface", "subnetIds": ["a", "b"]}),
    Declared(name="g", type="aws:ec2/vpcEndpoint:VpcEndpoint", inputs={"routeTableIds": ["r"]}),
]  # fmt: skip
USED = [
    Declared(name=token, type=token, inputs={"billingMode": "PAY_PER_REQUEST"} if token.endswith("Table") else {})
    for token in (tokens.QUEUE, "aws:sns/topic:Topic", "aws:dynamodb/table:Table", "aws:cloudwatch/eventBus:EventBus", "aws:sfn/stateMachine:StateMachine")
]  # fmt: skip
CAPTURE = {"enableCapture": True, "initialSamplingPercentage": 100}
SERVERLESS = {"serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5}}

EXAMPLES: list[tuple[str, list[Declared], Traffic, str, str]] = [
    ("0.115 x 730", endpoint(M5), IDLE, "83.95", "83.95"),
    ("2 x 0.115 x 730", endpoint({**M5, "initialInstanceCount": 2}), IDLE, "167.90", "167.90"),
    ("3 x 0.204 x 730", endpoint({"instanceType": "ml.c5.xlarge", "initialInstanceCount": 3}), IDLE, "446.76", "446.76"),
    ("0.056 x 730", endpoint({"instanceType": "ml.t2.medium", "initialInstanceCount": 1}), IDLE, "40.88", "40.88"),
    ("0.736 x 730", endpoint({"instanceType": "ml.g4dn.xlarge", "initialInstanceCount": 1}), IDLE, "537.28", "537.28"),
    ("167.90 + 2 x 30 x 0.14", endpoint({**M5, "initialInstanceCount": 2, "volumeSizeInGb": 30}), IDLE, "176.30", "176.30"),
    ("83.95 + 0.102 x 730", endpoint(M5, C5), IDLE, "158.41", "158.41"),
    (
        "2 x 0.23 x 730, the shadow is a variant too",
        endpoint(
            {"instanceType": "ml.m5.xlarge", "initialInstanceCount": 1},
            shadowProductionVariants=[{"variantName": "s", "instanceType": "ml.m5.xlarge", "initialInstanceCount": 1}],
        ),
        IDLE, "335.80", "335.80",
    ),
    ("1 to 4 x 0.115 x 730", [*endpoint(M5), scaling(1, 4)], IDLE, "83.95", "335.80"),
    ("0 to 2 x 0.102 x 730", [*endpoint(C5), scaling(0, 2)], IDLE, "0.00", "148.92"),
    ("83.95 + 6 GB x 0.016 + 1 GB x 0.50 = 84.546", endpoint(M5), BUSY, "84.55", "84.55"),
    (
        "84.546 + 6 GB x 3 months x 0.023 = 84.960",
        [*endpoint(M5, dataCaptureConfig=CAPTURE), expiring(90)], BUSY, "84.96", "84.96",
    ),
    (
        "84.546 + half of 6 GB x 1 month x 0.023 = 84.615, a half up",
        endpoint(M5, dataCaptureConfig={**CAPTURE, "initialSamplingPercentage": 50}), BUSY, "84.62", "84.62",
    ),
    ("1e6 x 0.1 s x 2 GB x 0.00002 = 4.00, + 0.096 + 0.50 = 4.596", endpoint(SERVERLESS), BUSY, "4.60", "4.60"),
    (
        "1e4 x 0.02 s x 0.00002 + 0.02 GB x 0.016 + 0.002 GB x 0.50 = 0.00532; 1e6 x 0.1 s x 0.00002 + 0.096 + 0.50 = 2.596",
        endpoint({"serverlessConfig": {"memorySizeInMb": 1024, "maxConcurrency": 5}}), Traffic(), "0.01", "2.60",
    ),
    (
        "2 x 2 GB x 730 h x 3600 s x 0.00001",
        endpoint({"serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5, "provisionedConcurrency": 2}}),
        IDLE, "105.12", "105.12",
    ),
    ("730 / 24 nights x 1 h x 0.115 = 3.498", [schedule("rate(1 day)", "createTransformJob", TRANSFORM)], BUSY, "3.50", "3.50"),
    (
        "730 x 1/6 h x 0.115 = 13.9917, 121.67 h / 730 x 20 GB x 0.14 = 0.4667, 730 runs x 1e-6 = 0.0007",
        [schedule("cron(0 * ? * * *)", "createProcessingJob", {"ProcessingResources": {"ClusterConfig": CLUSTER}})],
        BUSY, "14.46", "14.46",
    ),
    ("52 / 12 Mondays x 2 x 5 and 10 min x 0.922 = 0.6659 and 1.3318", MONDAYS, IDLE, "0.67", "1.33"),
    (
        "0.01 x 0.023 + 0.2 x 0.10 + 0.10 + 1 + 0.40 = 1.52023; 1 x 0.023 + 2 x 0.10 + 1.50 = 1.723",
        SMALL, IDLE, "1.52", "1.72",
    ),
    (
        "730 / 240 h = 3.0417 and 4.0417 runs x 1 h x 0.115 = 0.3498 and 0.4648, + 3.0417 and 4.0417 h / 730 x 30 GB x 0.14 = 0.0175 and 0.0233",
        RETRAINED, Traffic(training_minutes=span(60, 60), drifts=span(0, 1)), "0.37", "0.49",
    ),
    (
        "0.20 + 1e6 x 0.1 s x 0.5 GB x 0.0000166667 = 0.8333, + 1 GB of logs x 0.50 + 1.00 a million at the API",
        FRONT, BUSY, "2.53", "2.53",
    ),
    ("0.50 + 2 alarms x 0.10", ALARMED, IDLE, "0.70", "0.70"),
    ("2 subnets x 730 h x 0.01, and a gateway", REACHED, IDLE, "14.60", "14.60"),
    ("a queue, a topic, a table, a bus, a machine of steps: by use alone", USED, BUSY, "0.00", "0.00"),
]  # fmt: skip


def priced(resources: Sequence[Declared], traffic: Traffic = IDLE) -> Estimate:
    return estimate(resources, traffic, rates())


@pytest.mark.parametrize(
    ("resources", "traffic", "low", "high"), [item[1:] for item in EXAMPLES], ids=[item[0] for item in EXAMPLES]
)
def test_a_price_worked_by_hand(resources: list[Declared], traffic: Traffic, low: str, high: str) -> None:
    total = priced(resources, traffic).total

    assert (str(total.low), str(total.high)) == (low, high)


def test_there_are_more_than_twenty() -> None:
    assert len(EXAMPLES) == 25


def test_fogbanks_own_definitions_and_jobs_have_their_clusters_price() -> None:
    [_, monitor] = MONDAYS
    cluster = {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 2}
    definition = {"name": "d-1", "request": json.dumps({"JobResources": {"ClusterConfig": cluster}})}
    own = [Declared(name="d", type=tokens.JOB_DEFINITION, inputs=definition), monitor]
    once = Declared(name="t", type=tokens.TRANSFORM_JOB, inputs={"request": json.dumps(TRANSFORM)})

    assert priced(own).total == priced(MONDAYS).total == span("0.67", "1.33")
    assert priced([once], BUSY).total == span("0.12", "0.12"), "1 h x 0.115, a half up"


def test_a_batch_costs_its_jobs_by_arrivals_or_by_its_times_and_an_http_api_its_requests() -> None:
    traffic = Traffic(
        requests=span(1_000_000, 1_000_000),
        latency_ms=span(100, 100),
        batch_minutes=span(60, 60),
        arrivals=span(10, 20),
    )
    variables = {"variables": {"REQUEST": json.dumps(TRANSFORM)}}
    starts = Declared(name="b-function", type=tokens.FUNCTION, inputs={"environment": variables})
    sweeps = Declared(name="b-sweeps", type=tokens.EVENT_RULE, inputs={"scheduleExpression": "rate(1 day)"})
    arrives = Declared(name="b-arrives", type=tokens.EVENT_RULE, inputs={})
    front = [
        Declared(
            name="f-function", type=tokens.FUNCTION, inputs={"environment": {"variables": {"ENDPOINT_NAME": "live"}}}
        ),
        Declared(name="another", type=tokens.FUNCTION, inputs={}),
        Declared(name="f-api", type="aws:apigatewayv2/api:Api", inputs={}),
    ]

    assert priced([starts, sweeps, arrives], traffic).total == span("1.15", "2.30"), "10 and 20 jobs x 1 h x 0.115"
    assert priced([starts, sweeps], traffic).total == span("3.50", "3.50"), "730 / 24 nights"
    assert priced(front, traffic).total == span("1.51", "1.91"), (
        "0.20 + 1e6 x 0.1 s x 0.125 GB x 0.0000166667 + 0.2 and 1 GB of logs x 0.50 + 1.00"
    )


def test_whatever_a_stack_can_declare_has_a_price_or_bills_nothing_and_not_both() -> None:
    """So that a budget refuses no stack for a type of which nobody thought."""
    declarable = {*TABLE, *tokens.OWN}

    assert declarable - {*PRICED, *UNBILLED} == set()
    assert {*PRICED} & UNBILLED == set()
    assert UNBILLED - declarable == set()


def test_what_bills_by_use_says_its_rate_and_that_nobody_knows_how_much() -> None:
    queue = priced([Declared(name="q", type=tokens.QUEUE, inputs={})]).lines

    assert [(line.what, line.how) for line in queue] == [
        ("requests", "0.40 a million; how many there are is not known")
    ]


TABLED, MACHINE, PARAMETER = (
    "aws:dynamodb/table:Table",
    "aws:sfn/stateMachine:StateMachine",
    "aws:ssm/parameter:Parameter",
)
INDEXED = {"readCapacity": 10, "writeCapacity": 5, "globalSecondaryIndexes": [{"readCapacity": 2, "writeCapacity": 1}]}
WATCHED = [
    {"id": "a", "metric": {"period": 60}},
    {"id": "b", "metric": {"period": 60}},
    {"id": "c", "expression": "a/b"},
]


@pytest.mark.parametrize(
    ("kind", "inputs", "total", "unknown"),
    [
        (TABLED, {"readCapacity": 10, "writeCapacity": 5}, "3.32", []),  # 730 x (10 x 0.00013 + 5 x 0.00065) = 3.3215
        (TABLED, {**INDEXED, "billingMode": "PROVISIONED"}, "3.99", []),  # 730 x (12 x 0.00013 + 6 x 0.00065) = 3.9858
        (TABLED, {"readCapacity": 10}, "0.95", ["writeCapacity is not said"]),  # 730 x 10 x 0.00013
        (TABLED, {**INDEXED, "tableClass": "STANDARD_INFREQUENT_ACCESS"}, "0.00", ["no rate is known for tables of STANDARD_INFREQUENT_ACCESS"]),
        (MACHINE, {"type": "EXPRESS"}, "0.00", []),
        (tokens.METRIC_ALARM, {"period": 60}, "0.10", []),
        (tokens.METRIC_ALARM, {"period": 10}, "0.30", []),
        (tokens.METRIC_ALARM, {"metricQueries": WATCHED}, "0.20", []),
        (tokens.METRIC_ALARM, {"metricQueries": [*WATCHED, {"metric": {"period": 30}}]}, "0.90", []),
        (tokens.METRIC_ALARM, {"metricQueries": [WATCHED[0], {"expression": "ANOMALY_DETECTION_BAND(a)"}]}, "0.30", []),
        (tokens.METRIC_ALARM, {"metricQueries": [{"expression": "SELECT MAX(a) FROM b"}]}, "0.00", ["how many metrics its query finds is not known"]),
        (PARAMETER, {"tier": "Standard", "value": "a"}, "0.00", []),
        (PARAMETER, {"tier": "Advanced", "value": "a"}, "0.05", []),
        (PARAMETER, {"tier": "Intelligent-Tiering", "value": "a" * 4097}, "0.05", []),
        (PARAMETER, {"tier": "Intelligent-Tiering", "value": "a"}, "0.00", []),
    ],
)  # fmt: skip
def test_what_a_resource_is_set_to_has_its_price(
    kind: str, inputs: dict[str, Any], total: str, unknown: list[str]
) -> None:
    found = priced([Declared(name="x", type=kind, inputs=inputs)])

    assert (str(found.total.low), str(found.total.high)) == (total, total)
    assert [line.how for line in found.unknown] == unknown


def test_an_express_machine_says_its_own_rates() -> None:
    found = priced([Declared(name="x", type=MACHINE, inputs={"type": "EXPRESS"})]).lines

    assert [line.how.partition(";")[0] for line in found] == ["1.00 a million", "0.00001667 a GB-second"]


def test_what_has_no_price_is_a_line_and_not_in_the_total() -> None:
    found = priced([
        *endpoint({"instanceType": "ml.p4d.24xlarge", "initialInstanceCount": 1}), Declared(name="n", type="aws:x/y:Y", inputs={})
    ])  # fmt: skip

    assert [(line.resource, line.how) for line in found.unknown] == [
        ("e", "no rate is known for ml.p4d.24xlarge"), ("n", "no price is known for this type")
    ]  # fmt: skip
    assert found.total == span("0.00", "0.00")


def test_a_configuration_that_no_endpoint_serves_costs_nothing_and_one_of_elsewhere_is_unknown() -> None:
    config, live = endpoint(M5)

    assert priced([config]).lines == ()
    assert [line.how for line in priced([live]).unknown] == ["its configuration is not of this program"]


def test_rates_have_date_region_and_source_and_those_without_one_are_marked() -> None:
    table = rates()

    assert (table.date, table.region) == ("2026-11-26", "us-east-1")
    assert all(rate.source.startswith("https://aws.amazon.com/") and rate.usd > 0 for rate in table.rates.values())
    assert "not fetched" in table.said("us-east-1")
    assert "whose rates differ" in table.said("eu-west-1")
    unsourced = endpoint({"instanceType": "ml.m7g.large", "initialInstanceCount": 1})
    assert [line.sourced for line in priced(unsourced).lines if line.what.startswith("variant")] == [False]


def test_a_half_cent_goes_up() -> None:
    assert (cents(Decimal("0.005")), cents(Decimal("0.0049"))) == (Decimal("0.01"), Decimal("0.00"))
