"""What a role lists itself it has, and nothing else of that kind; versions of a policy do not pile up."""

from __future__ import annotations

import json

import pytest

from fogbank.contracts import tokens
from fogbank.ground.aws import LocalClients
from fogbank.provider.resource import ProvisionError
from fogbank.provider.services import iam_policies
from fogbank.provider.standin import StandIn
from fogbank.testing import CloudProcess
from tests.lives import POLICY, TRUST, WIDER, WIDER_OTHERWISE

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture
def standin(shared_cloud: CloudProcess) -> StandIn:
    return StandIn(clients=LocalClients(shared_cloud.url))


def test_a_role_has_the_policies_that_it_lists_and_no_others(standin: StandIn, unique: str) -> None:
    iam = standin.clients("iam", "us-east-1")
    role = {
        "name": unique, "assumeRolePolicy": TRUST, "managedPolicyArns": [READ_ONLY, LOGS],
        "inlinePolicies": [{"name": "a", "policy": POLICY}, {"name": "b", "policy": WIDER}],
    }  # fmt: skip
    assert standin.check(tokens.ROLE, role, {}, "l", b"seed")[1] == []
    _, state = standin.create(tokens.ROLE, role)
    read = standin.read(tokens.ROLE, unique, role)
    assert read is not None
    assert standin.diff(tokens.ROLE, role, read[0]).changed == ()
    otherwise = {
        "managedPolicyArns": [LOGS, READ_ONLY],
        "inlinePolicies": [{"name": "b", "policy": WIDER_OTHERWISE}, {"name": "a", "policy": POLICY}],
    }
    assert standin.diff(tokens.ROLE, role, {**role, **otherwise}).changed == ()

    iam.put_role_policy(RoleName=unique, PolicyName="by-hand", PolicyDocument=POLICY)
    iam.detach_role_policy(RoleName=unique, PolicyArn=LOGS)
    drifted = standin.read(tokens.ROLE, unique, role)
    assert drifted is not None
    assert standin.diff(tokens.ROLE, drifted[0], role).changed == ("inlinePolicies", "managedPolicyArns")

    less = {**role, "managedPolicyArns": [LOGS], "inlinePolicies": []}
    assert standin.diff(tokens.ROLE, drifted[0], less).replaces == ()
    standin.update(tokens.ROLE, unique, drifted[0], less)
    assert iam.list_role_policies(RoleName=unique)["PolicyNames"] == []
    assert [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=unique)["AttachedPolicies"]] == [
        LOGS
    ]

    standin.delete(tokens.ROLE, unique, {**state, **less})
    assert standin.read(tokens.ROLE, unique, less) is None


def test_a_role_that_lists_what_is_not_there_is_not_made(standin: StandIn, unique: str) -> None:
    nowhere = "arn:aws:iam::123456789012:policy/nowhere"
    role = {"name": unique, "assumeRolePolicy": TRUST, "managedPolicyArns": [nowhere]}

    with pytest.raises(ProvisionError, match=r"NoSuchEntity.*nowhere"):
        standin.create(tokens.ROLE, role)

    assert standin.read(tokens.ROLE, unique, role) is None


def test_an_inline_policy_without_a_text_is_refused_by_name(standin: StandIn) -> None:
    role = {"assumeRolePolicy": TRUST, "inlinePolicies": [{"name": "a"}, {"name": "b", "policy": "{"}]}
    failures = standin.check(tokens.ROLE, role, {}, "l", b"seed")[1]

    assert [item.property for item in failures] == ["inlinePolicies[0].policy", "inlinePolicies[1].policy"]


def test_a_policy_that_changes_often_keeps_five_versions(standin: StandIn, unique: str) -> None:
    arn, _ = standin.create(iam_policies.POLICY, {"name": unique, "policy": POLICY})
    before = {"name": unique, "policy": POLICY}
    for number in range(7):
        after = {**before, "policy": POLICY.replace("s3:GetObject", f"s3:Get{number}")}
        standin.update(iam_policies.POLICY, arn, before, after)
        before = after

    iam = standin.clients("iam", "us-east-1")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert len(versions) == 5
    default = iam.get_policy_version(
        PolicyArn=arn, VersionId=iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    )
    assert default["PolicyVersion"]["Document"] == json.loads(before["policy"])
    standin.delete(iam_policies.POLICY, arn, {})
    assert standin.read(iam_policies.POLICY, arn, before) is None
