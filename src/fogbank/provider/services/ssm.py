"""Systems Manager: a parameter. Its value and what describes it are two calls, and so are its tags.

What is updated in place: Terraform's aws_ssm_parameter (all but name and data_type).
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, common_state, pairs
from fogbank.provider.shapes import UNKNOWN

MEMBERS = {"type": "Type", "description": "Description", "dataType": "DataType", "keyId": "KeyId"}
SECURE = "SecureString"


def failures(inputs: Properties) -> list[Failure]:
    """One value, of a type that there is."""
    found = []
    values = [key for key in ("value", "insecureValue") if inputs.get(key) is not None]
    if not values:
        found.append(Failure("value", "is required, or insecureValue"))
    if len(values) > 1:
        found.append(Failure("insecureValue", "conflicts with value"))
    if inputs.get("type") == SECURE and "insecureValue" in values:
        found.append(Failure("insecureValue", f"is not for a {SECURE}"))
    if inputs.get("type") not in {SECURE, UNKNOWN} and inputs.get("keyId") is not None:
        found.append(Failure("keyId", f"is for a {SECURE} alone"))
    return found


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutParameter; the id is the name. One that is there already is overwritten only where the program says so."""
    overwrite = inputs.get("overwrite") is True
    _put(session, inputs, overwrite)
    if tags := session.settings.tags(inputs.get("tags")):
        _tag(session, inputs["name"], tags)
    return inputs["name"], _state(row, session, inputs)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetParameter, DescribeParameters and ListTagsForResource."""
    ssm = session.client("ssm")
    try:
        parameter = call(ssm, "GetParameter", Name=id_, WithDecryption=True)["Parameter"]
    except GoneError:
        return None
    filters = [{"Key": "Name", "Option": "Equals", "Values": [id_]}]
    described = require(ssm, "DescribeParameters", ParameterFilters=filters)["Parameters"]
    about = described[0] if described else {}
    key = "insecureValue" if inputs.get("insecureValue") is not None else "value"
    live = {
        **{name: about.get(member) for name, member in MEMBERS.items()},
        "name": id_,
        "tier": about.get("Tier"),
        key: parameter["Value"],
    }
    if not inputs and (parameter["Type"] != SECURE or live["keyId"] == "alias/aws/ssm"):
        live["keyId"] = None  # the account's own, which every SecureString has that names none
    tags = require(ssm, "ListTagsForResource", ResourceType="Parameter", ResourceId=id_)["TagList"]
    fresh = row.found(session, inputs, live, {tag["Key"]: tag["Value"] for tag in tags})
    return fresh, _state(row, session, fresh)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """PutParameter over it, and the tags."""
    if set(row.diff(old, new).changed) - {"overwrite", "tags", "tagsAll"}:
        _put(session, new, new.get("overwrite") is not False)
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        ssm = session.client("ssm")
        require(ssm, "RemoveTagsFromResource", ResourceType="Parameter", ResourceId=id_, TagKeys=gone)
    if come:
        _tag(session, id_, come)
    return _state(row, session, new)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteParameter."""
    del row, state
    ensure_gone(session.client("ssm"), "DeleteParameter", Name=id_)


def _put(session: Session, inputs: Properties, overwrite: bool) -> None:
    said = {member: inputs[key] for key, member in MEMBERS.items() if inputs.get(key)}
    if overwrite:
        said["Description"] = inputs.get("description") or ""
    value: Any = inputs["value"] if inputs.get("value") is not None else inputs["insecureValue"]
    require(session.client("ssm"), "PutParameter", Name=inputs["name"], Value=value, Overwrite=overwrite, **said)


def _tag(session: Session, name: str, tags: dict[str, str]) -> None:
    ssm = session.client("ssm")
    require(ssm, "AddTagsToResource", ResourceType="Parameter", ResourceId=name, Tags=pairs(tags))


def _state(row: Row, session: Session, inputs: Properties) -> Properties:
    parameter = require(session.client("ssm"), "GetParameter", Name=inputs["name"])["Parameter"]
    computed = {"arn": parameter["ARN"], "version": parameter["Version"]}
    return {"dataType": "text", "tier": "Standard", **inputs, **computed, **common_state(session, row, inputs)}


ROWS = (
    Row(
        token="aws:ssm/parameter:Parameter",
        service="ssm",
        computed=("version",),
        auto_name=AutoName(longest=2048),
        defaults={"dataType": "text", "description": "", "tier": "Standard"},
        unasked=frozenset({"keyId"}),
        in_place=frozenset(
            {"allowedPattern", "description", "insecureValue", "keyId", "overwrite", "tier", "type", "value"}
        ),
        only=frozenset({"name", "value", "insecureValue", "overwrite", *MEMBERS}),
        lacks={
            "allowedPattern": "the local cloud holds no value against it",
            "arn": "it is the parameter's own",
            "tier": "the local cloud has the tier Standard alone",
            "valueWo": "the local cloud's stand-in keeps no values apart from its state",
            "valueWoVersion": "the local cloud's stand-in keeps no values apart from its state",
        },
        checks=failures,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
