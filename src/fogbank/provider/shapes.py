"""Pulumi's property names to the API's and back, by botocore's own shapes: nothing is listed by hand but the exceptions.

Pulumi writes `volumeSizeInGb` where the API writes `VolumeSizeInGB`: names meet without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's sentinel for a value that is not known during a preview."""

WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """Where pulumi-aws and the API differ: `rename` maps Pulumi's key to the API's member, `single` names the keys that
    Pulumi takes as one object where the API takes a list of one, `free` the keys that the API call does not have."""

    rename: Mapping[str, str] = field(default_factory=dict)
    single: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()


def pulumi_name(member: str) -> str:
    """The camel-case name that Pulumi gives an API member.

    >>> pulumi_name("VolumeSizeInGB"), pulumi_name("S3Uri"), pulumi_name("KmsKeyId")
    ('volumeSizeInGb', 's3Uri', 'kmsKeyId')
    """
    words = WORD.findall(member)
    joined = "".join(word.capitalize() for word in words)
    return joined[:1].lower() + joined[1:]


def member_of(key: str, shape: Any, naming: Naming) -> str | None:
    """The member of a structure that a Pulumi key stands for, or None."""
    if key in naming.rename and naming.rename[key] in shape.members:
        return naming.rename[key]
    return next((member for member in shape.members if member.lower() == key.lower()), None)


def problems(value: Any, shape: Any, naming: Naming, path: str = "") -> list[tuple[str, str]]:
    """(property, reason) of every key that the shape does not have and every required member that is missing."""
    if value == UNKNOWN:
        return []
    if shape.type_name == "list":
        items = value if isinstance(value, list) else [value]
        return [found for i, item in enumerate(items) for found in problems(item, shape.member, naming, f"{path}[{i}]")]
    if shape.type_name != "structure":
        return []
    if not isinstance(value, dict):
        return [(path, f"must be an object, not {value!r}")]
    found: list[tuple[str, str]] = []
    given = set()
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        member = member_of(key, shape, naming)
        if member is None:
            found.append(
                (where, "is not implemented by the local cloud's stand-in for pulumi-aws; it is refused, not ignored")
            )
            continue
        given.add(member)
        found += problems(item, shape.members[member], naming, where)
    found += [
        (f"{path}.{pulumi_name(name)}" if path else pulumi_name(name), "is required")
        for name in shape.required_members
        if name not in given
    ]
    return found


def to_api(value: Any, shape: Any, naming: Naming) -> Any:
    """A Pulumi value as the API takes it; numbers and booleans in the type that the shape has."""
    kind = shape.type_name
    if kind == "structure":
        pairs = ((member_of(key, shape, naming), item) for key, item in value.items())
        return {
            member: to_api(item, shape.members[member], naming)
            for member, item in pairs
            if member is not None and item is not None
        }
    if kind == "list":
        return [to_api(item, shape.member, naming) for item in (value if isinstance(value, list) else [value])]
    if kind == "map":
        return {key: to_api(item, shape.value, naming) for key, item in value.items()}
    if kind in {"integer", "long"}:
        return int(value)
    if kind in {"float", "double"}:
        return float(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    return str(value) if kind == "string" else value


def from_api(value: Any, shape: Any, naming: Naming) -> Any:
    """An API value under Pulumi's names."""
    kind = shape.type_name
    if kind == "structure":
        back = {member: key for key, member in naming.rename.items()}
        result = {}
        for member, item in value.items():
            if member in shape.members and item is not None:
                key = back.get(member, pulumi_name(member))
                mapped = from_api(item, shape.members[member], naming)
                result[key] = mapped[0] if key in naming.single and isinstance(mapped, list) and mapped else mapped
        return result
    if kind == "list":
        return [from_api(item, shape.member, naming) for item in value]
    if kind == "map":
        return {key: from_api(item, shape.value, naming) for key, item in value.items()}
    return value.isoformat() if kind == "timestamp" and hasattr(value, "isoformat") else value
