"""An instance whose health is looked after (`fogbank.cloud.hosting.health.Patient`), without a process."""

from __future__ import annotations


class FakePatient:
    """An instance that answers, is silent, is stopped or overfull, as it is told."""

    def __init__(self, *, responds: bool = True, stopped: bool = False, overfull: bool = False) -> None:
        self.id = "i-1"
        self.answers, self.frozen, self.fat, self.killed = responds, stopped, overfull, False

    def alive(self) -> bool:
        return not self.killed

    def responds(self) -> bool:
        return self.answers

    def overfull(self) -> bool:
        return self.fat

    def stopped(self) -> bool:
        return self.frozen

    def kill(self) -> None:
        self.killed = True
