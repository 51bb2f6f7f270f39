"""A private folder is its user's alone, whoever made it before; a file is written whole, or is as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.ground.folders import private_folder, write_whole


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
