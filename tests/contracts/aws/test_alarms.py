"""The AWS API wire: CloudWatch's alarms, evaluated on the cloud's clock, by plain boto3 against real local clouds.

Sources: CloudWatch API Reference (PutMetricAlarm, PutCompositeAlarm, DescribeAlarms, DescribeAlarmHistory, SetAlarmState); CloudWatch User
Guide, "Alarm evaluation", "Alarm events and EventBridge".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import code_of

ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud whose clock is moved, and that is killed."""
    cloud = CloudProcess(tmp_path_factory.mktemp("alarms"))
    cloud.start()
    yield cloud
    cloud.stop()


class Bench:
    """An alarm on a metric of the test's own namespace, and a queue that hears of it."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.cloudwatch = cloud.client("cloudwatch")
        self.sqs = cloud.client("sqs")

    def put(self, value: float, metric: str = "m") -> None:
        self.cloudwatch.put_metric_data(Namespace=self.name, MetricData=[{"MetricName": metric, "Value": value}])

    def alarm(self, suffix: str = "", **extra: Any) -> str:
        one = {"Namespace": self.name, "MetricName": "m", "Statistic": "Sum", "Period": 60}
        asked = {
            "AlarmName": self.name + suffix, "EvaluationPeriods": 1, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
            **({} if "Metrics" in extra else one), **extra,
        }  # fmt: skip
        self.cloudwatch.put_metric_alarm(**asked)
        return self.name + suffix

    def state(self, suffix: str = "") -> dict[str, Any]:
        asked = self.cloudwatch.describe_alarms(
            AlarmNames=[self.name + suffix], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        [alarm] = asked["MetricAlarms"] + asked["CompositeAlarms"]
        return alarm  # type: ignore[no-any-return]  # boto3 is untyped

    def topic(self) -> tuple[str, str]:
        """A topic's ARN, and the URL of a queue that it is sent to."""
        sns = self.cloud.client("sns")
        arn: str = sns.create_topic(Name=self.name)["TopicArn"]
        url, queue = self.queue("-topic")
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
        return arn, url

    def queue(self, suffix: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=self.name + suffix)["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:{ACCOUNT}:{self.name}{suffix}"

    def received(self, url: str) -> list[dict[str, Any]]:
        bodies = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies


@pytest.fixture
def bench(own: CloudProcess, unique: str) -> Bench:
    return Bench(own, unique)


def test_an_alarm_goes_off_and_calms_down(bench: Bench) -> None:
    topic, url = bench.topic()
    bench.alarm(AlarmActions=[topic], OKActions=[topic], AlarmDescription="three")
    born = bench.state()
    assert (born["StateValue"], born["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    bench.put(3)
    bench.cloud.advance(60)
    hot = bench.state()
    assert hot["StateValue"] == "ALARM", hot
    assert hot["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [3.0 (")
    data = json.loads(hot["StateReasonData"])
    assert (data["statistic"], data["period"], data["recentDatapoints"], data["threshold"]) == ("Sum", 60, [3.0], 1.0)
    bench.cloud.advance(600)
    assert bench.state()["StateValue"] == "OK"
    [went, calmed] = [json.loads(each["Message"]) for each in bench.received(url)]
    assert (went["OldStateValue"], went["NewStateValue"], calmed["NewStateValue"]) == (
        "INSUFFICIENT_DATA",
        "ALARM",
        "OK",
    )
    assert (went["AlarmName"], went["AlarmDescription"], went["Region"]) == (
        bench.name,
        "three",
        "US East (N. Virginia)",
    )
    assert went["Trigger"]["Statistic"] == "SUM"
    assert went["Trigger"]["Namespace"] == bench.name
    history = bench.cloudwatch.describe_alarm_history(AlarmName=bench.name, ScanBy="TimestampAscending")
    kinds = [item["HistoryItemType"] for item in history["AlarmHistoryItems"]]
    assert kinds == ["ConfigurationUpdate", "StateUpdate", "Action", "StateUpdate", "Action"]
    assert history["AlarmHistoryItems"][1]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"


def test_subject_of_a_message(bench: Bench) -> None:
    topic, url = bench.topic()
    bench.alarm(AlarmActions=[topic])
    bench.cloudwatch.set_alarm_state(AlarmName=bench.name, StateValue="ALARM", StateReason="by hand")
    [message] = bench.received(url)
    assert message["Subject"] == f'ALARM: "{bench.name}" in US East (N. Virginia)'[:100]
    assert json.loads(message["Message"])["NewStateReason"] == "by hand"


def test_two_of_three_and_percentiles(bench: Bench) -> None:
    bench.alarm(EvaluationPeriods=3, DatapointsToAlarm=2, Statistic="Maximum")
    extended = {"ExtendedStatistic": "p99", "EvaluateLowSampleCountPercentile": "ignore"}
    one = {"Namespace": bench.name, "MetricName": "m", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    bench.cloudwatch.put_metric_alarm(
        AlarmName=f"{bench.name}-p", ComparisonOperator="GreaterThanThreshold", **one, **extended
    )
    states = []
    for value in (5, 0, 5):
        bench.put(value)
        bench.cloud.advance(60)
        states.append(bench.state()["StateValue"])
    assert states == ["OK", "OK", "ALARM"]
    assert bench.state("-p")["StateValue"] == "INSUFFICIENT_DATA"  # a few samples say nothing about a percentile


def test_metric_math(bench: Bench) -> None:
    def stat(metric: str, name: str) -> dict[str, Any]:
        what = {"Metric": {"Namespace": bench.name, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
        return {"Id": name, "MetricStat": what, "ReturnData": False}

    rate = {"Id": "rate", "Expression": "IF(calls > 0, 100 * FILL(errors, 0) / calls, 0)", "Label": "error rate"}
    bench.alarm(Metrics=[rate, stat("errors", "errors"), stat("calls", "calls")], Threshold=10.0)
    bench.put(100, "calls")
    bench.put(5, "errors")
    bench.cloud.advance(60)
    assert bench.state()["StateValue"] == "OK"
    bench.put(100, "calls")
    bench.put(20, "errors")
    bench.cloud.advance(60)
    assert bench.state()["StateValue"] == "ALARM"
    assert "[20.0 (" in bench.state()["StateReason"]
    assert [query["Id"] for query in bench.state()["Metrics"]] == ["rate", "errors", "calls"]


def test_composite_alarms_follow(bench: Bench) -> None:
    topic, url = bench.topic()
    for suffix in ("-a", "-b"):
        bench.alarm(suffix)
    rule = f'ALARM("{bench.name}-a") AND NOT ALARM("{bench.name}-b")'
    bench.cloudwatch.put_composite_alarm(AlarmName=bench.name, AlarmRule=rule, AlarmActions=[topic])
    assert bench.state()["StateValue"] == "OK"
    bench.cloudwatch.set_alarm_state(AlarmName=f"{bench.name}-a", StateValue="ALARM", StateReason="by hand")
    assert bench.state()["StateValue"] == "ALARM"
    bench.cloudwatch.set_alarm_state(AlarmName=f"{bench.name}-b", StateValue="ALARM", StateReason="by hand")
    assert bench.state()["StateValue"] == "OK"
    [message] = [json.loads(each["Message"]) for each in bench.received(url)]
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{bench.name}-a"
    assert [child["Arn"] for child in message["TriggeringChildren"]] == [arn]
    only_metric = bench.cloudwatch.describe_alarms(AlarmNamePrefix=bench.name)
    assert (len(only_metric["MetricAlarms"]), only_metric["CompositeAlarms"]) == (2, [])


def test_events_of_state_changes(bench: Bench) -> None:
    events = bench.cloud.client("events")
    url, queue = bench.queue("-events")
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{bench.name}"
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "resources": [arn]}
    events.put_rule(Name=bench.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bench.name, Targets=[{"Id": "q", "Arn": queue}])
    bench.alarm()
    bench.cloudwatch.set_alarm_state(AlarmName=bench.name, StateValue="ALARM", StateReason="by hand")
    [event] = bench.received(url)
    detail = event["detail"]
    assert (detail["alarmName"], detail["state"]["value"], detail["previousState"]["value"]) == (
        bench.name, "ALARM", "INSUFFICIENT_DATA",
    )  # fmt: skip
    [metric] = detail["configuration"]["metrics"]
    assert metric["metricStat"]["metric"] == {"namespace": bench.name, "name": "m", "dimensions": {}}


def test_actions_that_are_disabled_are_not_done(bench: Bench) -> None:
    topic, url = bench.topic()
    bench.alarm(AlarmActions=[topic])
    bench.cloudwatch.disable_alarm_actions(AlarmNames=[bench.name])
    bench.cloudwatch.set_alarm_state(AlarmName=bench.name, StateValue="ALARM", StateReason="by hand")
    assert (bench.state()["ActionsEnabled"], bench.received(url)) == (False, [])
    bench.cloudwatch.enable_alarm_actions(AlarmNames=[bench.name])
    bench.cloudwatch.set_alarm_state(AlarmName=bench.name, StateValue="OK", StateReason="by hand")
    bench.cloudwatch.set_alarm_state(AlarmName=bench.name, StateValue="ALARM", StateReason="by hand")
    assert len(bench.received(url)) == 1


def test_a_month_without_data_takes_no_time_and_states_survive_a_kill(bench: Bench) -> None:
    bench.alarm(TreatMissingData="missing")
    bench.put(2)
    bench.cloud.advance(60)
    assert bench.state()["StateValue"] == "ALARM"
    bench.cloud.kill()
    bench.cloud.start()
    assert bench.state()["StateValue"] == "ALARM"
    bench.cloud.advance(30 * 86400)
    assert bench.state()["StateValue"] == "INSUFFICIENT_DATA"
    assert bench.state()["StateReason"] == "Insufficient Data: 1 datapoint was unknown."


def test_tags_lists_and_deletion(bench: Bench) -> None:
    bench.alarm("-a", Tags=[{"Key": "team", "Value": "ml"}])
    bench.alarm("-b")
    arn = bench.state("-a")["AlarmArn"]
    assert bench.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]
    first = bench.cloudwatch.describe_alarms(AlarmNamePrefix=bench.name, MaxRecords=1)
    assert [alarm["AlarmName"] for alarm in first["MetricAlarms"]] == [f"{bench.name}-a"]
    rest = bench.cloudwatch.describe_alarms(AlarmNamePrefix=bench.name, NextToken=first["NextToken"])
    assert [alarm["AlarmName"] for alarm in rest["MetricAlarms"]] == [f"{bench.name}-b"]
    on_metric = bench.cloudwatch.describe_alarms_for_metric(Namespace=bench.name, MetricName="m")["MetricAlarms"]
    assert len(on_metric) == 2
    bench.cloudwatch.delete_alarms(AlarmNames=[f"{bench.name}-a", f"{bench.name}-b"])
    assert bench.cloudwatch.describe_alarms(AlarmNamePrefix=bench.name)["MetricAlarms"] == []
    bench.cloudwatch.delete_alarms(AlarmNames=[f"{bench.name}-a"])
    assert bench.cloudwatch.describe_alarm_history(AlarmName=f"{bench.name}-a")["AlarmHistoryItems"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"TreatMissingData": "never"}, "Option never is not supported"),
        ({"DatapointsToAlarm": 2}, "DatapointsToAlarm"),
        ({"AlarmActions": ["topic"]}, "Invalid arn syntax: topic"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:recover"]}, "does not have actions of automate"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly detection"),
        ({"Period": 61}, "multiple of 60"),
        ({"EvaluationPeriods": 2000}, "more than a day"),
        ({"Metrics": [{"Id": "e", "Expression": "m +"}]}, "needs a metric"),
    ],
)
def test_alarms_that_are_refused(bench: Bench, extra: dict[str, Any], words: str) -> None:
    _, message = code_of(lambda: bench.alarm(**extra))
    assert words in message
    assert bench.cloudwatch.describe_alarms(AlarmNames=[bench.name])["MetricAlarms"] == []


def test_expressions_of_get_metric_data(bench: Bench) -> None:
    bench.put(4)
    start = datetime.now(UTC) - timedelta(minutes=5)
    stat = {"Metric": {"Namespace": bench.name, "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    queries = [{"Id": "m1", "MetricStat": stat, "ReturnData": False}, {"Id": "e1", "Expression": "m1 * 2"}]
    answer = bench.cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=start, EndTime=start + timedelta(days=60)
    )
    [result] = answer["MetricDataResults"]
    assert result["Values"] == [8.0]
