"""The circle that does not close says what its function wrote; and it is drawn nowhere but in a folder of its own. Closed: tests/journeys."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.contracts.errors import DataError, ProjectError
from fogbank.project.loop import Loop, prepare
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Steps, ignore


def loop(deadline: float) -> Loop:
    project: Any = SimpleNamespace(logs=lambda name, lines: {"a": f"{name} wrote {lines} lines"})
    return Loop(project, Steps(ignore), {"retraining": "again"}, deadline=deadline)


def test_what_comes_is_taken_though_it_is_late() -> None:
    assert loop(deadline=0).until("a job", lambda: "job") == "job"


def test_what_does_not_come_is_told_with_what_the_function_wrote() -> None:
    with pytest.raises(
        DataError, match="a job did not come within 300 s; the function wrote:\nagain wrote 6 lines"
    ) as raised:
        loop(deadline=0).until("a job", lambda: None)

    assert (raised.value.code, raised.value.hint) == ("loop-stuck", "see `fogbank logs again`")


def test_it_begins_anew_in_its_own_folder_and_touches_no_other(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "loop")
    assert load_config(folder).name == "loop"
    kept, gone = folder / ".fogbank" / "trained" / "a", folder / ".fogbank" / "pulumi" / "a"
    for file in (kept, gone):
        file.parent.mkdir(parents=True)
        file.write_text("")

    prepare(folder)
    assert (kept.exists(), gone.exists()) == (True, False)

    gone.parent.mkdir()
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text().replace('name = "loop"', 'name = "ours"'))
    with pytest.raises(ProjectError, match="another project's"):
        prepare(folder)
    assert gone.parent.exists()
