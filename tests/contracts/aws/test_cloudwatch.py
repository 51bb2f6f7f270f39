"""The AWS API wire: CloudWatch's metrics, by plain boto3 against a real local cloud process."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import code_of

AT = (datetime.now(UTC) - timedelta(days=7)).replace(hour=10, minute=0, second=0, microsecond=0)
"""A time that CloudWatch still takes data of."""
HOUR = {"StartTime": AT, "EndTime": AT + timedelta(hours=1)}


@pytest.fixture
def cloudwatch(shared_cloud: CloudProcess) -> Any:
    return shared_cloud.client("cloudwatch")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud to kill."""
    cloud = CloudProcess(tmp_path_factory.mktemp("cloudwatch"))
    cloud.start()
    yield cloud
    cloud.stop()


def put(client: Any, namespace: str, *values: float, name: str = "m", at: datetime = AT, **extra: Any) -> None:
    datum = {"MetricName": name, "Timestamp": at, "Values": list(values), **extra}
    client.put_metric_data(Namespace=namespace, MetricData=[datum])


def statistics(client: Any, namespace: str, *names: str, **extra: Any) -> list[dict[str, Any]]:
    plain = [each for each in names if each[0].isupper() and "(" not in each and each != "IQM"]
    asked: dict[str, Any] = {"Namespace": namespace, "MetricName": "m", "Period": 60, **HOUR, **extra}
    if plain:
        asked["Statistics"] = plain
    if extended := [each for each in names if each not in plain]:
        asked["ExtendedStatistics"] = extended
    points: list[dict[str, Any]] = client.get_metric_statistics(**asked)["Datapoints"]
    return sorted(points, key=lambda point: point["Timestamp"])


def test_statistics_and_percentiles_of_many_values(cloudwatch: Any, unique: str) -> None:
    chance = random.Random(7)
    values = [chance.lognormvariate(5, 2) for _ in range(1000)]
    for start in range(0, 1000, 100):
        put(cloudwatch, unique, *values[start : start + 100], Unit="Milliseconds")
    put(cloudwatch, unique, 1.0, at=AT + timedelta(minutes=1), Unit="Milliseconds", Counts=[3.0])
    first, second = statistics(
        cloudwatch, unique, "SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p99", "p99.9"
    )

    values.sort()
    assert first["Timestamp"] == AT
    assert first["Unit"] == "Milliseconds"
    assert (first["SampleCount"], first["Minimum"], first["Maximum"]) == (1000, values[0], values[-1])
    assert first["Sum"] == pytest.approx(math.fsum(values))
    assert first["Average"] == pytest.approx(math.fsum(values) / 1000)
    for percent, rank in (("p50", 499), ("p99", 989), ("p99.9", 998)):
        assert first["ExtendedStatistics"][percent] == pytest.approx(values[rank], rel=0.0101)
    assert (second["SampleCount"], second["Sum"]) == (3, 3.0)


def test_periods_units_and_dimensions(cloudwatch: Any, unique: str) -> None:
    dimensions = [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]
    for minute in range(10):
        put(cloudwatch, unique, 1.0, at=AT + timedelta(minutes=minute, seconds=17), Dimensions=dimensions, Unit="Count")
    put(cloudwatch, unique, 5.0, Unit="Bytes", Dimensions=dimensions)
    put(cloudwatch, unique, 100.0)

    asked: dict[str, Any] = {"Dimensions": dimensions[::-1], "Unit": "Count"}
    assert [point["Sum"] for point in statistics(cloudwatch, unique, "Sum", Period=300, **asked)] == [5.0, 5.0]
    assert len(statistics(cloudwatch, unique, "Sum", **asked)) == 10
    assert {point["Unit"] for point in statistics(cloudwatch, unique, "Sum", Dimensions=dimensions, Period=3600)} == {
        "Count",
        "Bytes",
    }
    assert [point["Sum"] for point in statistics(cloudwatch, unique, "Sum", Period=3600)] == [100.0]


def test_values_of_a_second_are_kept_apart_where_they_are_to_be(cloudwatch: Any, unique: str) -> None:
    for second in range(4):
        put(cloudwatch, unique, float(second), at=AT + timedelta(seconds=second), StorageResolution=1)
    stretch: dict[str, Any] = {"StartTime": AT, "EndTime": AT + timedelta(minutes=1)}

    assert [point["Sum"] for point in statistics(cloudwatch, unique, "Sum", Period=1, **stretch)] == [
        0.0,
        1.0,
        2.0,
        3.0,
    ]
    assert [point["Sum"] for point in statistics(cloudwatch, unique, "Sum", Period=60)] == [6.0]


