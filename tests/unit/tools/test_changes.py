"""The change log's fragments: those that are there are well formed, and a release moves every one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.changes.collect import fragments, problems, released

ROOT = Path(__file__).parents[3]
LOG = "# Changelog\n\n## Unreleased\n\nThe main job.\n\n- Images.\n\n## 0.1.0 - 2026-01-01\n\n- First.\n"


def test_every_fragment_that_is_there_is_well_formed() -> None:
    assert fragments(ROOT / "changes")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("cloud_time.md", "- A schedule fires.\n", "the name is not"),
        ("cloud.md", "- A schedule fires.\n", "the name is not"),
        ("cloud-time.md", "A schedule fires.\n", "does not begin with a bullet"),
        ("cloud-time.md", "- So.\n", "does not begin with a bullet"),
        ("cloud-time.md", "- A schedule fires.\n- Another, too.\n", "more than one bullet"),
        ("cloud-time.md", "- A schedule fires.\nat once.\n", "more than one bullet"),
        ("cloud-time.md", "- A schedule fires.", "does not end with a newline"),
        ("cloud-time.md", "- A schedule fires. \n", "a line ends with a space"),
        ("cloud-time.md", "- " + "long " * 40 + "word\n", "longer than 160"),
    ],
)
def test_what_is_not_well_formed_is_named(name: str, text: str, problem: str) -> None:
    [found] = problems(name, text)

    assert found.startswith(f"changes/{name}: ")
    assert problem in found


def test_a_bad_fragment_stops_the_release_and_says_which(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("how\n")
    (tmp_path / "cloud-time.md").write_text("- A schedule fires,\n  and once.\n")
    assert fragments(tmp_path) == {"cloud-time.md": "- A schedule fires,\n  and once.\n"}
    (tmp_path / "notes.txt").write_text("- Not a fragment.\n")

    with pytest.raises(ValueError, match=r"notes\.txt"):
        fragments(tmp_path)


def test_a_release_takes_what_was_unreleased_and_the_fragments_under_its_version() -> None:
    text = released(LOG, {"a-b.md": "- One.\n", "c-d.md": "- Two,\n  and more.\n"}, "0.2.0", "2026-11-25")

    assert text == (
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-11-25\n\nThe main job.\n\n- Images.\n- One.\n- Two,\n  and more.\n"
        "\n## 0.1.0 - 2026-01-01\n\n- First.\n"
    )
    again = released(text, {"e-f.md": "- Three.\n"}, "0.3.0", "2026-12-01")
    assert again.startswith(
        "# Changelog\n\n## Unreleased\n\n## 0.3.0 - 2026-12-01\n\n- Three.\n\n## 0.2.0 - 2026-11-25\n"
    )


@pytest.mark.parametrize(
    ("log", "version", "cause"),
    [
        (LOG, "0.1.0", "has version 0.1.0 already"),
        (LOG, "next", "is not a version"),
        ("# Changelog\n", "0.2.0", "has no '## Unreleased'"),
    ],
)
def test_what_cannot_be_released_is_refused(log: str, version: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        released(log, {}, version, "2026-11-25")
