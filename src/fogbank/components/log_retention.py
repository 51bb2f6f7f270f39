"""LogRetention: for how many days the lines of an endpoint or of jobs are kept, a type of fogbank's own provider.

SageMaker makes the groups itself, and keeps them for ever. Source: the CloudWatch Logs API reference, PutRetentionPolicy (days).
"""

from __future__ import annotations

import pulumi

from fogbank.components.rollout import where
from fogbank.contracts.tokens import LOG_RETENTION

ENDPOINTS, TRANSFORM_JOBS, PROCESSING_JOBS = (
    f"/aws/sagemaker/{kind}" for kind in ("Endpoints", "TransformJobs", "ProcessingJobs")
)
DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""What CloudWatch Logs takes."""


class LogRetention(pulumi.CustomResource):
    """Keeps the lines of a `group` for `days`, such as those of all transform jobs of the account (`TRANSFORM_JOBS`), which other stacks share: of
    two that say another number the last one counts. When it goes they are kept for ever again, but a group that is `owned` goes with it. Needs
    `logs:CreateLogGroup`, `DescribeLogGroups`, `PutRetentionPolicy`, `DeleteRetentionPolicy` and, of one's own, `DeleteLogGroup`."""

    def __init__(
        self,
        name: str,
        *,
        group: pulumi.Input[str],
        days: int,
        owned: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        check_days("days", days)
        own = {"owned": "true"} if owned else {}
        super().__init__(LOG_RETENTION, name, {"group": group, "days": str(days), **own, **where("logs")}, opts)


def check_days(argument: str, days: int) -> None:
    """Raises ValueError for days that CloudWatch Logs does not take."""
    if days not in DAYS:
        raise ValueError(f"{argument} must be one of {', '.join(map(str, DAYS))}, not {days}")
