"""What monitors found of each column, pure: which moved, by which check, since when.

In: columns of `figures`, violations and shifts of the newest execution, and the history of executions, the newest first; out: columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Document = dict[str, Any]


def moved(violations: Iterable[Mapping[str, Any]], shifts: Mapping[str, Any]) -> list[str]:
    """The columns that an execution found other than the baseline: by a check of SageMaker's, or by a test."""
    return sorted({*(name for item in violations if (name := item.get("feature_name"))), *shifts.get("shifted", ())})


def since(history: Sequence[Document], name: str) -> str | None:
    """When a column was first found moved without a break up to the newest execution that came to a verdict; None where it is not.

    >>> since([{"at": "3", "judged": True, "moved": ["a"]}, {"at": "2", "judged": False}, {"at": "1", "judged": True, "moved": ["a"]}], "a")
    '1'
    """
    found = None
    for run in history:
        if not run["judged"]:
            continue
        if name not in run["moved"]:
            break
        found = run["at"]
    return found


def told(
    columns: Sequence[Document],
    violations: Sequence[Mapping[str, Any]],
    shifts: Mapping[str, Any],
    history: Sequence[Document],
) -> list[Document]:
    """The columns with their checks, tests and since when; a violation's column that the baseline lacks (an extra one) is added."""
    checks: dict[str, list[Document]] = {}
    for item in violations:
        if name := item.get("feature_name"):
            said = {"check": item["constraint_check_type"], "text": item["description"].strip()}
            checks.setdefault(str(name), []).append(said)
    tests = {item["name"]: item for item in shifts.get("features", ())}
    known = {item["name"] for item in columns}
    extra = [_unknown(name) for name in checks if name not in known]
    runs = [{**run, "moved": frozenset(run["moved"])} for run in history]
    return [_with(item, checks.get(item["name"], []), tests.get(item["name"]), runs) for item in [*columns, *extra]]


def _with(
    column: Document, checks: list[Document], test: Mapping[str, Any] | None, runs: Sequence[Document]
) -> Document:
    own = test or {}
    return {
        **column,
        "checks": checks,
        "test": own.get("test"),
        "p_value": own.get("adjusted_p_value"),
        "psi": own.get("psi"),
        "shifted": bool(own.get("shifted")),
        "smallest": (own.get("smallest_detectable") or {}).get("value"),
        "since": since(runs, column["name"]),
        "stream": own.get("stream"),
    }


def _unknown(name: str) -> Document:
    return {
        "name": name, "type": "Unknown", "missing": 0.0, "missing_now": None, "like": "not in the baseline", "bars": [], "drift": None,
        "change": "", "flagged": True,
    }  # fmt: skip
