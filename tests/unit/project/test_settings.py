"""One setting is written into pyproject.toml; everything else of the file stays, comments too."""

from __future__ import annotations

import pytest

from fogbank.contracts.errors import ProjectError
from fogbank.project.settings import with_setting

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
