"""Which targets, policies and schedules Application Auto Scaling takes of what SageMaker scales, pure, and what the local cloud lacks.

In: parameters that fit botocore's shapes; out: nothing, or a ValidationException. Source: Application Auto Scaling API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.cloud.api.errors import validation
from fogbank.cloud.scaling.adjustment import steps_problem
from fogbank.cloud.scaling.dimensions import DIMENSIONS
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.expressions import check as check_expression

Params = Mapping[str, Any]


def check_dimension(params: Params) -> None:
    """Raises ApiError for a dimension that is not scaled here."""
    dimension = params.get("ScalableDimension")
    if dimension not in {None, *DIMENSIONS}:
        raise validation(f"Unsupported service namespace, resource type or scalable dimension: {dimension}")


def check_limits(document: Params, least_ever: int) -> None:
    """Raises ApiError for a target's limits that are none; there are `least_ever` or more."""
    least, most = document.get("MinCapacity"), document.get("MaxCapacity")
    if least is None or most is None:
        raise validation("MinCapacity and MaxCapacity must be specified when registering a new scalable target.")
    if least > most:
        raise validation("Maximum capacity cannot be less than minimum capacity.")
    _check_least(least, least_ever)


def check_policy(params: Params) -> None:
    """Raises ApiError for a policy that is none, or that the local cloud does not have."""
    kind = params.get("PolicyType", "StepScaling")
    steps = params.get("StepScalingPolicyConfiguration")
    tracking = params.get("TargetTrackingScalingPolicyConfiguration")
    if kind == "PredictiveScaling" or "PredictiveScalingPolicyConfiguration" in params:
        raise validation("The local cloud does not have PredictiveScaling yet; it is refused, not ignored.")
    if kind == "StepScaling":
        if steps is None or tracking is not None:
            raise validation("A policy of type StepScaling has a StepScalingPolicyConfiguration, and no other.")
        _check_steps(steps)
    elif tracking is None or steps is not None:
        raise validation(
            "A policy of type TargetTrackingScaling has a TargetTrackingScalingPolicyConfiguration, and no other."
        )
    else:
        _check_tracking(tracking, DIMENSIONS[params["ScalableDimension"]].predefined)


def check_scheduled(action: Params, least_ever: int) -> None:
    """Raises ApiError for a scheduled action that is none; there are `least_ever` or more."""
    limits = action.get("ScalableTargetAction") or {}
    if not limits:
        raise validation("ScalableTargetAction must have MinCapacity, MaxCapacity or both.")
    _check_least(min(limits.values()), least_ever)
    if limits.get("MinCapacity", 1) > limits.get("MaxCapacity", limits.get("MinCapacity", 1)):
        raise validation("Maximum capacity cannot be less than minimum capacity.")
    try:
        check_expression(action["Schedule"], action.get("Timezone", "UTC"))
    except KeyError as error:
        raise validation("Schedule must be specified when a scheduled action is created.") from error
    except ScheduleExpressionError as error:
        raise validation(f"Invalid schedule expression: {error}") from error


def _check_least(capacity: int, least_ever: int) -> None:
    if capacity < least_ever:
        raise validation(f"There is always {least_ever} at least: MinCapacity cannot be less than {least_ever}.")


def _check_steps(steps: Params) -> None:
    if "AdjustmentType" not in steps:
        raise validation("AdjustmentType must be specified for a StepScalingPolicyConfiguration.")
    if problem := steps_problem(steps.get("StepAdjustments", [])):
        raise validation(problem)
    if "MinAdjustmentMagnitude" in steps and steps["AdjustmentType"] != "PercentChangeInCapacity":
        raise validation("MinAdjustmentMagnitude is only for an AdjustmentType of PercentChangeInCapacity.")


def _check_tracking(tracking: Params, predefined: str) -> None:
    given = [key for key in ("PredefinedMetricSpecification", "CustomizedMetricSpecification") if key in tracking]
    if len(given) != 1:
        raise validation(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified."
        )
    if tracking["TargetValue"] <= 0:
        raise validation("TargetValue must be greater than 0.")
    metric = tracking[given[0]]
    if "PredefinedMetricType" in metric and metric["PredefinedMetricType"] != predefined:
        kind = metric["PredefinedMetricType"]
        raise validation(
            f"The local cloud does not have the predefined metric {kind} of this dimension yet; it is refused, not ignored. It has "
            f"{predefined}."
        )
    if "ResourceLabel" in metric:
        raise validation(f"ResourceLabel is not for {predefined}.")
    custom = given[0].startswith("Customized") and not metric.get("Metrics")
    if custom and (lacking := [key for key in ("MetricName", "Namespace", "Statistic") if key not in metric]):
        raise validation(f"CustomizedMetricSpecification lacks {', '.join(lacking)}.")
