"""A life under proposed policies is green where nothing was refused in it, whoever swallowed the refusal."""

from __future__ import annotations

import pytest

from fogbank.cloud.enforcement.ledger import Call
from fogbank.contracts.errors import DataError
from fogbank.project.iam_proof import Life, require_green

READ = Call(principal="churn-role-1a2b3c4", action="s3:GetObject", resource="arn:aws:s3:::b/k")
DENIED = Call(principal="churn-role-1a2b3c4", action="s3:PutObject", resource="arn:aws:s3:::b/k", denied=True)
DONE = {"at": "", "name": "nightly", "result": "transform job n-1: Completed"}
REFUSED = {
    "at": "",
    "name": "nightly",
    "result": "AccessDenied: not authorized to perform: sagemaker:CreateTransformJob",
}


def life(*calls: Call, due: dict[str, str] = DONE) -> Life:
    return Life(calls={"churn-role-*": calls}, declared={}, due=[due])


def test_a_refused_call_is_told_with_its_principal_and_its_resource() -> None:
    require_green(life(READ))
    for found, said in (
        (life(READ, DENIED), r"churn-role-\*: s3:PutObject on arn:aws:s3:::b/k"),
        (life(READ, due=REFUSED), "nightly: AccessDenied"),
    ):
        with pytest.raises(DataError, match=said) as error:
            require_green(found)
        assert error.value.code == "iam-unproven"
