"""No name leads out of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.ground.digest import blob_path
from fogbank.ground.paths import EscapeError, inside, plain_name


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a\0b", "..", "a/..", "//x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EscapeError, match="leads out of its folder"):
        inside(tmp_path, name)


def test_a_name_through_a_link_is_refused_and_a_link_at_its_end_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(EscapeError, match="through the link 'out'"):
        inside(tmp_path, "out/passwd")

    assert inside(tmp_path, "out") == tmp_path / "out"
    assert inside(tmp_path, "a//./b c/..d") == tmp_path / "a/b c/..d"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\0"])
def test_a_file_has_a_plain_name(name: str) -> None:
    with pytest.raises(EscapeError):
        plain_name(name)


@pytest.mark.parametrize("digest", ["sha256:../../x", "sha256:" + "A" * 64, "sha512:" + "0" * 128, ""])
def test_a_digest_that_is_none_is_no_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        blob_path(tmp_path, digest)
