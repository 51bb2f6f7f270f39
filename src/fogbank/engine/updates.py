"""A stack's history, as the engine keeps it in the stack's own backend: whoever shares the state sees it.

In: update summaries of Pulumi's Automation API, and a stack's exported state; out: frozen values. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fogbank.contracts.tokens import MODEL_SERVICE


@dataclass(frozen=True, kw_only=True)
class Update:
    """One operation of the engine. `kind` and `result` are Pulumi's words (`update`, `destroy`; `succeeded`, `failed`); `seconds` is
    None where its end is not known; `author` is the git author of the program, where there is one."""

    version: int
    kind: str
    message: str
    started: datetime
    seconds: float | None
    result: str
    changed: bool
    author: str = ""


def update_of(summary: Any) -> Update:
    """An update by its summary. The engine's times are UTC."""
    started = summary.start_time.replace(tzinfo=UTC)
    ended = summary.end_time and summary.end_time.replace(tzinfo=UTC)
    changes = {str(getattr(op, "value", op)): count for op, count in (summary.resource_changes or {}).items()}
    return Update(
        version=int(summary.version or 0),
        kind=summary.kind,
        message=summary.message,
        started=started,
        seconds=(ended - started).total_seconds() if ended else None,
        result=summary.result,
        changed=any(count for op, count in changes.items() if op != "same"),
        author=str((summary.environment or {}).get("git.author", "")),
    )


def service_bucket(deployment: Mapping[str, Any]) -> str:
    """The bucket of the first ModelService in an exported state; empty where there is none.

    >>> service_bucket({"resources": [{"type": "fogbank:components:ModelService", "outputs": {"bucket": "b-1"}}]})
    'b-1'
    """
    for resource in deployment.get("resources") or []:
        bucket = (resource.get("outputs") or {}).get("bucket") if resource.get("type") == MODEL_SERVICE else None
        if isinstance(bucket, str):
            return bucket
    return ""
