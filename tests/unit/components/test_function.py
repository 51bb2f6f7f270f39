"""Functions of components: names and variables that Lambda takes, and a policy of least privilege."""

from __future__ import annotations

import json

import pulumi
import pytest

from fogbank.components.function import MOST_VARIABLES, base_name, fitting, policy

GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/x"


def test_two_long_names_stay_two_and_leave_room_for_what_terraform_adds() -> None:
    names = {base_name(f"{'nightly-scores-of-every-customer-' * 2}{last}") for last in "ab"}

    assert len(names) == 2
    assert {len(name) for name in names} == {37}


def test_variables_that_lambda_would_refuse_are_refused_with_the_largest() -> None:
    own = {"NAME": "x", "TRAINING": "y" * 10}
    room = MOST_VARIABLES - len(json.dumps(own, separators=(",", ":")))

    assert fitting("again", {**own, "TRAINING": "y" * (10 + room)})
    with pytest.raises(pulumi.RunError, match=r"the function of again has 4097 bytes .* TRAINING is the largest"):
        fitting("again", {**own, "TRAINING": "y" * (11 + room)})


def test_it_may_write_its_own_log_and_work_with_one_key() -> None:
    said = json.loads(policy([], GROUP, "arn:aws:kms:us-east-1:123456789012:key/k"))

    assert [statement["Resource"] for statement in said["Statement"]] == [
        f"{GROUP}:*",
        "arn:aws:kms:us-east-1:123456789012:key/k",
    ]
    assert "*" not in {statement["Resource"] for statement in said["Statement"]}
