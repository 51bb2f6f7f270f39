"""An instance that does not come to be says how it ended, and leaves nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from fogbank.cloud.hosting.instance import Instance, LaunchPlan, Spawned, StartError, spawn
from fogbank.ground.processes import Lifeline
from fogbank.ground.walls import Behind


class Ended(Behind):
    """What is behind has ended already."""

    def runs(self) -> bool:
        return False


@dataclass
class Starts:
    """A launcher whose server has ended before the process in front of it, or that fails."""

    error: OSError | None = None

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> Spawned:
        if self.error is not None:
            raise self.error
        command = [sys.executable, "-ISc", "import sys, time; time.sleep(0.2); sys.exit(7)"]
        spawned = spawn(command, Lifeline(), log)
        return Spawned(process=spawned.process, lifeline=spawned.lifeline, behind=Ended(spawned.process.pid))

    def private(self, plan: LaunchPlan) -> bool:
        return self.error is not None

    def clean(self) -> None:
        """Nothing."""


def planned(folder: Path, launcher: Starts) -> LaunchPlan:
    return LaunchPlan(launcher=launcher, base_dir=folder, environment={}, log=folder / "i.log")


def test_the_status_is_that_of_the_process_in_front_which_ends_a_moment_later(tmp_path: Path) -> None:
    instance = Instance(planned(tmp_path, Starts()))
    with pytest.raises(StartError, match="exited with status 7 before"):
        instance.wait_ready()
    instance.stop(0)


def test_one_that_cannot_be_started_leaves_no_descriptor(tmp_path: Path) -> None:
    def held() -> list[str]:
        return [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]

    with pytest.raises(OSError, match="no more"):
        Instance(planned(tmp_path, Starts(OSError("no more"))))

    assert str(tmp_path) not in held()
