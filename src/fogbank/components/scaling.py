"""Scaling: how many instances a variant has, by how many requests each of them gets (Application Auto Scaling, target tracking).

In: a value that refuses what AWS would; out: arguments of pulumi-aws's appautoscaling Target and Policy. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fogbank.components.refusals import refuse

NAMESPACE, DIMENSION = "sagemaker", "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """From `least` to `most` instances, so that each gets about `per_instance` requests a minute. Another change waits `cooldown_s`."""

    least: int
    most: int
    per_instance: float
    cooldown_s: int = 300

    def __post_init__(self) -> None:
        """Refuse what AWS would, all of it at once."""
        problems = []
        if not 1 <= self.least <= self.most:
            problems.append(f"least must be 1 to most ({self.most}), not {self.least}")
        if not 0 < self.per_instance < float("inf"):
            problems.append(f"per_instance must be more than 0 requests a minute, not {self.per_instance}")
        if self.cooldown_s < 0:
            problems.append(f"cooldown_s must be 0 seconds or more, not {self.cooldown_s}")
        refuse(problems)

    def target_args(self) -> dict[str, Any]:
        """A Target's arguments, but for the resource that is scaled."""
        return {
            "min_capacity": self.least, "max_capacity": self.most, "service_namespace": NAMESPACE, "scalable_dimension": DIMENSION
        }  # fmt: skip

    def policy_args(self) -> dict[str, Any]:
        """A Policy's arguments, but for the resource that is scaled."""
        return {
            "policy_type": "TargetTrackingScaling",
            "service_namespace": NAMESPACE,
            "scalable_dimension": DIMENSION,
            "target_tracking_scaling_policy_configuration": {
                "target_value": float(self.per_instance),
                "predefined_metric_specification": {"predefined_metric_type": METRIC},
                "scale_in_cooldown": self.cooldown_s,
                "scale_out_cooldown": self.cooldown_s,
            },
        }


def resource_id(endpoint: str, variant: str) -> str:
    """What Application Auto Scaling calls a variant.

    >>> resource_id("churn-live", "AllTraffic")
    'endpoint/churn-live/variant/AllTraffic'
    """
    return f"endpoint/{endpoint}/variant/{variant}"
