"""The alarms of a target tracking policy, pure: Application Auto Scaling makes them, and they carry the policy out.

In: a policy; out: parameters of PutMetricAlarm: one that goes off three minutes above the target, one fifteen minutes below nine tenths of
it. Source: Application Auto Scaling User Guide, "How target tracking scaling works", and what DescribeAlarms shows of such alarms.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fogbank.cloud.scaling.dimensions import DIMENSIONS, MINUTE

HIGH_PERIODS, LOW_PERIODS = 3, 15
LOW_SHARE = 0.9


def alarms_of(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alarms; a policy that does not scale in has only the first."""
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    high = _alarm(policy, "High", "GreaterThanThreshold", tracking["TargetValue"], HIGH_PERIODS)
    if tracking.get("DisableScaleIn"):
        return [high]
    return [high, _alarm(policy, "Low", "LessThanThreshold", tracking["TargetValue"] * LOW_SHARE, LOW_PERIODS)]


def _alarm(policy: Mapping[str, Any], which: str, operator: str, threshold: float, periods: int) -> dict[str, Any]:
    unique = uuid.uuid5(uuid.NAMESPACE_URL, f"{policy['PolicyARN']}/{which}")
    return {
        "AlarmName": f"TargetTracking-{policy['ResourceId']}-Alarm{which}-{unique}",
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}.",
        "AlarmActions": [policy["PolicyARN"]],
        "ComparisonOperator": operator,
        "Threshold": threshold,
        "EvaluationPeriods": periods,
        **_metric(policy),
    }


def _metric(policy: Mapping[str, Any]) -> dict[str, Any]:
    """What the alarms watch."""
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    custom = tracking.get("CustomizedMetricSpecification")
    if custom is None:
        return DIMENSIONS[policy["ScalableDimension"]].watched(policy["ResourceId"])
    if custom.get("Metrics"):
        return {"Metrics": [_query(query) for query in custom["Metrics"]]}
    return {"Period": MINUTE, **custom}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    if "MetricStat" not in query:
        return dict(query)
    return {**query, "MetricStat": {"Period": MINUTE, **query["MetricStat"]}}