def test_get_metric_data_and_what_it_takes_from_another_query(cloudwatch: Any, unique: str) -> None:
    for minute in range(3):
        put(cloudwatch, unique, float(minute), at=AT + timedelta(minutes=minute))
    metric = {"Namespace": unique, "MetricName": "m"}
    queries: list[dict[str, Any]] = [
        {"Id": "s", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "p", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "p50"}, "Label": "half"},
        {"Id": "e", "Expression": "s"},
    ]
    result = cloudwatch.get_metric_data(MetricDataQueries=queries, ScanBy="TimestampAscending", **HOUR)

    half, same = result["MetricDataResults"]
    assert (half["Id"], half["Label"], half["StatusCode"]) == ("p", "half", "Complete")
    assert half["Values"] == [pytest.approx(1.0, rel=0.0101)]
    assert (same["Id"], same["Values"]) == ("e", [0.0, 1.0, 2.0])
    newest = cloudwatch.get_metric_data(MetricDataQueries=queries, **HOUR)["MetricDataResults"][1]
    assert newest["Timestamps"][0] > newest["Timestamps"][1]
    queries[2]["Expression"] = "SEARCH('{x}', 'Sum')"
    assert (
        "Error in expression 'e'" in code_of(lambda: cloudwatch.get_metric_data(MetricDataQueries=queries, **HOUR))[1]
    )
    queries[2]["Expression"] = "FILL(s, 0) * 2"
    filled = cloudwatch.get_metric_data(MetricDataQueries=queries, **HOUR)["MetricDataResults"][1]
    assert filled["StatusCode"] == "Complete"


def test_statistic_sets_have_no_percentiles(cloudwatch: Any, unique: str) -> None:
    values = {"SampleCount": 4, "Sum": 10.0, "Minimum": 1.0, "Maximum": 4.0}
    cloudwatch.put_metric_data(
        Namespace=unique, MetricData=[{"MetricName": "m", "Timestamp": AT, "StatisticValues": values}]
    )
    [point] = statistics(cloudwatch, unique, "Average", "SampleCount", "p50")

    assert (point["Average"], point["SampleCount"], point.get("ExtendedStatistics")) == (2.5, 4.0, None)


def test_what_is_not_there_is_refused_by_name(cloudwatch: Any, unique: str) -> None:
    def refused(*names: str, **extra: Any) -> tuple[str, str]:
        return code_of(lambda: statistics(cloudwatch, unique, *names, **extra))

    assert "does not have the statistic wm99" in refused("wm99")[1]
    assert "does not have the statistic PR(1:2)" in refused("PR(1:2)")[1]
    assert refused("Sum", Period=61) == ("InvalidParameterValue", "The parameter Period must be a multiple of 60")
    assert "exceeds the limit of 1,440" in refused("Sum", Period=1)[1]
    assert refused("Sum", StartTime=AT, EndTime=AT)[0] == "InvalidParameterValue"
    assert code_of(lambda: put(cloudwatch, unique, float("nan")))[0] == "InvalidParameterValue"
    assert code_of(lambda: put(cloudwatch, unique, 1.0, Value=1.0))[0] == "InvalidParameterValue"


def test_what_is_too_old_and_what_is_awss_own_is_refused(cloudwatch: Any, unique: str) -> None:
    old = datetime.now(UTC) - timedelta(days=15)
    datum = {"MetricName": "m", "Value": 1.0}
    data = [{**datum, "Timestamp": old}, datum, {**datum, "Timestamp": old}]
    first, third = (
        f"The parameter MetricData.member.{number}.Timestamp must specify a time within the past two weeks."
        for number in (1, 3)
    )

    assert code_of(lambda: cloudwatch.put_metric_data(Namespace=unique, MetricData=data)) == (
        "InvalidParameterValue",
        f"{first}\n{third}",
    )
    assert cloudwatch.list_metrics(Namespace=unique)["Metrics"] == []
    assert code_of(lambda: cloudwatch.put_metric_data(Namespace="AWS/SageMaker", MetricData=[datum])) == (
        "InvalidParameterValue",
        "The value AWS/ for parameter Namespace is invalid.",
    )
    cloudwatch.put_metric_data(Namespace=f"aws/{unique}", MetricData=[datum])


