"""When an endpoint is there: Scheduler's own expressions, or the reason why not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.time.expressions import check
from fogbank.components import OfficeHours
from fogbank.components.hours import last_moment, policy
from fogbank.components.retraining import may


def test_its_expressions_are_schedulers() -> None:
    hours = OfficeHours(start="07:05", end="23:59", days="MON,WED-FRI", zone="Europe/Berlin")

    assert (hours.opens, hours.closes) == ("cron(5 7 ? * MON,WED-FRI *)", "cron(59 23 ? * MON,WED-FRI *)")
    for expression in (hours.opens, hours.closes, OfficeHours(days="*").opens, last_moment("2026-12-31T18:00:30")):
        check(expression, hours.zone)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: OfficeHours(start="8:00"), "start must be HH:MM, not '8:00'"),
        (lambda: OfficeHours(start="18:00", end="08:00"), "end must be after start"),
        (lambda: OfficeHours(start="x", end="25:00", days="Mondays"), "3 problems"),
        (lambda: last_moment("tomorrow"), "until must be a moment in UTC"),
        (lambda: last_moment("2026-12-31T18:00+01:00"), "until must be a moment in UTC"),
    ],
)
def test_what_scheduler_would_refuse_is_refused(build: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build()


def test_the_schedules_may_delete_and_make_one_endpoint() -> None:
    deleting, making = json.loads(policy("aws-cn", "1", "churn-live"))["Statement"]

    assert deleting["Resource"] == "arn:aws-cn:sagemaker:*:1:endpoint/churn-live"
    assert making["Resource"][1] == "arn:aws-cn:sagemaker:*:1:endpoint-config/churn-live*"
    assert {deleting["Action"], *making["Action"]} == {
        "sagemaker:DeleteEndpoint",
        "sagemaker:CreateEndpoint",
        "sagemaker:AddTags",
    }


def test_a_long_names_configurations_begin_with_less_of_it() -> None:
    name = f"{'x' * 54}-{'y' * 8}"
    making = json.loads(policy("aws", "1", name))["Statement"][1]

    assert making["Resource"] == [
        f"arn:aws:sagemaker:*:1:endpoint/{name}",
        f"arn:aws:sagemaker:*:1:endpoint-config/{'x' * 54}*",
    ]


@pytest.mark.parametrize(
    ("key", "resource", "more"),
    [
        ("arn:aws:kms:eu-west-1:1:key/k", "arn:aws:kms:eu-west-1:1:key/k", {}),
        ("1234", "arn:aws:kms:*:1:key/1234", {}),
        (
            "alias/disks",
            "arn:aws:kms:*:1:key/*",
            {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/disks"}},
        ),
    ],
)
def test_who_makes_an_endpoint_lets_sagemaker_use_the_key_of_its_disks(key: str, resource: str, more: Any) -> None:
    retrained = may("aws", "1", "live", "r", "b", key, group="g")
    for statements in (json.loads(policy("aws", "1", "live", key))["Statement"], retrained):
        looking, granting = statements[-2:]
        assert (looking["Action"], granting["Action"]) == (["kms:DescribeKey"], ["kms:CreateGrant"])
        assert looking["Resource"] == granting["Resource"] == resource
        assert looking.get("Condition", {}) == more
        assert granting["Condition"] == {**more, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert "kms:" not in policy("aws", "1", "live")
