"""Scaling: how many instances a variant has, by how many requests each of them gets (Application Auto Scaling, target tracking), or by how
many wait for each of an asynchronous endpoint's, which may have none at all.

In: a value that refuses what AWS would; out: arguments of pulumi-aws's appautoscaling Target and Policy, and of the alarm that ends a rest.
Pure. Source: the Developer Guide, "Autoscale an asynchronous endpoint".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fogbank.components.refusals import refuse

NAMESPACE, DIMENSION = "sagemaker", "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
WAITING, AWAKENED_BY = "ApproximateBacklogSizePerInstance", "HasBacklogWithoutCapacity"


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """From `least` to `most` instances, so that each gets about `per_instance` requests a minute; of an asynchronous endpoint, so that about as
    many wait for each, from 0 instances up. Another change waits `cooldown_s`."""

    least: int
    most: int
    per_instance: float
    cooldown_s: int = 300

    def __post_init__(self) -> None:
        """Refuse what AWS would, all of it at once."""
        problems = []
        if not 0 <= self.least <= self.most or not self.most:
            problems.append(f"least must be 0 to most ({self.most}), not {self.least}")
        if not 0 < self.per_instance < float("inf"):
            problems.append(f"per_instance must be more than 0 requests, not {self.per_instance}")
        if self.cooldown_s < 0:
            problems.append(f"cooldown_s must be 0 seconds or more, not {self.cooldown_s}")
        refuse(problems)

    def target_args(self) -> dict[str, Any]:
        """A Target's arguments, but for the resource that is scaled."""
        return {
            "min_capacity": self.least, "max_capacity": self.most, "service_namespace": NAMESPACE, "scalable_dimension": DIMENSION
        }  # fmt: skip

    def policy_args(self, waiting_at: str = "") -> dict[str, Any]:
        """A Policy's arguments, but for the resource that is scaled: of an asynchronous endpoint's, whose requests are `waiting_at` it, by
        those."""
        requests = {"predefined_metric_specification": {"predefined_metric_type": METRIC}}
        return {
            "policy_type": "TargetTrackingScaling",
            "service_namespace": NAMESPACE,
            "scalable_dimension": DIMENSION,
            "target_tracking_scaling_policy_configuration": {
                "target_value": float(self.per_instance),
                **(_waiting(waiting_at) if waiting_at else requests),
                "scale_in_cooldown": self.cooldown_s,
                "scale_out_cooldown": self.cooldown_s,
            },
        }

    def waking_args(self) -> dict[str, Any]:
        """Those of the Policy that brings the first instance."""
        return {
            "policy_type": "StepScaling",
            "service_namespace": NAMESPACE,
            "scalable_dimension": DIMENSION,
            "step_scaling_policy_configuration": {
                "adjustment_type": "ChangeInCapacity",
                "metric_aggregation_type": "Average",
                "cooldown": self.cooldown_s,
                "step_adjustments": [{"metric_interval_lower_bound": "0", "scaling_adjustment": 1}],
            },
        }


def _waiting(endpoint: str) -> dict[str, Any]:
    metric = {
        "metric_name": WAITING,
        "namespace": "AWS/SageMaker",
        "dimensions": [{"name": "EndpointName", "value": endpoint}],
        "statistic": "Average",
    }
    return {"customized_metric_specification": metric}


def waking_alarm(endpoint: str) -> dict[str, Any]:
    """MetricAlarm's arguments: requests wait, and there is no instance."""
    return {
        "metric_name": AWAKENED_BY, "namespace": "AWS/SageMaker", "dimensions": {"EndpointName": endpoint}, "statistic": "Average",
        "period": 60, "evaluation_periods": 2, "datapoints_to_alarm": 2, "threshold": 1.0,
        "comparison_operator": "GreaterThanOrEqualToThreshold", "treat_missing_data": "missing",
    }  # fmt: skip


def resource_id(endpoint: str, variant: str) -> str:
    """What Application Auto Scaling calls a variant.

    >>> resource_id("churn-live", "AllTraffic")
    'endpoint/churn-live/variant/AllTraffic'
    """
    return f"endpoint/{endpoint}/variant/{variant}"
