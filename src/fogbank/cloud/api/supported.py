"""What of an input shape the local cloud supports: every member works, is inert, or is refused by name. None is ignored.

In: a call's parameters and its botocore shape; out: the refusals, all of them, and what is inert in the request. The table is
supported.toml; a member that is in none of its lists (a newer botocore has it) is refused like one that is lacking.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

EMPTY = (None, False, "", "None")
"""Values that ask for nothing: a member that is lacking may have them."""


@dataclass(frozen=True, kw_only=True)
class Support:
    """One shape's members."""

    works: frozenset[str] = frozenset()
    inert: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    references: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A member that a request has, by its path; `reference` is the kind of thing that its value names, if any."""

    path: str
    value: Any
    reference: str | None = None


@lru_cache(maxsize=1)
def table() -> Mapping[str, Support]:
    """Shape name to its support."""
    document = tomllib.loads((Path(__file__).parent / "supported.toml").read_text())
    return {
        name: Support(
            works=frozenset(row.get("works", ())),
            inert=frozenset(row.get("inert", ())),
            refused=frozenset(row.get("refused", ())),
            references=row.get("references", {}),
        )
        for name, row in document.items()
    }


def lacking(params: Mapping[str, Any], shape: Any) -> list[str]:
    """The paths of all members of a request that the local cloud lacks; a shape without a row supports what it has."""
    return [path for path, _, support, member in members(params, shape) if member not in support.works | support.inert]


def inert(params: Mapping[str, Any], shape: Any) -> list[Mention]:
    """The members of a request that have no effect here."""
    return [
        Mention(path=path, value=value)
        for path, value, support, member in members(params, shape)
        if member in support.inert
    ]


def references(params: Mapping[str, Any], shape: Any) -> list[Mention]:
    """What a request names that must exist."""
    return [
        Mention(path=path, value=each, reference=support.references[member])
        for path, value, support, member in members(params, shape)
        if member in support.references
        for each in (value if isinstance(value, list) else [value])
    ]


def members(value: Any, shape: Any, path: str = "") -> Iterator[tuple[str, Any, Support, str]]:
    """(path, value, its shape's support, member) of every member that asks for something; what is refused is not entered."""
    if shape.type_name == "list":
        for number, item in enumerate(value):
            yield from members(item, shape.member, f"{path}[{number}]")
    if shape.type_name != "structure" or shape.name not in table():
        return
    support = table()[shape.name]
    for member, item in value.items():
        if item in EMPTY or item in ([], {}):
            continue
        where = f"{path}.{member}" if path else member
        yield where, item, support, member
        if member in support.works | support.inert:
            yield from members(item, shape.members[member], where)
