"""One setting is written into pyproject.toml; everything else of the file stays, comments too."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.errors import ProjectError
from fogbank.project.workplace.settings import with_items, with_setting, write_setting

BASE = "public.ecr.aws/docker/library/python:3.11-slim@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[tool.fogbank]\nname = "c"\n', f'[tool.fogbank]\nbase = "{BASE}"\nname = "c"\n'),
        ("[tool.fogbank]", f'[tool.fogbank]\nbase = "{BASE}"'),
        (
            '[tool.fogbank] # ours\nname = "c"\nbase = \'old\'  # why\n\n[tool.x]\nbase = "x"\n',
            f'[tool.fogbank] # ours\nname = "c"\nbase = "{BASE}"  # why\n\n[tool.x]\nbase = "x"\n',
        ),
        ('[tool.fogbank]\r\nname = "c"\r\n', f'[tool.fogbank]\r\nbase = "{BASE}"\nname = "c"\r\n'),
    ],
)
def test_one_line_is_written_and_the_rest_stays(before: str, after: str) -> None:
    written = with_setting(before, "base", f'"{BASE}"')
    assert written.replace("\r\n", "\n") == after.replace("\r\n", "\n")
    assert with_setting(written, "base", f'"{BASE}"') == written


@pytest.mark.parametrize(
    "text",
    [
        '[tool]\nfogbank = { name = "c" }\n',
        '[tool.fogbank]\nname = """\n[x]\n"""\nbase = "old"\n',
        '[tool.fogbank]\n"base" = "old"\n',
    ],
)
def test_what_is_written_in_another_way_is_left_to_its_writer(text: str) -> None:
    with pytest.raises(ProjectError) as error:
        with_setting(text, "base", f'"{BASE}"')
    assert BASE in error.value.hint


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["uvicorn[standard]"]', '["uvicorn[standard]", "b"]'),
        ("['uvicorn[standard]',]", "['uvicorn[standard]', \"b\",]"),
        (
            '[  # of "us" [all\n  "uvicorn[standard]",  # don\'t ]\n  # "c"\n]  # mine',
            '[  # of "us" [all\n  "uvicorn[standard]", "b",  # don\'t ]\n  # "c"\n]  # mine',
        ),
    ],
)
def test_a_list_is_added_to_where_it_ends_and_its_brackets_and_comments_stay(before: str, after: str) -> None:
    text = f'[tool.fogbank]\nname = "c"\ndependencies = {before}\n\n[tool.x]\n'
    added = with_items(text, "dependencies", ["uvicorn[standard]"], ["b"])
    assert added == text.replace(before, after)
    assert with_items(added, "dependencies", ["uvicorn[standard]"], ["b"]) == added


def test_a_list_that_is_empty_or_not_there_gets_all_of_it() -> None:
    assert with_items("[tool.fogbank]\na = [ ]\n", "a", [], ["b", "c"]) == '[tool.fogbank]\na = ["b", "c" ]\n'
    assert with_items("[tool.fogbank]\n", "a", ["x"], ["b"]) == '[tool.fogbank]\na = ["x", "b"]\n'


def test_a_list_with_brackets_is_set_too() -> None:
    text = '[tool.fogbank]\ndependencies = ["a[b]",  # [c\n]\n'
    assert with_setting(text, "dependencies", '["d"]') == '[tool.fogbank]\ndependencies = ["d"]\n'


def test_what_says_so_already_is_not_written_again_however_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text := '[tool]\nfogbank = { base = "b" }\n')
    before = file.stat()
    write_setting(tmp_path, "base", '"b"')
    assert (file.read_text(), file.stat().st_ino) == (text, before.st_ino)
