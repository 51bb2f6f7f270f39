"""A private folder is its user's alone, whoever made it before; a file is written whole, or is as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fogbank.ground.folders import file_below, private_folder, text_below, write_whole
from fogbank.ground.paths import EscapeError


def test_it_is_made_private_and_mended_where_it_was_not(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)

    modes = [private_folder(tmp_path / name).stat().st_mode & 0o777 for name in ("fresh", "open", "open")]

    assert modes == [0o700] * 3


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"before")
    with pytest.raises(TypeError):
        write_whole(tmp_path / "file", None)  # type: ignore[arg-type]  # the write fails, and that is the point

    assert (tmp_path / "file").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_process_left_is_read_by_no_link_that_leads_out(tmp_path: Path) -> None:
    secret, home = tmp_path / "secret", tmp_path / "home"
    secret.write_bytes(b"the user's own")
    (home / "deep").mkdir(parents=True)
    (home / "deep" / "file").write_bytes(b"left")
    (home / "beside").symlink_to("deep/file")
    (home / "out").symlink_to(secret)
    (home / "up").symlink_to("..")
    os.mkfifo(home / "pipe")

    with file_below(home, home / "deep" / "file") as stream:
        assert stream.read() == b"left"
    assert text_below(home, home / "beside", 3) == "lef"
    for name in ("out", "up/secret", "up"):
        with pytest.raises(EscapeError):
            file_below(home, home / name).__enter__()
        assert text_below(home, home / name, 100) is None
    for name in ("pipe", "deep", "", "none"):
        with pytest.raises(OSError, match=r"no file|No such file|directory"):
            file_below(home, home / name).__enter__()
