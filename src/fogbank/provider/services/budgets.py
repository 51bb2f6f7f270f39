"""AWS Budgets: a budget of costs, and who is told. The local cloud keeps it, and spends nothing: nobody is ever told.

What is updated in place: Terraform's aws_budgets_budget (all but name and account_id). moto has no UpdateBudget: a changed budget is made anew
under its name. Whom a notification tells is not told by moto: that is as the program says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state

BUDGET = "aws:budgets/budget:Budget"
NOTIFIED = {
    "comparisonOperator": "ComparisonOperator",
    "notificationType": "NotificationType",
    "thresholdType": "ThresholdType",
}
SUBSCRIBED = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}
NOT_HERE = "the local cloud spends nothing"
KEYS = frozenset({"name", "budgetType", "timeUnit", "limitAmount", "limitUnit", "costFilters", "notifications"})


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateBudget with its notifications; the id is the account and the name."""
    account = _account(session)
    given = {
        "BudgetName": inputs["name"], "BudgetType": inputs["budgetType"], "TimeUnit": inputs["timeUnit"],
        "BudgetLimit": {"Amount": str(inputs["limitAmount"]), "Unit": inputs["limitUnit"]},
        "CostFilters": {item["name"]: list(item["values"]) for item in inputs.get("costFilters") or []},
    }  # fmt: skip
    told = [_notification(item) for item in inputs.get("notifications") or []]
    require(
        session.client("budgets"), "CreateBudget", AccountId=account, Budget=given, NotificationsWithSubscribers=told
    )
    return f"{account}:{inputs['name']}", _state(row, session, account, inputs)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeBudget and DescribeNotificationsForBudget."""
    account, _, name = id_.partition(":")
    if not name:
        raise ProvisionError(f"{id_} names no budget; import it as account:name")
    client = session.client("budgets")
    try:
        found = call(client, "DescribeBudget", AccountId=account, BudgetName=name)["Budget"]
    except GoneError:
        return None
    notified = require(client, "DescribeNotificationsForBudget", AccountId=account, BudgetName=name)["Notifications"]
    filters = [{"name": key, "values": values} for key, values in sorted(found.get("CostFilters", {}).items())]
    live = {
        "name": name,
        "budgetType": found["BudgetType"],
        "timeUnit": found["TimeUnit"],
        "limitAmount": found["BudgetLimit"]["Amount"],
        "limitUnit": found["BudgetLimit"]["Unit"],
        "costFilters": filters or None,
        "notifications": _live(notified, inputs) or None,
    }
    fresh = row.found(session, inputs, live)
    return fresh, _state(row, session, account, fresh)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """The old one goes, and the new one has its name."""
    delete(row, session, id_, old)
    return create(row, session, new)[1]


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteBudget."""
    del row, state
    account, _, name = id_.partition(":")
    ensure_gone(session.client("budgets"), "DeleteBudget", AccountId=account, BudgetName=name)


def _notification(item: Properties) -> dict[str, Any]:
    subscribers = [
        {"SubscriptionType": kind, "Address": address}
        for key, kind in SUBSCRIBED.items()
        for address in item.get(key) or []
    ]
    said = {member: item[key] for key, member in NOTIFIED.items()}
    return {"Notification": {**said, "Threshold": float(item["threshold"])}, "Subscribers": subscribers}


def _live(found: list[Mapping[str, Any]], inputs: Properties) -> list[Properties]:
    """Notifications in the order of the program, those that it does not have behind them."""
    live = [
        {**{key: item[member] for key, member in NOTIFIED.items()}, "threshold": item["Threshold"]} for item in found
    ]
    own = [item for item in inputs.get("notifications") or [] if any(_same(item, each) for each in live)]
    return [*own, *(each for each in live if not any(_same(item, each) for item in own))]


def _same(one: Properties, other: Properties) -> bool:
    return all(one.get(key) == other[key] for key in NOTIFIED) and float(one["threshold"]) == float(other["threshold"])


def _account(session: Session) -> str:
    return str(require(session.client("sts"), "GetCallerIdentity")["Account"])


def _state(row: Row, session: Session, account: str, inputs: Properties) -> Properties:
    arn = f"arn:aws:budgets::{account}:budget/{inputs['name']}"
    return {**inputs, "accountId": account, "arn": arn, **common_state(session, row, inputs)}


ROWS = (
    Row(
        token=BUDGET,
        service="budgets",
        auto_name=AutoName(longest=100),
        only=KEYS,
        in_place=KEYS - {"name"},
        sets=frozenset({"costFilters", "costFilters[].values", "notifications"}),
        lacks=dict.fromkeys(
            (
                "autoAdjustData",
                "billingViewArn",
                "costTypes",
                "filterExpression",
                "metrics",
                "plannedLimits",
                "timePeriodEnd",
                "timePeriodStart",
            ),
            NOT_HERE,
        ),
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
