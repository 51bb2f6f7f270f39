"""A policy's statements, pure. In: a document; out: its statements, or why it is no policy.

Source: the IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

Statement = Mapping[str, Any]
EFFECTS = ("Allow", "Deny")
LISTS = ("Action", "NotAction", "Resource", "NotResource")
PRINCIPALS = ("Principal", "NotPrincipal")


class PolicyError(ValueError):
    """Why a document is no policy."""


@lru_cache(maxsize=256)
def statements(document: str) -> tuple[Statement, ...]:
    """The statements of a document. Raises PolicyError."""
    try:
        said = json.loads(document)
    except (ValueError, TypeError, RecursionError) as error:
        raise PolicyError("it is not JSON") from error
    found = said.get("Statement") if isinstance(said, dict) else None
    listed = [found] if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise PolicyError("it must be a JSON object with statements")
    for number, statement in enumerate(listed):
        for problem in _problems(statement):
            raise PolicyError(f"statement {number}: {problem}")
    return tuple(listed)


def _problems(statement: Any) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield "it is no object"
        return
    if statement.get("Effect") not in EFFECTS:
        yield "Effect is one of Allow and Deny"
    for name in LISTS:
        if not _is_list(statement.get(name, []), str):
            yield f"{name} is a text, or a list of them"
    for name in PRINCIPALS:
        said = statement.get(name) or {}
        if not (
            isinstance(said, str) or (isinstance(said, dict) and all(_is_list(each, str) for each in said.values()))
        ):
            yield f"{name} is a text, or an object of them"
    yield from _conditions(statement.get("Condition") or {})


def _conditions(condition: Any) -> Iterator[str]:
    if not isinstance(condition, dict):
        yield "Condition is no object"
        return
    for operator, tests in condition.items():
        if not isinstance(tests, dict):
            yield f"Condition: {operator} is no object"
            continue
        for key, values in tests.items():
            plain = operator.rpartition(":")[2].removesuffix("IfExists")
            if not _is_list(values, str | int | float) or (plain == "Null" and values == []):
                yield f"Condition: {operator} of {key} has no values"


def _is_list(value: Any, kind: Any) -> bool:
    """Whether it is of a kind, or a list of that; `null` is as good as nothing."""
    return value is None or all(isinstance(each, kind) for each in (value if isinstance(value, list) else [value]))
