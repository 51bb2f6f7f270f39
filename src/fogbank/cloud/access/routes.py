"""Which route of an HTTP API a request takes. Pure.

In: route keys (`POST /predict/{model}`, `ANY /{proxy+}`, `$default`), a method and a path; out: the most specific that matches, and what its
variables stand for. Source: the API Gateway Developer Guide, "Routes for HTTP APIs" (routing API requests).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

KEY = re.compile(r"\$default|(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (/[^\s]*)")
VARIABLE = re.compile(r"\{([A-Za-z0-9._:-]+)(\+?)\}")
DEFAULT = "$default"


@dataclass(frozen=True, kw_only=True)
class Match:
    """A route key, and its path's variables."""

    key: str
    parameters: dict[str, str]


def problem(key: str) -> str | None:
    """What is wrong with a route key; None where nothing is."""
    match = KEY.fullmatch(key)
    if match is None:
        return "is neither $default nor a method and a path, such as POST /predict"
    if key == DEFAULT:
        return None
    parts = match[2].split("/")[1:]
    for number, part in enumerate(parts):
        variable = VARIABLE.fullmatch(part)
        if variable is None and ("{" in part or "}" in part):
            return f"has the part {part!r}, which is neither a text nor a whole variable"
        if variable is not None and variable[2] and number != len(parts) - 1:
            return f"has the greedy variable {part} in the middle"
    return None


def find(keys: Iterable[str], method: str, path: str) -> Match | None:
    """The route of a request; `path` is percent-encoded, and without its stage."""
    found: list[tuple[tuple[int, ...], Match]] = []
    for key in keys:
        if key == DEFAULT:
            found.append(((3,), Match(key=key, parameters={})))
            continue
        wanted, _, pattern = key.partition(" ")
        if wanted not in {"ANY", method}:
            continue
        matched = _matched(pattern, path)
        if matched is not None:
            found.append(((*matched[0], wanted == "ANY"), Match(key=key, parameters=matched[1])))
    return min(found, key=lambda each: each[0])[1] if found else None


def _matched(pattern: str, path: str) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """How specific a path's match is (less is more: a text, a variable, all the rest), and its variables."""
    wanted, given = pattern.split("/")[1:], path.split("/")[1:]
    rank, parameters = [], {}
    for number, part in enumerate(wanted):
        variable = VARIABLE.fullmatch(part)
        if variable is not None and variable[2]:
            rest = "/".join(given[number:])
            if not rest:
                return None
            parameters[variable[1]] = unquote(rest)
            return (2, -len(wanted)), parameters
        if number >= len(given):
            return None
        if variable is None:
            if part != unquote(given[number]):
                return None
            rank.append(0)
        else:
            if not given[number]:
                return None
            parameters[variable[1]] = unquote(given[number])
            rank.append(1)
    if len(given) != len(wanted):
        return None
    return (1 if any(rank) else 0, *rank), parameters
