"""ECR: a repository, which images it keeps and who may use it.

What is updated in place: Terraform's aws_ecr_repository (mutability of tags, scanning, tags), aws_ecr_repository_policy (the policy) and
aws_ecr_lifecycle_policy (nothing: the old one is deleted first, since a repository has one).
"""

from __future__ import annotations

import json
from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Properties, ProvisionError
from fogbank.provider.row import Row, Session, Tagging, common_state, pairs, with_tags
from fogbank.provider.services.iam_policies import policy_failures, same_policy

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
PLAIN = "AES256"


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateRepository; the id is the name."""
    encryption = (inputs.get("encryptionConfigurations") or [None])[0]
    optional = {
        "imageTagMutability": inputs.get("imageTagMutability"),
        "imageScanningConfiguration": inputs.get("imageScanningConfiguration"),
        "encryptionConfiguration": encryption and {"encryptionType": PLAIN, **encryption},
        "tags": pairs(session.settings.tags(inputs.get("tags"))),
    }
    given = {key: value for key, value in optional.items() if value}
    made = require(session.client("ecr"), "CreateRepository", repositoryName=inputs["name"], **given)
    return inputs["name"], _state(row, session, inputs, made["repository"])


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeRepositories, and the tags."""
    ecr = session.client("ecr")
    try:
        described = call(ecr, "DescribeRepositories", repositoryNames=[id_])["repositories"][0]
        tags = call(ecr, "ListTagsForResource", resourceArn=described["repositoryArn"])["tags"]
    except GoneError:
        return None
    live = {
        "name": id_,
        "imageTagMutability": described["imageTagMutability"],
        "imageScanningConfiguration": described["imageScanningConfiguration"],
        "encryptionConfigurations": [described["encryptionConfiguration"]],
    }
    plain = {
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfigurations": [{"encryptionType": PLAIN}],
    }
    others = {
        key: value
        for key, value in live.items()
        if key not in inputs and value not in (plain.get(key), row.meaning.default(key))
    }
    fresh = {**row.refreshed(inputs, live), **others}
    fresh = with_tags(session, inputs, fresh, {tag["Key"]: tag["Value"] for tag in tags})
    return fresh, _state(row, session, fresh, described)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Mutability of tags, scanning, tags."""
    ecr, name = session.client("ecr"), {"repositoryName": id_}
    changed = row.diff(old, new).changed
    if "imageTagMutability" in changed:
        require(ecr, "PutImageTagMutability", **name, imageTagMutability=new.get("imageTagMutability") or "MUTABLE")
    if "imageScanningConfiguration" in changed:
        scanning = new.get("imageScanningConfiguration") or {"scanOnPush": False}
        require(ecr, "PutImageScanningConfiguration", **name, imageScanningConfiguration=scanning)
    described = require(ecr, "DescribeRepositories", repositoryNames=[id_])["repositories"][0]
    gone, set_ = session.settings.tag_changes(old, new)
    if gone:
        require(ecr, "UntagResource", resourceArn=described["repositoryArn"], tagKeys=gone)
    if set_:
        require(ecr, "TagResource", resourceArn=described["repositoryArn"], tags=pairs(set_))
    return _state(row, session, new, described)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteRepository; one with images in it is kept unless forceDelete says so."""
    del row
    try:
        ensure_gone(session.client("ecr"), "DeleteRepository", repositoryName=id_, force=bool(state.get("forceDelete")))
    except ProvisionError as error:
        if "RepositoryNotEmpty" in str(error):
            raise ProvisionError(f"{error}; set forceDelete to delete a repository with images in it") from error
        raise


def _state(row: Row, session: Session, inputs: Properties, described: Properties) -> Properties:
    computed = {
        "arn": described["repositoryArn"],
        "registryId": described["registryId"],
        "repositoryUrl": described["repositoryUri"],
    }
    return {
        "imageTagMutability": "MUTABLE",
        "forceDelete": False,
        **inputs,
        **computed,
        **common_state(session, row, inputs),
    }


def put_policy(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutLifecyclePolicy, SetRepositoryPolicy; the id is the repository."""
    answer = require(
        session.client("ecr"),
        row.calls["create"],
        repositoryName=inputs["repository"],
        **{row.renames["policy"]: inputs["policy"]},
    )
    return inputs["repository"], _policy_state(row, session, inputs, answer)


def read_policy(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """The policy; one that means the same is no drift."""
    try:
        answer = call(session.client("ecr"), row.calls["describe"], repositoryName=id_)
    except GoneError:
        return None
    policy = same_policy(inputs.get("policy"), json.loads(answer[row.renames["policy"]]))
    fresh = {**inputs, "repository": id_, "policy": policy}
    return fresh, _policy_state(row, session, fresh, answer)


def update_policy(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Put again."""
    del id_, old
    return put_policy(row, session, new)[1]


def delete_policy(row: Row, session: Session, id_: str, state: Properties) -> None:
    """Delete."""
    del state
    ensure_gone(session.client("ecr"), row.calls["delete"], repositoryName=id_)


def _policy_state(row: Row, session: Session, inputs: Properties, answer: Properties) -> Properties:
    return {**inputs, "registryId": answer["registryId"], **common_state(session, row, inputs)}


def _policy_row(token: str, member: str, calls: tuple[str, str, str], **members: Any) -> Row:
    return Row(
        token=token,
        service="ecr",
        calls=dict(zip(("create", "describe", "delete"), calls, strict=True)),
        outputs={"registryId": "registryId"},
        renames={"policy": member},
        policies=frozenset({"policy"}),
        only=frozenset({"repository", "policy"}),
        checks=policy_failures("policy"),
        creates=put_policy,
        reads=read_policy,
        updates=update_policy,
        deletes=delete_policy,
        **members,
    )


ROWS = (
    Row(
        token=REPOSITORY,
        service="ecr",
        outputs={"arn": "repositoryArn", "registryId": "registryId", "repositoryUrl": "repositoryUri"},
        auto_name=AutoName(longest=256, prefix_key=None, lower=True),
        defaults={"imageScanningConfiguration.scanOnPush": False, "encryptionConfigurations[].encryptionType": PLAIN},
        in_place=frozenset({"imageTagMutability", "imageScanningConfiguration", "forceDelete"}),
        only=frozenset(
            {"name", "imageTagMutability", "imageScanningConfiguration", "encryptionConfigurations", "forceDelete"}
        ),
        tags=Tagging.RESOURCE_ARN,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
    _policy_row(
        LIFECYCLE,
        "lifecyclePolicyText",
        ("PutLifecyclePolicy", "GetLifecyclePolicy", "DeleteLifecyclePolicy"),
        delete_first=True,
    ),
    _policy_row(
        POLICY,
        "policyText",
        ("SetRepositoryPolicy", "GetRepositoryPolicy", "DeleteRepositoryPolicy"),
        in_place=frozenset({"policy"}),
    ),
)