def test_a_large_put_is_compressed_by_boto3_and_read(cloudwatch: Any, unique: str) -> None:
    data = [{"MetricName": f"metric-{number:04}", "Timestamp": AT, "Value": 1.0} for number in range(800)]
    cloudwatch.put_metric_data(Namespace=unique, MetricData=data)

    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=unique)
    assert [len(page["Metrics"]) for page in pages] == [500, 300]
    [listed] = cloudwatch.list_metrics(Namespace=unique, MetricName="metric-0042")["Metrics"]
    assert (listed["Namespace"], listed["Dimensions"]) == (unique, [])


def test_the_query_protocol_is_read_too(shared_cloud: CloudProcess, cloudwatch: Any, unique: str) -> None:
    put(cloudwatch, unique, 3.0)
    form = {
        "Action": "GetMetricStatistics", "Version": "2010-08-01", "Namespace": unique, "MetricName": "m", "Period": "60",
        "StartTime": f"{AT:%Y-%m-%dT%H:%M:%SZ}", "EndTime": f"{AT:%Y-%m-%d}T11:00:00Z", "Statistics.member.1": "Sum",
    }  # fmt: skip
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/monitoring/aws4_request, Signature=-",
        "Content-Type": "application/x-www-form-urlencoded",
    }

    def ask(**changes: str) -> tuple[int, bytes]:
        answer = urllib3.request("POST", shared_cloud.url, body=urlencode({**form, **changes}), headers=headers)
        return answer.status, answer.data

    status, body = ask()
    assert (status, b"<Sum>3.0</Sum>" in body) == (200, True)
    status, body = ask(Period="61")
    assert (status, b"<Code>InvalidParameterValue</Code>" in body) == (400, True)
    del form["Namespace"]
    status, body = ask()
    assert (status, b"must contain the parameter Namespace" in body) == (400, True)
    headers |= {"X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData", "Content-Encoding": "gzip"}
    status, body = ask()
    assert (status, b"the request's body cannot be read" in body) == (400, True)


def test_regions_and_accounts_never_mix(shared_cloud: CloudProcess, cloudwatch: Any, unique: str) -> None:
    west = shared_cloud.client("cloudwatch", "eu-west-1")
    other = shared_cloud.client("cloudwatch")

    def as_other(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = "222222222222"

    other.meta.events.register("before-sign.cloudwatch.*", as_other)
    for number, client in enumerate((cloudwatch, west, other), 1):
        put(client, unique, float(number))

    assert [statistics(client, unique, "Sum")[0]["Sum"] for client in (cloudwatch, west, other)] == [1.0, 2.0, 3.0]
    assert len(west.list_metrics(Namespace=unique)["Metrics"]) == 1


def test_a_kill_loses_nothing_that_was_put(own: CloudProcess, unique: str) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for _ in range(3):
        put(own.client("cloudwatch"), unique, 2.0, at=now)
    own.kill()
    own.start()
    stretch: dict[str, Any] = {"StartTime": now, "EndTime": now + timedelta(minutes=1)}

    [point] = statistics(own.client("cloudwatch"), unique, "Sum", "p50", **stretch)
    assert (point["Sum"], point["ExtendedStatistics"]["p50"]) == (6.0, 2.0)
    assert own.client("cloudwatch").list_metrics(Namespace=unique)["Metrics"]


def test_time_makes_points_coarser_and_a_reset_forgets_them(own: CloudProcess, unique: str) -> None:
    client = own.client("cloudwatch")
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for minute in range(4):
        put(client, unique, 1.0, at=begin + timedelta(minutes=minute))
    own.advance(16 * 86400)
    own.admin.call("flush")
    stretch: dict[str, Any] = {"StartTime": begin, "EndTime": begin + timedelta(hours=1)}

    assert [point["Sum"] for point in statistics(client, unique, "Sum", **stretch)] == [4.0]
    with pytest.raises(ClientError, match="does not exist"):
        client.get_dashboard(DashboardName="none")  # moto's, still
    own.admin.call("reset")
    assert client.list_metrics(Namespace=unique)["Metrics"] == []
