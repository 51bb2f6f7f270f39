"""Where fogbank came from, as a project's lock takes it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fogbank.project.workplace.origin import source_of


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        ({"url": "https://h/fogbank.whl", "archive_info": {}}, {"url": "https://h/fogbank.whl"}),
        ({"url": "file:///a%20b/fogbank", "dir_info": {}}, {"path": "/a b/fogbank"}),
        ({"url": "file:///a/fogbank", "dir_info": {"editable": True}}, {"path": "/a/fogbank", "editable": True}),
        ({"url": "https://h/r", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}, {"git": "https://h/r", "rev": "c0ffee"}),
        ({"url": "file:///gone/fogbank.whl", "archive_info": {}}, {"path": "/gone/fogbank.whl"}),
    ],
)  # fmt: skip
def test_a_source_is_toml(direct_url: dict[str, Any], source: dict[str, Any], tmp_path: Path) -> None:
    assert tomllib.loads(f"s = {source_of(direct_url, tmp_path)}")["s"] == source


def test_a_wheel_that_is_there_goes_along(tmp_path: Path) -> None:
    wheel, project = tmp_path / "fogbank-1-py3-none-any.whl", tmp_path / "project"
    wheel.write_bytes(b"wheel")
    project.mkdir()

    source = source_of({"url": wheel.as_uri(), "archive_info": {}}, project)

    assert source == '{ path = "wheels/fogbank-1-py3-none-any.whl" }'
    assert (project / "wheels" / wheel.name).read_bytes() == b"wheel"
