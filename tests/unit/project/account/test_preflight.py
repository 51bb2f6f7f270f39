"""The preflight: each finding with its code, its cause and its fix; what an account does not let us ask is told and stops nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from fogbank.contracts import tokens
from fogbank.contracts.errors import AwsError
from fogbank.project.account.preflight import Identity, Preflight, identity, names
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.findings import Finding, note, refuse
from tests.fakes.account import REGION, Account, RepositoryNotFoundException, error

WHO = Identity(account="210987654321", arn="arn:aws:sts::210987654321:assumed-role/deployer/me", region=REGION)
HOST = f"210987654321.dkr.ecr.{REGION}.amazonaws.com"
VARIANT = {"instanceType": "ml.m5.large", "initialInstanceCount": 2}
CONFIG = Declared(
    name="live-config",
    type=tokens.ENDPOINT_CONFIGURATION,
    inputs={"__autonamed": "name", "name": "churn-live-1a2b3c4", "productionVariants": [VARIANT]},
)
MONITOR = Declared(name="quality", type=tokens.MONITORING_SCHEDULE, inputs={"name": "churn-quality"})
QUOTA = {"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-1", "Value": 4.0}


def allowed(ActionNames: Sequence[str], **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
    """IAM's simulator, which allows everything."""
    return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": "allowed"} for name in ActionNames]}


def manifest(kind: str) -> dict[str, Any]:
    return {"images": [{"imageManifestMediaType": kind}]}


GOOD: Mapping[str, Any] = {
    "describe_repositories": {"repositories": [{}]},
    "batch_get_image": manifest("application/vnd.docker.distribution.manifest.v2+json"),
    "list_service_quotas": {"Quotas": [QUOTA]},
    "list_monitoring_schedules": {"MonitoringScheduleSummaries": [{}]},
    "simulate_principal_policy": allowed,
}


def found(
    answers: Mapping[str, Any] = GOOD,
    resources: Sequence[Declared] = (CONFIG, MONITOR),
    image: str = f"{HOST}/churn@sha256:{'0' * 64}",
    repository: str = "",
    platform: str = "linux/amd64",
    unpinned: str = "",
) -> list[Finding]:
    look = Preflight(
        clients=Account(answers),
        who=WHO,
        resources=resources,
        platform=platform,
        image=image,
        repository=repository,
        unpinned=unpinned,
    )
    return list(look.findings())


def test_of_what_is_right_nothing_is_found() -> None:
    assert found() == []
    assert found(unpinned="a tag") == [], "the stack names its image, and none is built"
    codes = {item.code for item in found(image="", repository="127.0.0.1:5000/churn", unpinned="a tag")}
    assert "base-unpinned" not in codes, "what stays on this machine may stand on what lies here"


@pytest.mark.parametrize(
    ("change", "arguments", "code", "said"),
    [
        ({}, {"image": ""}, "repository-unset", "fogbank:repository"),
        ({}, {"image": "", "repository": f"{HOST}/churn", "unpinned": "a tag"}, "base-unpinned", "fogbank base --pin"),
        ({}, {"image": "Not An Image"}, "reference-invalid", "host/name:tag"),
        ({}, {"image": "", "repository": f"{HOST.replace(REGION, 'us-east-1')}/churn"}, "repository-elsewhere", "name a repository in eu-west-1"),
        ({"describe_repositories": error("RepositoryNotFoundException", kind=RepositoryNotFoundException)}, {}, "repository-missing",
         "aws ecr create-repository --region eu-west-1 --repository-name churn"),
        ({"batch_get_image": {"images": []}}, {}, "image-missing", "push it"),
        ({"batch_get_image": manifest("application/vnd.oci.image.manifest.v1+json")}, {}, "manifest-oci", "oci-mediatypes=false"),
        ({"list_service_quotas": {"Quotas": [{**QUOTA, "Value": 0.0}]}}, {}, "quota-too-low", "--quota-code L-1 --desired-value 2"),
        ({}, {"image": "", "repository": f"{HOST}/churn", "platform": "linux/arm64"}, "instance-platform", "Graviton"),
        ({}, {"resources": [CONFIG, Declared(name="m", type=tokens.MODEL, inputs={"name": "a_b"})]}, "name-refused", "at most 63"),
        ({"simulate_principal_policy": lambda **_: {"EvaluationResults": [{"EvalActionName": "iam:PassRole", "EvalDecision": "implicitDeny"}]}},
         {}, "permission-missing", "fogbank iam deployer"),
    ],
)  # fmt: skip
def test_what_would_fail_is_found_with_its_fix(
    change: dict[str, Any], arguments: dict[str, Any], code: str, said: str
) -> None:
    [finding] = found({**GOOD, **change}, **arguments)

    assert (finding.code, finding.blocks) == (code, True)
    assert said in finding.fix


