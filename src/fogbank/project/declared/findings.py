"""What a look at an account finds, before anything bills: a code that stays, the cause in this case, and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fogbank.contracts.errors import AwsError


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing. `blocks` says that `up` would fail; without it, it is something to know."""

    code: str
    cause: str
    fix: str
    blocks: bool = True

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.code}: {self.cause}; {self.fix}"


def note(code: str, cause: str, fix: str) -> Finding:
    """Something to know."""
    return Finding(code=code, cause=cause, fix=fix, blocks=False)


def refuse(findings: Sequence[Finding], stack: str) -> None:
    """Raises AwsError (`preflight-failed`) where something blocks."""
    blocking = [item for item in findings if item.blocks]
    if blocking:
        lines = "\n".join(f"  {item.code}: {item.cause}\n    fix: {item.fix}" for item in blocking)
        raise AwsError(
            "preflight-failed",
            f"the stack {stack} cannot be deployed as it is, {len(blocking)} reason(s):\n{lines}",
            f"mend that and see `fogbank doctor -s {stack}`; nothing was made",
        )
