"""CloudWatch Logs: a log group. pulumi-aws has it in its module `cloudwatch`.

What is updated in place: Terraform's aws_cloudwatch_log_group (all but name, name_prefix and log_group_class).
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import AutoName, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateLogGroup, and how long it keeps; the id is the name."""
    name = inputs["name"]
    given = {"kmsKeyId": inputs.get("kmsKeyId"), "tags": session.settings.tags(inputs.get("tags"))}
    said = {key: value for key, value in given.items() if value}
    require(session.client("logs"), "CreateLogGroup", logGroupName=name, **said)
    _retain(session, name, inputs)
    return name, _state(row, session, inputs)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeLogGroups, of which one has just that name, and ListTagsForResource."""
    group = _group(session, id_)
    if group is None:
        return None
    live = {"name": id_, "kmsKeyId": group.get("kmsKeyId"), "retentionInDays": group.get("retentionInDays", 0)}
    tags = require(session.client("logs"), "ListTagsForResource", resourceArn=_arn(group))["tags"]
    fresh = row.found(session, inputs, live, tags)
    return fresh, _state(row, session, fresh)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """How long it keeps, by which key, and its tags."""
    logs, changed = session.client("logs"), row.diff(old, new).changed
    if "retentionInDays" in changed:
        _retain(session, id_, new)
    if "kmsKeyId" in changed and new.get("kmsKeyId"):
        require(logs, "AssociateKmsKey", logGroupName=id_, kmsKeyId=new["kmsKeyId"])
    elif "kmsKeyId" in changed:
        require(logs, "DisassociateKmsKey", logGroupName=id_)
    state = _state(row, session, new)
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(logs, "UntagResource", resourceArn=state["arn"], tagKeys=gone)
    if come:
        require(logs, "TagResource", resourceArn=state["arn"], tags=come)
    return state


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteLogGroup, unless it is to outlive its stack."""
    del row
    if not state.get("skipDestroy"):
        ensure_gone(session.client("logs"), "DeleteLogGroup", logGroupName=id_)


def _retain(session: Session, name: str, inputs: Properties) -> None:
    days = int(inputs.get("retentionInDays") or 0)
    if days:
        require(session.client("logs"), "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
    else:
        ensure_gone(session.client("logs"), "DeleteRetentionPolicy", logGroupName=name)


def _group(session: Session, name: str) -> dict[str, Any] | None:
    pages = session.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return next((group for page in pages for group in page["logGroups"] if group["logGroupName"] == name), None)


def _arn(group: dict[str, Any]) -> str:
    return str(group["arn"]).removesuffix(":*")


def _state(row: Row, session: Session, inputs: Properties) -> Properties:
    group = _group(session, inputs["name"])
    if group is None:
        raise ProvisionError(f"DescribeLogGroups: there is no {inputs['name']}")
    return {"retentionInDays": 0, **inputs, "arn": _arn(group), **common_state(session, row, inputs)}


ROWS = (
    Row(
        token="aws:cloudwatch/logGroup:LogGroup",
        service="logs",
        auto_name=AutoName(longest=512),
        defaults={"retentionInDays": 0, "logGroupClass": "STANDARD", "skipDestroy": False},
        in_place=frozenset({"retentionInDays", "kmsKeyId", "skipDestroy", "deletionProtectionEnabled"}),
        only=frozenset({"name", "retentionInDays", "kmsKeyId", "skipDestroy"}),
        lacks={
            "deletionProtectionEnabled": "the local cloud's log groups can be deleted",
            "logGroupClass": "the local cloud has the class STANDARD alone",
        },
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
