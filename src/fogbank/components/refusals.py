"""Problems of values, told all at once."""

from __future__ import annotations

from collections.abc import Sequence


def refuse(problems: Sequence[str], what: str = "") -> None:
    """Raises ValueError with every problem."""
    if len(problems) == 1:
        raise ValueError(problems[0])
    if problems:
        raise ValueError(
            f"{what or 'there are'} {len(problems)} problems:\n" + "\n".join(f"  - {text}" for text in problems)
        )
