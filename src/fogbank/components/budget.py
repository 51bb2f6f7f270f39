"""Budget: what a month may cost, and who is told before and after. `fogbank:budget` stops an `up` by what is declared; this one is AWS's own, by
what was spent.

In: values; out: a declared budget of AWS Budgets. Source: AWS Cost Management User Guide, "Creating a cost budget" and "Quotas".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.refusals import refuse
from fogbank.contracts.tokens import BUDGET

MOST_NOTIFICATIONS, MOST_EMAILS, MOST_PERCENT = 5, 10, 1_000_000


class Budget(pulumi.ComponentResource):
    """A budget of `usd` a month, called `budget_name` (by default the component's name).

    `emails` and the `topic` (its ARN; its own policy must let budgets.amazonaws.com publish) are told when more than `spent` percent of it are
    spent, and when more than `forecast` percent are to be expected. `tags` narrow it to what has them, by cost allocation tags that are
    activated in the account; without any it is the account's.

    Outputs: `budget_name`.
    """

    def __init__(
        self,
        name: str,
        *,
        usd: float,
        spent: Sequence[float] = (80, 100),
        forecast: Sequence[float] = (100,),
        emails: Sequence[str] = (),
        topic: pulumi.Input[str] | None = None,
        tags: Mapping[str, str] | None = None,
        budget_name: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        public_name = budget_name or name
        refuse(list(_refused(public_name, usd, spent, forecast, emails, topic)), f"the budget {name} has")
        super().__init__(BUDGET, name, None, opts)
        told: dict[str, Any] = {
            **({"subscriber_email_addresses": [*emails]} if emails else {}),
            **({"subscriber_sns_topic_arns": [topic]} if topic is not None else {}),
        }
        told_of: Any = [{**each, **told} for each in notifications(spent, forecast)]
        declared = aws.budgets.Budget(
            f"{name}-budget",
            name=public_name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=amount(usd),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": tagged(tags)}] if tags else None,
            notifications=told_of,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.budget_name = declared.name
        self.register_outputs({"budget_name": self.budget_name})


def notifications(spent: Sequence[float], forecast: Sequence[float]) -> list[dict[str, Any]]:
    """Arguments of notifications, without who is told."""
    return [
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": kind,
            "threshold": float(percent),
            "threshold_type": "PERCENTAGE",
        }
        for kind, percents in (("ACTUAL", spent), ("FORECASTED", forecast))
        for percent in percents
    ]


def amount(usd: float) -> str:
    """USD as AWS Budgets takes them: digits, no exponent (botocore's pattern of NumericValue), to the cent.

    >>> amount(1_000_000), amount(1250.755), amount(0.5)
    ('1000000', '1250.76', '0.5')
    """
    return f"{usd:.2f}".rstrip("0").rstrip(".")


def tagged(tags: Mapping[str, str]) -> list[str]:
    """Tags as AWS Budgets has them.

    >>> tagged({"project": "churn"})
    ['user:project$churn']
    """
    return [f"user:{key}${value}" for key, value in sorted(tags.items())]


def _refused(
    name: str, usd: float, spent: Sequence[float], forecast: Sequence[float], emails: Sequence[str], topic: object
) -> Iterator[str]:  # fmt: skip
    if not 1 <= len(name) <= 100 or {":", "\\"} & {*name}:
        yield f"budget_name must be 1 to 100 characters without : and \\, not {name!r}"
    if not 0.01 <= usd < float("inf"):
        yield f"usd must be a cent or more, not {usd}"
    percents = [*spent, *forecast]
    if not 1 <= len(percents) <= MOST_NOTIFICATIONS:
        yield f"spent and forecast are 1 to {MOST_NOTIFICATIONS} together, not {len(percents)}"
    for percent in percents:
        if not 0 < percent <= MOST_PERCENT:
            yield f"spent and forecast must be percents above 0, not {percent}"
    for kind, given in (("spent", spent), ("forecast", forecast)):
        if len({*given}) < len(given):
            yield f"{kind} says a percentage twice"
    if not emails and topic is None:
        yield "nobody is told: give emails, or a topic"
    if len(emails) > MOST_EMAILS:
        yield f"at most {MOST_EMAILS} emails, not {len(emails)}"
