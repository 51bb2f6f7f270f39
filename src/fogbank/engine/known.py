"""A stack of the Automation API that asks the CLI for nothing that is known: each question is a start of the engine.

In: a workspace, and whether the stack is there, if that is known; out: the same operations, without the selection before them and the outputs and the
history after them, which the events of an operation have told.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from pulumi import automation
from pulumi.automation._stack import StackInitMode


class KnownStack(automation.Stack):
    """`there`: it was made already, so that it need not be selected, or was not, so that it is made without looking; None where it is unknown."""

    def __init__(self, name: str, workspace: automation.Workspace, *, there: bool | None) -> None:
        if there:
            self.name, self.workspace, self._mode = name, workspace, StackInitMode.SELECT
            return
        if there is False:
            with contextlib.suppress(automation.StackAlreadyExistsError):  # somebody else was quicker
                super().__init__(name, workspace, StackInitMode.CREATE)
                return
        super().__init__(name, workspace, StackInitMode.CREATE_OR_SELECT)

    def outputs(self) -> automation.OutputMap:
        """None: the events of the operation have told them."""
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        """That it ended well: what ends otherwise raises CommandError before anybody asks."""
        return automation.UpdateSummary(
            kind="", start_time=datetime.now(UTC), message="", environment={}, config={}, result="succeeded"
        )
