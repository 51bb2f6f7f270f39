"""What the engine does, as data: one resource operation after another, what an update came to, and why it failed.

In: events of Pulumi's Automation API; out: frozen values. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fogbank.contracts.tokens import urn_parts
from fogbank.engine.state import STACK, public

CLOSING_WORDS = {"update failed", "preview failed"}
"""What the engine adds after the cause."""
TAKEN = "Cannot create already existing"
RENAMED = (
    "something has that name already. Where the program calls it otherwise than before: put the earlier name back, run `fogbank up`, then "
    'rename it with `opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="EARLIER")])`, or give the new one another AWS name too'
)
"""SageMaker's words for a name that is taken, and what to do: Pulumi makes what has a new name before it deletes the earlier one."""
ERROR, PROGRAMS_STDERR = "error", "info#err"
CAUSES = {ERROR, PROGRAMS_STDERR}
"""Severities of what may be a cause."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One resource operation: `op` is Pulumi's word (create, update, replace, delete, ...); `done` when it has ended."""

    op: str
    kind: str
    name: str
    done: bool
    failed: bool = False


Listener = Callable[[Operation], None]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What an update did, or a preview would: how many resources by operation, the operations themselves, the outputs."""

    changes: Mapping[str, int]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything changed."""
        return any(count for op, count in self.changes.items() if op != "same")

    @property
    def words(self) -> str:
        """The changes in a few words.

        >>> Summary(changes={"create": 2, "same": 3}).words
        '2 create, 3 same'
        """
        return ", ".join(f"{count} {op}" for op, count in sorted(self.changes.items())) or "nothing to do"


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """A message of the engine, or, as PROGRAMS_STDERR, a line that the program wrote. `kind` is a resource's type, or empty."""

    severity: str
    text: str
    kind: str = ""


def cause_of(diagnostics: Sequence[Diagnostic]) -> str:
    """Why an update failed; empty where nobody says.

    What the program wrote is part of it only where no resource failed: the engine interrupts a program when a resource fails,
    and the traceback of that is nobody's cause.
    """
    errors = [item for item in diagnostics if item.severity == ERROR and item.text not in CLOSING_WORDS]
    lines = [item.text for item in errors]
    if all(item.kind in {"", STACK} for item in errors):
        lines += [item.text for item in diagnostics if item.severity == PROGRAMS_STDERR]
    return "\n".join(lines).strip()


def hint_of(verb: str, cause: str) -> str:
    """The next step after a failed operation.

    >>> hint_of("up", "quota exceeded")
    "mend the cause and run `fogbank up` again; what was made stays in the stack's state"
    """
    if TAKEN in cause:
        return RENAMED
    return f"mend the cause and run `fogbank {verb}` again; what was made stays in the stack's state"


def diagnostic_of(event: Any) -> Diagnostic:
    """The engine's own, without its colour marks (`<{%reset%}>`) and its final newlines."""
    kind, _ = urn_parts(event.urn) if event.urn else ("", "")
    text = re.sub(r"<\{%[^%]*%\}>", "", event.message).rstrip()
    return Diagnostic(severity=event.severity, text=text, kind=kind)


def operation_of(event: Any) -> Operation | None:
    """The resource operation that an event of the engine is about; None where it is about none."""
    for source, done, failed in (
        (event.resource_pre_event, False, False),
        (event.res_outputs_event, True, False),
        (event.res_op_failed_event, True, True),
    ):
        if source:
            kind, name = urn_parts(source.metadata.urn)
            return Operation(op=_word(source.metadata.op), kind=kind, name=name, done=done, failed=failed)
    return None


def outputs_of(event: Any) -> dict[str, Any] | None:
    """The stack's outputs, where an event of the engine tells them, secret ones as `[secret]`; the last one that does is right."""
    source = event.res_outputs_event
    if not source or source.metadata.type != STACK or source.metadata.new is None:
        return None
    return public(source.metadata.new.outputs or {})


def changes_of(event: Any) -> dict[str, int]:
    """How many resources by operation, in the engine's own summary."""
    return {_word(op): count for op, count in event.resource_changes.items()}


def _word(op: Any) -> str:
    """An operation's name: the Automation API has an enum for those that it knows."""
    return str(getattr(op, "value", op))
