"""What brings a project up to date: one as the first fogbank that wrote projects wrote it (earlier_project.json), and today's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fogbank.contracts.errors import ProjectError
from fogbank.project.scaffolding.mark import MARK, read_mark
from fogbank.project.scaffolding.scaffold import write_project
from fogbank.project.scaffolding.upgrade import Upgrade, apply, planned, written_today
from fogbank.project.workplace.config import load_config

EARLIER = json.loads(Path(__file__).with_name("earlier_project.json").read_text())


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    for name, text in EARLIER.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def todays(tmp_path: Path) -> Path:
    write_project("churn", tmp_path / "churn")
    return tmp_path / "churn"


def plan(root: Path) -> Upgrade:
    return planned(load_config(root))


def paths(upgrade: Upgrade) -> set[str]:
    return {change.path for change in upgrade.changes}


def test_a_project_without_a_mark_becomes_what_is_written_today(
    earlier: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = plan(earlier)
    assert first.written_by == ""
    assert not first.kept
    apply(earlier, first)

    fresh = tmp_path_factory.mktemp("fresh") / "churn"
    write_project("churn", fresh)
    for path in read_mark(fresh).files:
        assert (earlier / path).read_bytes() == (fresh / path).read_bytes(), path
    assert (earlier / MARK).read_bytes() == (fresh / MARK).read_bytes()
    assert "fogbank>=0.1.0" in (earlier / "pyproject.toml").read_text()
    assert not plan(earlier).changes


def test_what_the_user_changed_stays_and_the_rest_of_the_program_with_it(earlier: Path) -> None:
    serving = earlier / "infra" / "serving.py"
    serving.write_text(serving.read_text() + "# mine\n")
    upgrade = plan(earlier)

    assert upgrade.kept == {"infra/serving.py": "you changed it"}
    assert not [path for path in paths(upgrade) if path.startswith("infra/")]
    apply(earlier, upgrade)
    assert serving.read_text().endswith("# mine\n")
    assert plan(earlier).kept == upgrade.kept
    assert b"# mine" not in written_today(load_config(earlier), "infra/serving.py")


def test_with_a_mark_only_what_fogbank_changed_since_is_news(todays: Path) -> None:
    (todays / "Pulumi.aws.yaml").unlink()
    (todays / ".gitignore").write_text("mine/\n")
    assert plan(todays).written_by == "0.1.0"
    assert not plan(todays).changes
    assert not plan(todays).kept, "today's fogbank would write what the user started from"

    mark = json.loads((todays / MARK).read_text())
    mark["fogbank"] = "0.0.9"
    mark["files"] |= {".gitignore": "0" * 64, "infra/gone.py": "1" * 64}
    (todays / MARK).write_text(json.dumps(mark))
    assert plan(todays).kept == {".gitignore": "you changed it"}


def test_a_file_that_is_written_no_more_goes_and_the_users_own_beside_it_stays(todays: Path) -> None:
    from fogbank.project.scaffolding.mark import digest_of

    (todays / "infra" / "gone.py").write_text("GONE = 1\n")
    (todays / "infra" / "mine.py").write_text("MINE = 1\n")
    mark = json.loads((todays / MARK).read_text())
    mark["files"]["infra/gone.py"] = digest_of("infra/gone.py", b"GONE = 1\n")
    (todays / MARK).write_text(json.dumps(mark))
    upgrade = plan(todays)

    assert [(change.path, change.after) for change in upgrade.changes] == [("infra/gone.py", None)]
    assert "-GONE = 1" in upgrade.changes[0].difference
    apply(todays, upgrade)
    assert not (todays / "infra" / "gone.py").exists()
    assert (todays / "infra" / "mine.py").exists()
    assert "infra/gone.py" not in read_mark(todays).files


def test_of_the_settings_the_requirement_of_fogbank_alone_is_renewed(todays: Path) -> None:
    settings = todays / "pyproject.toml"
    settings.write_text(settings.read_text().replace("fogbank>=0.1.0", "fogbank>=0.0.9").replace("joblib", "joblib>=1"))
    upgrade = plan(todays)

    assert paths(upgrade) == {"pyproject.toml"}
    changed = [line for line in upgrade.changes[0].difference.splitlines()[2:] if line[0] in "+-"]
    assert len(changed) == 2
    assert "fogbank>=0.1.0" in changed[1]
    assert "joblib>=1" in changed[1]


def test_one_that_was_broken_off_goes_on(earlier: Path) -> None:
    upgrade = plan(earlier)
    half = Upgrade(written_by="", changes=upgrade.changes[:2], kept={}, mark=upgrade.mark)
    for change in half.changes:
        (earlier / change.path).parent.mkdir(parents=True, exist_ok=True)
        (earlier / change.path).write_bytes(change.after or b"")

    assert paths(plan(earlier)) == paths(upgrade) - paths(half)
    assert not plan(earlier).kept


@pytest.mark.parametrize(
    "text", ["", "[]", '{"fogbank": "1", "files": {"infra/../../x": "0"}}', '{"fogbank": "1", "files": {"/x": "0"}}']
)
def test_a_mark_that_is_none_is_refused(todays: Path, text: str) -> None:
    (todays / MARK).write_text(text)
    with pytest.raises(ProjectError) as caught:
        plan(todays)
    assert caught.value.code == "mark-unreadable"


def test_a_file_that_fogbank_does_not_write_is_named_with_those_that_it_does(todays: Path) -> None:
    with pytest.raises(ProjectError, match=r"infra/nope\.py") as caught:
        written_today(load_config(todays), "infra/nope.py")
    assert "infra/serving.py" in caught.value.hint
    assert caught.value.code == "file-unknown"
