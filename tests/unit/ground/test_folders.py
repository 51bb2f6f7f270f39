"""A private folder is its user's alone, whoever made it before."""

from __future__ import annotations

from pathlib import Path

from fogbank.ground.folders import private_folder


def test_it_is_made_private_and_mended_where_it_was_not(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)

    modes = [private_folder(tmp_path / name).stat().st_mode & 0o777 for name in ("fresh", "open", "open")]

    assert modes == [0o700] * 3
