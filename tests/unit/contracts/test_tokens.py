"""Names of the declaration wire."""

from __future__ import annotations

import pytest

from fogbank.contracts.tokens import urn_parts


@pytest.mark.parametrize(
    ("urn", "parts"),
    [
        ("urn:pulumi:local::churn::aws:s3/bucket:Bucket::data", ("aws:s3/bucket:Bucket", "data")),
        ("urn:pulumi:local::churn::a:b:C$d:e:F$aws:iam/role:Role::a::b", ("aws:iam/role:Role", "a::b")),
        ("urn:pulumi:local::churn::pulumi:pulumi:Stack::churn-local", ("pulumi:pulumi:Stack", "churn-local")),
    ],
)
def test_a_urn_is_a_type_without_its_parents_and_a_name_that_may_hold_colons(urn: str, parts: tuple[str, str]) -> None:
    assert urn_parts(urn) == parts
