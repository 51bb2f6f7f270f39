"""What CloudWatch says when an alarm changes its state, pure: SNS's message, EventBridge's event, Lambda's payload.

In: the alarm before and after; out: documents. Sources: CloudWatch User Guide, "Alarm events and EventBridge", "Notifying users on alarm
changes" and "Lambda alarm actions"; the message's members as SNS delivers them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader

from fogbank.cloud.alarms.book import Alarm


def subject_of(alarm: Alarm) -> str:
    """The subject of a message; SNS takes 100 characters."""
    return f'{alarm.state}: "{alarm.name}" in {region_name(alarm.region)}'[:100]


def message_of(before: Alarm, after: Alarm) -> dict[str, Any]:
    """What is published to a topic."""
    document = after.document
    common = {
        "AlarmName": after.name,
        "AlarmDescription": document.get("AlarmDescription"),
        "AWSAccountId": after.account,
        "AlarmConfigurationUpdatedTimestamp": time_of(document["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": after.state,
        "NewStateReason": document["StateReason"],
        "StateChangeTime": time_of(document["StateUpdatedTimestamp"]),
        "Region": region_name(after.region),
        "AlarmArn": after.arn,
        "OldStateValue": before.state,
        "OKActions": document.get("OKActions", []),
        "AlarmActions": document.get("AlarmActions", []),
        "InsufficientDataActions": document.get("InsufficientDataActions", []),
    }
    if after.is_composite:
        return {**common, "AlarmRule": document["AlarmRule"], "TriggeringChildren": _children(document)}
    return {**common, "Trigger": _trigger(document)}


def event_of(before: Alarm, after: Alarm) -> dict[str, Any]:
    """What EventBridge gets."""
    detail = {
        "alarmName": after.name,
        "state": _state(after.document),
        "previousState": _state(before.document),
        "configuration": _configuration(after.document),
    }
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": after.account,
        "time": datetime.fromtimestamp(after.document["StateUpdatedTimestamp"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": after.region,
        "resources": [after.arn],
        "detail": detail,
    }


def payload_of(before: Alarm, after: Alarm) -> dict[str, Any]:
    """What a Lambda function is invoked with."""
    event = event_of(before, after)
    return {
        "source": "aws.cloudwatch",
        "alarmArn": after.arn,
        "accountId": after.account,
        "time": time_of(after.document["StateUpdatedTimestamp"]),
        "region": after.region,
        "alarmData": event["detail"],
    }


def time_of(second: float) -> str:
    """A moment in CloudWatch's writing."""
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds")[:23] + "+0000"


@lru_cache(maxsize=64)
def region_name(region: str) -> str:
    """A region as messages call it, such as US East (N. Virginia)."""
    for partition in Loader().load_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region


def _state(document: Mapping[str, Any]) -> dict[str, Any]:
    data = {"reasonData": document["StateReasonData"]} if document.get("StateReasonData") else {}
    when = time_of(document["StateUpdatedTimestamp"])
    return {"value": document["StateValue"], "reason": document["StateReason"], **data, "timestamp": when}


def _configuration(document: Mapping[str, Any]) -> dict[str, Any]:
    description = {"description": document["AlarmDescription"]} if "AlarmDescription" in document else {}
    if "AlarmRule" in document:
        return {**description, "alarmRule": document["AlarmRule"]}
    if "Metrics" in document:
        return {**description, "metrics": [_query(query) for query in document["Metrics"]]}
    stat = {
        "Metric": {key: document[key] for key in ("Namespace", "MetricName", "Dimensions") if key in document},
        "Period": document["Period"],
        "Stat": document.get("Statistic") or document["ExtendedStatistic"],
        **({"Unit": document["Unit"]} if "Unit" in document else {}),
    }
    return {**description, "metrics": [_query({"Id": str(uuid.uuid4()), "MetricStat": stat, "ReturnData": True})]}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"id": query["Id"]}
    if "Expression" in query:
        found |= {"expression": query["Expression"], "label": query.get("Label", query["Id"])}
    else:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        found["metricStat"] = {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {item["Name"]: item["Value"] for item in metric.get("Dimensions", [])},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
            **({"unit": stat["Unit"]} if "Unit" in stat else {}),
        }
    return {**found, "returnData": query.get("ReturnData", True)}


def _trigger(document: Mapping[str, Any]) -> dict[str, Any]:
    rest = {
        "Period": document.get("Period"),
        "EvaluationPeriods": document["EvaluationPeriods"],
        "DatapointsToAlarm": document.get("DatapointsToAlarm"),
        "ComparisonOperator": document["ComparisonOperator"],
        "Threshold": document["Threshold"],
        "TreatMissingData": document.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": document.get("EvaluateLowSampleCountPercentile", ""),
    }
    if "Metrics" in document:
        return {**rest, "Metrics": [_message_query(query) for query in document["Metrics"]]}
    plain = document.get("Statistic")
    return {
        "MetricName": document["MetricName"],
        "Namespace": document["Namespace"],
        "StatisticType": "Statistic" if plain else "ExtendedStatistic",
        **({"Statistic": _shouted(plain)} if plain else {"ExtendedStatistic": document["ExtendedStatistic"]}),
        "Unit": document.get("Unit"),
        "Dimensions": _dimensions(document),
        **rest,
    }


def _message_query(query: Mapping[str, Any]) -> dict[str, Any]:
    if "MetricStat" not in query:
        return {**query, "ReturnData": query.get("ReturnData", True)}
    stat = query["MetricStat"]
    metric = {**stat["Metric"], "Dimensions": _dimensions(stat["Metric"])}
    return {**query, "MetricStat": {**stat, "Metric": metric}, "ReturnData": query.get("ReturnData", True)}


def _dimensions(document: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"value": item["Value"], "name": item["Name"]} for item in document.get("Dimensions", [])]


def _shouted(statistic: str) -> str:
    """SampleCount is SAMPLE_COUNT in a message."""
    return "SAMPLE_COUNT" if statistic == "SampleCount" else statistic.upper()


def _children(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = json.loads(document.get("StateReasonData") or "{}").get("triggeringAlarms", [])
    return [
        {"Arn": each["arn"], "State": {"Value": each["state"]["value"], "Timestamp": each["state"]["timestamp"]}}
        for each in told
    ]