def test_what_may_not_be_asked_is_told_and_blocks_nothing() -> None:
    findings = found({})

    assert {item.code for item in findings} == {
        "image-unknown",
        "quotas-unknown",
        "model-monitor-unknown",
        "permissions-unknown",
    }
    assert not any(item.blocks for item in findings)
    refuse(findings, "prod")


def test_an_account_without_a_monitor_is_told_that_model_monitor_is_closed() -> None:
    [finding] = found({**GOOD, "list_monitoring_schedules": {"MonitoringScheduleSummaries": []}})

    assert (finding.code, finding.blocks) == ("model-monitor-closed", False)


def test_the_simulator_is_asked_for_the_role_and_for_names_as_they_will_be() -> None:
    account = Account(GOOD)
    list(
        Preflight(
            clients=account, who=WHO, resources=[CONFIG], platform="linux/amd64", image=f"{HOST}/churn:1"
        ).findings()
    )
    asked = [params for operation, params in account.calls if operation == "simulate_principal_policy"]

    assert {each["PolicySourceArn"] for each in asked} == {"arn:aws:iam::210987654321:role/deployer"}
    assert [f"arn:aws:sagemaker:{REGION}:210987654321:endpoint-config/churn-live-x"] in [
        each["ResourceArns"] for each in asked
    ]


def test_whoever_may_grant_a_key_to_sagemaker_alone_is_let_go_on() -> None:
    """The simulator takes a condition of which it is told nothing for one that is not met."""
    key = f"arn:aws:kms:{REGION}:210987654321:key/k"
    encrypted = Declared(name="c", type=tokens.ENDPOINT_CONFIGURATION, inputs={**CONFIG.inputs, "kmsKeyArn": key})
    for_sagemaker = {
        "ContextKeyName": "kms:GrantIsForAWSResource",
        "ContextKeyValues": ["true"],
        "ContextKeyType": "boolean",
    }

    def simulated(ActionNames: Sequence[str], ContextEntries: Sequence[Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        met = "kms:CreateGrant" not in ActionNames or for_sagemaker in ContextEntries
        decision = "allowed" if met else "implicitDeny"
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": decision} for name in ActionNames]}

    assert found({**GOOD, "simulate_principal_policy": simulated}, [encrypted]) == []


def test_the_simulators_further_pages_are_read() -> None:
    def simulated(ActionNames: Sequence[str], Marker: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        if not Marker:
            return {**allowed(ActionNames), "IsTruncated": True, "Marker": "2"}
        return {"EvaluationResults": [{"EvalActionName": "iam:PassRole", "EvalDecision": "implicitDeny"}]}

    [finding] = found({**GOOD, "simulate_principal_policy": simulated})
    assert (finding.code, "iam:PassRole" in finding.cause) == ("permission-missing", True)


def test_what_blocks_is_one_error_with_all_of_it() -> None:
    blocking = [Finding(code=code, cause="it is so", fix="mend it") for code in ("quota-too-low", "name-refused")]
    with pytest.raises(AwsError) as caught:
        refuse([*blocking, note("a", "b", "c")], "prod")

    assert caught.value.code == "preflight-failed"
    assert "quota-too-low: it is so" in caught.value.cause
    assert "name-refused" in caught.value.cause
    assert "fogbank doctor -s prod" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error("ExpiredTokenException"), "credentials-expired"),
        (error("InvalidClientTokenId"), "credentials-expired"),
        (error("AccessDenied"), "account-unreachable"),
        (NoCredentialsError(), "account-unreachable"),
    ],
)
def test_who_cannot_be_known_is_an_error_with_a_next_step(answer: Exception, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        identity(Account({"get_caller_identity": answer}))

    assert caught.value.code == code
    assert caught.value.hint


def test_who_asks_is_known() -> None:
    answer = {"Account": "210987654321", "Arn": "arn:aws-cn:iam::210987654321:user/me"}
    who = identity(Account({"get_caller_identity": answer}, region="cn-north-1"))

    assert who.where == {"partition": "aws-cn", "account": "210987654321", "region": "cn-north-1"}


def test_a_long_name_is_found() -> None:
    [finding] = names([Declared(name="e", type=tokens.ENDPOINT, inputs={"name": "e" * 64})])

    assert finding.code == "name-refused"
