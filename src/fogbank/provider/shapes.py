"""Pulumi's property names to the API's and back: pulumi-aws's own inputs against botocore's own shapes, and a list of exceptions.

Pulumi writes `volumeSizeInGb` where the API writes `VolumeSizeInGB`, `routingConfigs: [{...}]` where it has one `RoutingConfig`, and
`monitoringOutputs: {...}` where it has a list of one: names meet without regard to case, with or without a plural's `s`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fogbank.provider.declared import Input, Inputs, object_inputs

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's sentinel for a value that is not known during a preview."""

WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*")
Renames = Mapping[str, str]
"""Pulumi's key to the API's member, where they do not meet by themselves."""
LACKING = "is not implemented by the local cloud's stand-in for pulumi-aws; it is refused, not ignored"


def pulumi_name(member: str) -> str:
    """The camel-case name that Pulumi gives an API member.

    >>> pulumi_name("VolumeSizeInGB"), pulumi_name("S3Uri"), pulumi_name("KmsKeyId")
    ('volumeSizeInGb', 's3Uri', 'kmsKeyId')
    """
    joined = "".join(word.capitalize() for word in WORD.findall(member))
    return joined[:1].lower() + joined[1:]


def member_of(key: str, shape: Any, renames: Renames) -> str | None:
    """The member of a structure that a Pulumi key stands for, or None."""
    if renames.get(key) in shape.members:
        return renames[key]
    by_case = {member.casefold(): member for member in shape.members}
    folded = key.casefold()
    return by_case.get(folded) or by_case.get(folded.removesuffix("s")) or by_case.get(folded + "s")


def unknown_keys(value: Any, inputs: Inputs, path: str = "") -> list[tuple[str, str]]:
    """(path, reason) of every key that pulumi-aws does not have, and every required one that is missing."""
    failures: list[tuple[str, str]] = []
    for key, item in value.items():
        if key.startswith("__") or item is None:
            continue
        where = f"{path}.{key}" if path else key
        if key not in inputs:
            failures.append((where, LACKING))
            continue
        declared = inputs[key]
        for place, nested in _objects(item, declared, where):
            failures += unknown_keys(nested, object_inputs(declared.object), place)
    failures += [
        (f"{path}.{key}" if path else key, "is required")
        for key, declared in inputs.items()
        if declared.required and value.get(key) is None
    ]
    return failures


def lacking_keys(value: Any, inputs: Inputs, shape: Any, renames: Renames, path: str = "") -> list[tuple[str, str]]:
    """(path, reason) of every key that pulumi-aws has and the API's call has not: what the stand-in lacks."""
    failures: list[tuple[str, str]] = []
    for key, item in value.items():
        if key.startswith("__") or item is None or key not in inputs:
            continue
        where = f"{path}.{key}" if path else key
        member = member_of(key, shape, renames)
        if member is None:
            failures.append((where, LACKING))
            continue
        one, whole = shape.members[member].type_name == "structure", isinstance(item, list)
        if one and whole and len(item) > 1:
            failures.append((where, "takes one item: the API call has one"))
            continue
        if one and not whole and not isinstance(item, dict) and item != UNKNOWN:
            failures.append((where, f"must be an object, not {item!r}"))
            continue
        inner = _element(shape.members[member])
        if inner.type_name == "structure":
            for place, nested in _objects(item, inputs[key], where):
                failures += lacking_keys(nested, object_inputs(inputs[key].object), inner, renames, place)
    return failures


def _objects(item: Any, declared: Input, path: str) -> list[tuple[str, Any]]:
    """The nested objects of an input's value, by path; what is unknown yet is none."""
    if declared.object is None:
        return []
    items = [(f"{path}[{i}]", each) for i, each in enumerate(item)] if isinstance(item, list) else [(path, item)]
    return [(place, each) for place, each in items if isinstance(each, dict)]


def _element(shape: Any) -> Any:
    return shape.member if shape.type_name == "list" else shape


def to_api(value: Any, inputs: Inputs, shape: Any, renames: Renames) -> Any:
    """A Pulumi value as the API takes it; numbers and booleans in the type that the shape has.

    A required member that the program leaves out has the default that pulumi-aws documents.
    """
    kind = shape.type_name
    if kind == "structure":
        value = value[0] if isinstance(value, list) and value else value
        return _structure_to_api(value, inputs, shape, renames)
    if kind == "list":
        return [to_api(item, inputs, shape.member, renames) for item in (value if isinstance(value, list) else [value])]
    if kind == "map":
        return {key: to_api(item, inputs, shape.value, renames) for key, item in value.items()}
    return SCALARS.get(kind, lambda item: item)(value)


def _structure_to_api(value: Any, inputs: Inputs, shape: Any, renames: Renames) -> dict[str, Any]:
    call = {}
    for key, declared in inputs.items():
        member = member_of(key, shape, renames)
        if member is None:
            continue
        item = value.get(key)
        if item is None and member in shape.required_members:
            item = declared.default_value
        if item is not None:
            call[member] = to_api(item, object_inputs(declared.object), shape.members[member], renames)
    return call


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "integer": int, "long": int, "float": float, "double": float, "boolean": _boolean, "string": str,
}  # fmt: skip


def from_api(value: Any, inputs: Inputs, shape: Any, renames: Renames) -> dict[str, Any]:
    """An API structure under Pulumi's names: of its members those that pulumi-aws has."""
    properties = {}
    for key, declared in inputs.items():
        member = member_of(key, shape, renames)
        if member is not None and value.get(member) is not None:
            properties[key] = _from_api(value[member], declared, shape.members[member], renames)
    return properties


def _from_api(value: Any, declared: Input, shape: Any, renames: Renames) -> Any:
    nested = object_inputs(declared.object)
    if shape.type_name == "structure" and isinstance(value, dict):
        mapped: Any = from_api(value, nested, shape, renames)
        return [mapped] if declared.kind == "list" else mapped
    if shape.type_name == "list":
        items = [
            from_api(item, nested, shape.member, renames) if shape.member.type_name == "structure" else item
            for item in value
        ]
        return items if declared.kind == "list" else next(iter(items), None)
    if shape.type_name == "timestamp" and hasattr(value, "isoformat"):
        return value.isoformat()
    return value
